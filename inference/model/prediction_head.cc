#include "inference/model/prediction_head.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace citeseek::inference {

PredictionHead::PredictionHead(Parameters& parameters, const ModelConfig& config) {
  const std::string prefix = absl::StrCat("layers.", config.layers, ".");
  if (config.prediction_layers == 0 || !parameters.Contains(prefix + "eh_proj.weight")) return;
  const int hidden = config.hidden_size;
  embedding_norm_ = parameters.Vector({{prefix + "enorm.weight", hidden}});
  hidden_norm_ = parameters.Vector({{prefix + "hnorm.weight", hidden}});
  join_ = parameters.Linear({{prefix + "eh_proj.weight", hidden}}, 2 * std::int64_t{hidden});
  layer_ = DecoderLayer(parameters, config, config.layers);
  norm_ = parameters.Vector({{prefix + "shared_head.norm.weight", hidden}});
}

void PredictionHead::MakeBuffers(Arena& arena, const ModelConfig& config, int max_tokens,
                                 int blocks) {
  both_ = arena.Floats(max_tokens, 2 * std::int64_t{config.hidden_size});
  layer_.MakeCache(arena, config, blocks);
}

void PredictionHead::Run(Backend& backend, const StepView& step, const Activations& a,
                         const Matrix& embedding, const std::int32_t* ids, const std::int32_t* rows,
                         const float* final_norm, float eps) const {
  const int width = a.hidden.cols;
  const Tensor both = both_.First(step.tokens);
  const Tensor embedded = both.Columns(0, width);
  const Tensor previous = both.Columns(width, width);
  backend.GatherRows(previous, a.hidden, rows);
  backend.Norm(previous, previous, final_norm, nullptr, eps, NormKind::kRms);
  backend.Norm(previous, previous, hidden_norm_.data(), nullptr, eps, NormKind::kRms);
  backend.EmbedRows(embedded, embedding, ids, false);
  backend.Norm(embedded, embedded, embedding_norm_.data(), nullptr, eps, NormKind::kRms);
  backend.Linear(a.hidden.First(step.tokens), both, *join_, nullptr, false);
  layer_.Run(backend, step, a, eps);
}

}  // namespace citeseek::inference
