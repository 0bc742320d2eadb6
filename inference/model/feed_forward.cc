#include "inference/model/feed_forward.h"

#include <vector>

#include "absl/strings/str_cat.h"

namespace citeseek::inference {

GatedMlp::GatedMlp(Parameters& parameters, const ModelConfig& config, int intermediate,
                   const std::string& prefix)
    : intermediate_(intermediate), nonlinearity_(NonlinearityOf(config.activation)) {
  gate_up_ = parameters.Linear(
      {{prefix + "gate_proj.weight", intermediate}, {prefix + "up_proj.weight", intermediate}},
      config.hidden_size);
  down_ = parameters.Linear({{prefix + "down_proj.weight", config.hidden_size}}, intermediate);
  if (config.mlp_bias) {
    gate_up_bias_ = parameters.Vector(
        {{prefix + "gate_proj.bias", intermediate}, {prefix + "up_proj.bias", intermediate}});
    down_bias_ = parameters.Vector({{prefix + "down_proj.bias", config.hidden_size}});
  }
}

void GatedMlp::Run(Backend& backend, int tokens, const Activations& a) const {
  const Tensor gate_up = a.gate_up.First(tokens).Columns(0, 2 * intermediate_);
  const Tensor inner = a.inner.First(tokens).Columns(0, intermediate_);
  backend.LinearActivate(inner, gate_up, a.normed.First(tokens), *gate_up_, gate_up_bias_.data(),
                         nonlinearity_);
  backend.Linear(a.hidden.First(tokens), inner, *down_, down_bias_.data(), true);
}

ExpertMlp::ExpertMlp(Parameters& parameters, const ModelConfig& config, const std::string& prefix)
    : experts_per_token_(config.moe.experts_per_token),
      nonlinearity_(NonlinearityOf(config.activation)) {
  const MoeConfig& moe = config.moe;
  router_ = parameters.ExactLinear({{prefix + "gate.weight", moe.experts}}, config.hidden_size);
  if (moe.correction_bias) {
    correction_bias_ = parameters.Vector({{prefix + "gate.e_score_correction_bias", moe.experts}});
  }
  route_ = {.sigmoid = moe.scoring == MoeConfig::Scoring::kSigmoid,
            .bias = correction_bias_.data(),
            .groups = moe.groups,
            .top_groups = moe.groups_per_token,
            .group_by_top2 = moe.group_score == MoeConfig::GroupScore::kTopTwoBias,
            .normalize = moe.normalize,
            .scale = static_cast<float>(moe.routed_scale)};
  std::vector<std::vector<Parameters::Part>> gate_up;
  std::vector<std::vector<Parameters::Part>> down;
  for (int e = 0; e < moe.experts; ++e) {
    const std::string expert = absl::StrCat(prefix, "experts.", e, ".");
    gate_up.push_back({{expert + "gate_proj.weight", moe.intermediate_size},
                       {expert + "up_proj.weight", moe.intermediate_size}});
    down.push_back({{expert + "down_proj.weight", config.hidden_size}});
  }
  gate_up_ = parameters.Stack(gate_up, config.hidden_size);
  down_ = parameters.Stack(down, moe.intermediate_size);
  if (moe.shared_experts > 0) {
    shared_ = GatedMlp(parameters, config, moe.shared_experts * moe.intermediate_size,
                       prefix + "shared_experts.");
  }
}

void ExpertMlp::Run(Backend& backend, int tokens, const Activations& a) const {
  const int rows = tokens * experts_per_token_;
  const Tensor scores = a.scores.First(tokens);
  const Tensor mix = a.mix.First(tokens);
  backend.Linear(scores, a.normed.First(tokens), *router_, nullptr, false);
  backend.Route(mix, a.chosen, scores, route_);
  if (shared_.present()) shared_.Run(backend, tokens, a);
  const Tensor gate_up = a.expert_gate_up.First(rows);
  const Tensor inner = a.expert_inner.First(rows);
  const Tensor out = a.expert_out.First(rows);
  backend.ExpertLinear(gate_up, a.normed.First(tokens), *gate_up_, a.chosen, experts_per_token_);
  backend.Activate(inner, gate_up, nonlinearity_);
  backend.ExpertLinear(out, inner, *down_, a.chosen, experts_per_token_);
  backend.Combine(a.hidden.First(tokens), out, mix);
}

}  // namespace citeseek::inference
