#include "inference/model/encoder.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"

namespace citeseek::inference {

Encoder::Encoder(const ModelConfig& config, Backend& backend, const EncoderOptions& options)
    : config_(config),
      backend_(backend),
      options_(options),
      modern_(config.family == Family::kModernBert),
      arena_(backend) {
  if (!modern_) return;
  rope_ = std::make_unique<Rope>(config.rope);
  local_rope_ = std::make_unique<Rope>(config.local_rope);
}

absl::StatusOr<std::unique_ptr<Encoder>> Encoder::Load(const ModelConfig& config,
                                                       const Weights& weights, Backend& backend,
                                                       const EncoderOptions& options) {
  std::unique_ptr<Encoder> encoder(new Encoder(config, backend, options));
  if (absl::Status status = encoder->LoadParameters(weights); !status.ok()) return status;
  if (absl::Status status = encoder->MakeBuffers(); !status.ok()) return status;
  return encoder;
}

absl::Status Encoder::LoadParameters(const Weights& weights) {
  Parameters parameters(weights, backend_, options_.storage);
  const int hidden = config_.hidden_size;
  const std::string embeddings = "embeddings.";
  const std::string norm = embeddings + (modern_ ? "norm" : "LayerNorm");
  words_ =
      parameters.Linear({{embeddings + (modern_ ? "tok_embeddings" : "word_embeddings") + ".weight",
                          config_.vocabulary_size}},
                        hidden);
  if (!modern_) {
    positions_ = parameters.ExactLinear({{embeddings + "position_embeddings.weight",
                                          config_.max_positions + config_.position_offset}},
                                        hidden);
    types_ = parameters.ExactLinear(
        {{embeddings + "token_type_embeddings.weight", config_.token_types}}, hidden);
  }
  embedding_norm_.weight = parameters.Vector({{norm + ".weight", hidden}});
  if (config_.norm_bias) embedding_norm_.bias = parameters.Vector({{norm + ".bias", hidden}});
  for (int i = 0; i < config_.layers && parameters.status().ok(); ++i) {
    modern_ ? LoadModernLayer(parameters, i) : LoadBertLayer(parameters, i);
  }
  if (modern_) {
    final_norm_.weight = parameters.Vector({{"final_norm.weight", hidden}});
    if (config_.norm_bias) final_norm_.bias = parameters.Vector({{"final_norm.bias", hidden}});
  }
  LoadHead(parameters);
  weight_bytes_ = parameters.bytes();
  return parameters.status();
}

void Encoder::LoadBertLayer(Parameters& parameters, int layer) {
  const int hidden = config_.hidden_size;
  const std::string prefix = absl::StrCat("encoder.layer.", layer, ".");
  const std::string self = prefix + "attention.self.";
  Layer& l = layers_.emplace_back();
  l.qkv.weight = parameters.Linear({{self + "query.weight", hidden},
                                    {self + "key.weight", hidden},
                                    {self + "value.weight", hidden}},
                                   hidden);
  l.qkv.bias = parameters.Vector(
      {{self + "query.bias", hidden}, {self + "key.bias", hidden}, {self + "value.bias", hidden}});
  const auto dense = [&](const std::string& name, int n, int k) -> Dense {
    return {parameters.Linear({{name + ".weight", n}}, k),
            parameters.Vector({{name + ".bias", n}})};
  };
  const auto norm = [&](const std::string& name) -> Norm {
    return {parameters.Vector({{name + ".weight", hidden}}),
            parameters.Vector({{name + ".bias", hidden}})};
  };
  l.attention_out = dense(prefix + "attention.output.dense", hidden, hidden);
  l.attention_norm = norm(prefix + "attention.output.LayerNorm");
  l.inner = dense(prefix + "intermediate.dense", config_.intermediate_size, hidden);
  l.outer = dense(prefix + "output.dense", hidden, config_.intermediate_size);
  l.mlp_norm = norm(prefix + "output.LayerNorm");
}

void Encoder::LoadModernLayer(Parameters& parameters, int layer) {
  const int hidden = config_.hidden_size;
  const std::string prefix = absl::StrCat("layers.", layer, ".");
  Layer& l = layers_.emplace_back();
  const auto dense = [&](const std::string& name, int n, int k, bool bias) -> Dense {
    Dense out = {parameters.Linear({{name + ".weight", n}}, k), {}};
    if (bias) out.bias = parameters.Vector({{name + ".bias", n}});
    return out;
  };
  const auto norm = [&](const std::string& name) -> Norm {
    Norm out = {parameters.Vector({{name + ".weight", hidden}}), {}};
    if (config_.norm_bias) out.bias = parameters.Vector({{name + ".bias", hidden}});
    return out;
  };
  l.window = config_.layer_window[static_cast<std::size_t>(layer)];
  // The first layer's input is normalised by the embedding's norm already.
  if (layer > 0) l.attention_norm = norm(prefix + "attn_norm");
  l.qkv = dense(prefix + "attn.Wqkv", 3 * hidden, hidden, config_.qkv_bias);
  l.attention_out = dense(prefix + "attn.Wo", hidden, hidden, config_.output_bias);
  l.mlp_norm = norm(prefix + "mlp_norm");
  l.inner = dense(prefix + "mlp.Wi", 2 * config_.intermediate_size, hidden, config_.mlp_bias);
  l.outer = dense(prefix + "mlp.Wo", hidden, config_.intermediate_size, config_.mlp_bias);
}

void Encoder::LoadHead(Parameters& parameters) {
  const int hidden = config_.hidden_size;
  const bool classify = config_.task == Task::kClassify;
  if (config_.family == Family::kBert) {
    // Bare encoders are often published without their pooler.
    if (!classify && !parameters.Contains("pooler.dense.weight")) return;
    pooler_ = {parameters.ExactLinear({{"pooler.dense.weight", hidden}}, hidden),
               parameters.Vector({{"pooler.dense.bias", hidden}})};
    if (!classify) return;
    classifier_ = {parameters.ExactLinear({{"classifier.weight", config_.labels}}, hidden),
                   parameters.Vector({{"classifier.bias", config_.labels}})};
    return;
  }
  if (!classify) {
    if (modern_ || !parameters.Contains("pooler.dense.weight")) return;
    pooler_ = {parameters.ExactLinear({{"pooler.dense.weight", hidden}}, hidden),
               parameters.Vector({{"pooler.dense.bias", hidden}})};
    return;
  }
  const std::string dense = modern_ ? "head.dense" : "classifier.dense";
  const std::string last = modern_ ? "classifier" : "classifier.out_proj";
  pooler_.weight = parameters.ExactLinear({{dense + ".weight", hidden}}, hidden);
  if (!modern_ || config_.classifier_bias) {
    pooler_.bias = parameters.Vector({{dense + ".bias", hidden}});
  }
  if (modern_) {
    head_norm_.weight = parameters.Vector({{"head.norm.weight", hidden}});
    if (config_.norm_bias) head_norm_.bias = parameters.Vector({{"head.norm.bias", hidden}});
  }
  classifier_ = {parameters.ExactLinear({{last + ".weight", config_.labels}}, hidden),
                 parameters.Vector({{last + ".bias", config_.labels}})};
}

bool Encoder::Has(EncoderOutput output) const {
  switch (output) {
    case EncoderOutput::kPooler:
      return pooler_.weight != nullptr && !modern_;
    case EncoderOutput::kLogits:
      return classifier_.weight != nullptr;
    default:
      return true;
  }
}

int Encoder::Width(EncoderOutput output) const {
  return output == EncoderOutput::kLogits ? config_.labels : config_.hidden_size;
}

absl::Status Encoder::MakeBuffers() {
  const int tokens = options_.max_tokens;
  activations_ = MakeActivations(arena_, config_, tokens);
  if (modern_) {
    angles_ = arena_.Floats(tokens, rope_->dimension());
    local_angles_ = arena_.Floats(tokens, local_rope_->dimension());
  }
  pooled_ = arena_.Floats(options_.max_texts, config_.hidden_size);
  head_ = arena_.Floats(options_.max_texts, config_.hidden_size);
  classes_ = arena_.Floats(options_.max_texts, std::max(config_.labels, 1));
  ids_ = arena_.Ints(tokens);
  position_ids_ = arena_.Ints(tokens);
  type_ids_ = arena_.Ints(tokens);
  starts_ = arena_.Ints(options_.max_texts + 1);
  return arena_.status();
}

int Encoder::Upload(std::span<const EncoderInput> inputs) {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> positions;
  std::vector<std::int32_t> types;
  std::vector<std::int32_t> starts = {0};
  for (const EncoderInput& input : inputs) {
    std::int32_t position = config_.position_offset;
    for (std::size_t i = 0; i < input.ids.size(); ++i) {
      ids.push_back(input.ids[i]);
      // XLM-R does not count padding, wherever it stands.
      const bool pad = config_.position_offset > 0 && input.ids[i] == config_.position_offset - 1;
      positions.push_back(pad ? config_.position_offset - 1 : position++);
      types.push_back(input.types.empty() ? 0 : input.types[i]);
    }
    starts.push_back(static_cast<std::int32_t>(ids.size()));
  }
  const auto write = [&](auto* target, const auto& values) {
    backend_.Write(target, values.data(), values.size() * sizeof(values[0]));
  };
  write(ids_, ids);
  write(position_ids_, positions);
  write(type_ids_, types);
  write(starts_, starts);
  if (modern_) {
    std::vector<float> angles(ids.size() * static_cast<std::size_t>(rope_->dimension()));
    rope_->Angles(positions, positions, angles);
    write(angles_.data, angles);
    local_rope_->Angles(positions, positions, angles);
    write(local_angles_.data, angles);
  }
  return static_cast<int>(ids.size());
}

void Encoder::ApplyNorm(Tensor y, Tensor x, const Norm& norm) {
  backend_.Norm(y, x, norm.weight.data(), norm.bias.data(),
                static_cast<float>(config_.norm_epsilon), NormKind::kLayer);
}

void Encoder::ApplyDense(Tensor y, Tensor x, const Dense& dense, bool accumulate) {
  backend_.Linear(y, x, *dense.weight, dense.bias.data(), accumulate);
}

void Encoder::Embed(Tensor hidden) {
  backend_.EmbedRows(hidden, *words_, ids_, false);
  if (!modern_) {
    backend_.EmbedRows(hidden, *positions_, position_ids_, true);
    backend_.EmbedRows(hidden, *types_, type_ids_, true);
  }
  ApplyNorm(hidden, hidden, embedding_norm_);
}

void Encoder::RunLayer(const Layer& layer, int tokens, int sequences) {
  const int hidden_size = config_.hidden_size;
  const Tensor hidden = activations_.hidden.First(tokens);
  Tensor input = hidden;
  if (modern_ && layer.attention_norm.weight.data() != nullptr) {
    input = activations_.normed.First(tokens);
    ApplyNorm(input, hidden, layer.attention_norm);
  }
  const Tensor qkv = activations_.queries.First(tokens);
  ApplyDense(qkv, input, layer.qkv, false);
  const Tensor q = qkv.Columns(0, hidden_size);
  const Tensor k = qkv.Columns(hidden_size, hidden_size);
  if (modern_) {
    const RopeArgs rope = {.heads = config_.heads,
                           .head_dim = config_.head_size,
                           .rotary_dim = config_.rope.dimension,
                           .interleaved = config_.rope.interleaved};
    const float* angles = layer.window > 0 ? local_angles_.data : angles_.data;
    backend_.Rope(q, angles, rope);
    backend_.Rope(k, angles, rope);
  }
  const Tensor attended = activations_.attended.First(tokens);
  backend_.AttendFull(attended, q, k, qkv.Columns(2 * hidden_size, hidden_size), starts_, sequences,
                      {.heads = config_.heads,
                       .scale = 1.0f / std::sqrt(static_cast<float>(config_.head_size)),
                       .window = layer.window});
  ApplyDense(hidden, attended, layer.attention_out, true);
  const Tensor inner = activations_.inner.First(tokens);
  const Nonlinearity nonlinearity = NonlinearityOf(config_.activation);
  if (modern_) {
    const Tensor normed = activations_.normed.First(tokens);
    const Tensor gate_up = activations_.gate_up.First(tokens);
    ApplyNorm(normed, hidden, layer.mlp_norm);
    backend_.LinearActivate(inner, gate_up, normed, *layer.inner.weight, layer.inner.bias.data(),
                            nonlinearity);
    ApplyDense(hidden, inner, layer.outer, true);
    return;
  }
  ApplyNorm(hidden, hidden, layer.attention_norm);
  backend_.LinearActivate(inner, inner, hidden, *layer.inner.weight, layer.inner.bias.data(),
                          nonlinearity);
  ApplyDense(hidden, inner, layer.outer, true);
  ApplyNorm(hidden, hidden, layer.mlp_norm);
}

void Encoder::Run(std::span<const EncoderInput> inputs, EncoderOutput output, std::span<float> out,
                  Observer observer) {
  const int tokens = Upload(inputs);
  const int sequences = static_cast<int>(inputs.size());
  const Tensor hidden = activations_.hidden.First(tokens);
  Embed(hidden);
  int stage = 0;
  observer(stage++, hidden);
  for (const Layer& layer : layers_) {
    RunLayer(layer, tokens, sequences);
    observer(stage++, hidden);
  }
  if (modern_) {
    ApplyNorm(hidden, hidden, final_norm_);
    observer(stage, hidden);
  }
  const bool mean = output == EncoderOutput::kMean ||
                    (output == EncoderOutput::kLogits && config_.classifier_mean);
  Tensor result = pooled_.First(sequences);
  backend_.Pool(result, hidden, starts_, mean ? Pooling::kMean : Pooling::kFirst);
  if (output == EncoderOutput::kPooler || output == EncoderOutput::kLogits) {
    const Tensor head = head_.First(sequences);
    ApplyDense(head, result, pooler_, false);
    backend_.Activate(
        head, head, modern_ ? NonlinearityOf(config_.classifier_activation) : Nonlinearity::kTanh);
    if (head_norm_.weight.data() != nullptr) ApplyNorm(head, head, head_norm_);
    result = head;
  }
  if (output == EncoderOutput::kLogits) {
    const Tensor classes = classes_.First(sequences);
    ApplyDense(classes, result, classifier_, false);
    result = classes;
  }
  for (int s = 0; s < sequences; ++s) {
    backend_.Read(out.data() + std::int64_t{s} * result.cols, result.Row(s),
                  static_cast<std::size_t>(result.cols) * sizeof(float));
  }
}

}  // namespace citeseek::inference
