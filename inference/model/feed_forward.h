// FeedForward: a decoder layer's MLP, dense or with routed experts.
//
// Single-threaded, as the backend is.
#pragma once

#include <memory>
#include <string>

#include "inference/backend/backend.h"
#include "inference/model/activations.h"
#include "inference/model/config.h"
#include "inference/model/parameters.h"

namespace citeseek::inference {

// down(act(gate(x)) * up(x))
class GatedMlp {
 public:
  GatedMlp() = default;
  // prefix: "layers.3.mlp.". Errors are left in `parameters`.
  GatedMlp(Parameters& parameters, const ModelConfig& config, int intermediate,
           const std::string& prefix);

  // a.hidden += MLP of a.normed, for the first `tokens` rows.
  void Run(Backend& backend, int tokens, const Activations& a) const;
  bool present() const { return down_ != nullptr; }

 private:
  int intermediate_ = 0;
  Nonlinearity nonlinearity_ = Nonlinearity::kSilu;
  std::unique_ptr<Matrix> gate_up_;
  DeviceVector gate_up_bias_;
  std::unique_ptr<Matrix> down_;
  DeviceVector down_bias_;
};

// The sum of the chosen experts' MLPs, weighted by the router, and of the shared experts'.
class ExpertMlp {
 public:
  ExpertMlp() = default;
  ExpertMlp(Parameters& parameters, const ModelConfig& config, const std::string& prefix);

  void Run(Backend& backend, int tokens, const Activations& a) const;
  bool present() const { return router_ != nullptr; }

 private:
  RouteArgs route_;
  int experts_per_token_ = 0;
  Nonlinearity nonlinearity_ = Nonlinearity::kSilu;
  std::unique_ptr<Matrix> router_;
  DeviceVector correction_bias_;
  std::unique_ptr<Matrix> gate_up_;  // [experts, 2 * intermediate, hidden]
  std::unique_ptr<Matrix> down_;     // [experts, hidden, intermediate]
  GatedMlp shared_;
};

}  // namespace citeseek::inference
