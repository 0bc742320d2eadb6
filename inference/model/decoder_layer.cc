#include "inference/model/decoder_layer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace citeseek::inference {

DecoderLayer::DecoderLayer(Parameters& parameters, const ModelConfig& config, int number) {
  const std::string prefix = absl::StrCat("layers.", number, ".");
  const int alike = std::min(number, config.layers - 1);
  attention_norm = parameters.Vector({{prefix + "input_layernorm.weight", config.hidden_size}});
  attention = LoadDecoderAttention(parameters, config, alike, prefix + "self_attn.");
  mlp_norm = parameters.Vector({{prefix + "post_attention_layernorm.weight", config.hidden_size}});
  if (config.layer_moe[static_cast<std::size_t>(alike)]) {
    experts = ExpertMlp(parameters, config, prefix + "mlp.");
  } else {
    mlp = GatedMlp(parameters, config, config.intermediate_size, prefix + "mlp.");
  }
}

void DecoderLayer::MakeCache(Arena& arena, const ModelConfig& config, int blocks) {
  cache = CacheShape(config);
  const std::int64_t rows = std::int64_t{blocks} * cache.heads * kKvBlock;
  cache.keys = arena.Floats(rows, cache.key_dim).data;
  if (!cache.values_in_keys) cache.values = arena.Floats(rows, cache.value_dim).data;
}

void DecoderLayer::Run(Backend& backend, const StepView& step, const Activations& a,
                       float eps) const {
  const Tensor hidden = a.hidden.First(step.tokens);
  const Tensor normed = a.normed.First(step.tokens);
  backend.Norm(normed, hidden, attention_norm.data(), nullptr, eps, NormKind::kRms);
  attention->Run(backend, cache, step, a);
  backend.Norm(normed, hidden, mlp_norm.data(), nullptr, eps, NormKind::kRms);
  if (experts.present()) {
    experts.Run(backend, step.tokens, a);
  } else {
    mlp.Run(backend, step.tokens, a);
  }
}

}  // namespace citeseek::inference
