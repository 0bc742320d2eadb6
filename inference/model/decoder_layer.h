// DecoderLayer: one layer of a decoder: hidden states in, hidden states out, the past in its cache.
//
// Single-threaded, as the backend is.
#pragma once

#include <memory>
#include <string>

#include "inference/backend/backend.h"
#include "inference/model/activations.h"
#include "inference/model/config.h"
#include "inference/model/decoder_attention.h"
#include "inference/model/feed_forward.h"
#include "inference/model/parameters.h"

namespace citeseek::inference {

struct DecoderLayer {
  DeviceVector attention_norm;
  DeviceVector mlp_norm;
  std::unique_ptr<DecoderAttention> attention;
  GatedMlp mlp;
  ExpertMlp experts;
  KvCache cache;

  DecoderLayer() = default;
  // number: in the files; a prediction layer's is beyond the last and it is built as the last one
  // is. Errors are left in `parameters`.
  DecoderLayer(Parameters& parameters, const ModelConfig& config, int number);

  void MakeCache(Arena& arena, const ModelConfig& config, int blocks);

  // a.hidden, for the step's tokens.
  void Run(Backend& backend, const StepView& step, const Activations& a, float eps) const;
};

}  // namespace citeseek::inference
