#include "inference/model/decoder.h"

#include <algorithm>
#include <utility>

namespace citeseek::inference {
namespace {

// Rows of logits that are computed at a time: a prompt that wants all of its rows is rare.
constexpr int kLogitRows = 64;

int BlocksFor(int tokens) { return (tokens + kKvBlock - 1) / kKvBlock; }

}  // namespace

Decoder::Decoder(const ModelConfig& config, Backend& backend, const DecoderOptions& options)
    : config_(config), backend_(backend), options_(options), rope_(config_.rope), arena_(backend) {}

absl::StatusOr<std::unique_ptr<Decoder>> Decoder::Load(const ModelConfig& config,
                                                       const Weights& weights, Backend& backend,
                                                       const DecoderOptions& options) {
  std::unique_ptr<Decoder> decoder(new Decoder(config, backend, options));
  if (absl::Status status = decoder->LoadParameters(weights); !status.ok()) return status;
  if (absl::Status status = decoder->MakeBuffers(); !status.ok()) return status;
  return decoder;
}

std::int64_t Decoder::BlockBytes(const ModelConfig& config) {
  const KvCache shape = CacheShape(config);
  const std::int64_t numbers = shape.key_dim + (shape.values_in_keys ? 0 : shape.value_dim);
  const int layers = config.layers + std::min(config.prediction_layers, 1);
  return std::int64_t{layers} * shape.heads * kKvBlock * numbers *
         static_cast<std::int64_t>(sizeof(float));
}

absl::Status Decoder::LoadParameters(const Weights& weights) {
  Parameters parameters(weights, backend_, options_.storage);
  embedding_ =
      parameters.Linear({{"embed_tokens.weight", config_.vocabulary_size}}, config_.hidden_size);
  for (int i = 0; i < config_.layers; ++i) {
    layers_.emplace_back(parameters, config_, i);
    if (!parameters.status().ok()) return parameters.status();
  }
  prediction_ = PredictionHead(parameters, config_);
  final_norm_ = parameters.Vector({{"norm.weight", config_.hidden_size}});
  if (!config_.tied_embeddings) {
    head_ = parameters.Linear({{"lm_head.weight", config_.vocabulary_size}}, config_.hidden_size);
  }
  weight_bytes_ = parameters.bytes();
  return parameters.status();
}

absl::Status Decoder::MakeBuffers() {
  const int tokens = options_.max_tokens;
  activations_ = MakeActivations(arena_, config_, tokens);
  last_ = arena_.Floats(kLogitRows, config_.hidden_size);
  logits_ = arena_.Floats(kLogitRows, config_.vocabulary_size);
  angles_ = arena_.Floats(tokens, rope_.dimension());
  ids_ = arena_.Ints(tokens);
  slots_ = arena_.Ints(tokens);
  logit_rows_ = arena_.Ints(tokens);
  query_start_ = arena_.Ints(options_.max_sequences + 1);
  context_ = arena_.Ints(options_.max_sequences);
  blocks_ = arena_.Ints(std::int64_t{options_.max_sequences} * BlocksFor(options_.max_context));
  for (DecoderLayer& layer : layers_) layer.MakeCache(arena_, config_, options_.kv_blocks);
  if (prediction_.present()) {
    hidden_rows_ = arena_.Ints(tokens);
    prediction_.MakeBuffers(arena_, config_, tokens, options_.kv_blocks);
  }
  return arena_.status();
}

StepView Decoder::Upload(std::span<const SequenceStep> sequences) {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> positions;
  std::vector<std::int32_t> lengths;
  std::vector<std::int32_t> slots;
  std::vector<std::int32_t> starts = {0};
  std::vector<std::int32_t> context;
  const int max_blocks = BlocksFor(options_.max_context);
  std::vector<std::int32_t> blocks(sequences.size() * static_cast<std::size_t>(max_blocks));
  std::vector<std::int32_t> logit_rows;
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const SequenceStep& step = sequences[s];
    const int count = static_cast<int>(step.tokens.size());
    ids.insert(ids.end(), step.tokens.begin(), step.tokens.end());
    for (int i = 0; i < count; ++i) {
      const int position = step.first_position + i;
      positions.push_back(position);
      lengths.push_back(step.prompt_length);
      slots.push_back(step.blocks[static_cast<std::size_t>(position / kKvBlock)] * kKvBlock +
                      position % kKvBlock);
    }
    starts.push_back(static_cast<std::int32_t>(ids.size()));
    context.push_back(step.first_position + count);
    std::copy(step.blocks.begin(), step.blocks.end(),
              blocks.begin() + static_cast<std::ptrdiff_t>(s) * max_blocks);
    for (int i = count - step.logits; i < count; ++i) {
      logit_rows.push_back(starts[s] + i);
    }
  }
  std::vector<float> angles(ids.size() * static_cast<std::size_t>(rope_.dimension()));
  rope_.Angles(positions, lengths, angles);
  const auto write = [&](auto* target, const auto& values) {
    backend_.Write(target, values.data(), values.size() * sizeof(values[0]));
  };
  write(ids_, ids);
  write(slots_, slots);
  write(logit_rows_, logit_rows);
  write(query_start_, starts);
  write(context_, context);
  write(blocks_, blocks);
  write(angles_.data, angles);
  return {.tokens = static_cast<int>(ids.size()),
          .angles = angles_.data,
          .local_angles = angles_.data,
          .slots = slots_,
          .batch = {.sequences = static_cast<int>(sequences.size()),
                    .query_start = query_start_,
                    .context = context_,
                    .blocks = blocks_,
                    .max_blocks = max_blocks}};
}

void Decoder::Forward(std::span<const SequenceStep> sequences, std::span<float> logits,
                      Observer observer) {
  const StepView step = Upload(sequences);
  const float eps = static_cast<float>(config_.norm_epsilon);
  const Tensor hidden = activations_.hidden.First(step.tokens);
  backend_.EmbedRows(hidden, *embedding_, ids_, false);
  observer(0, hidden);
  int stage = 1;
  for (const DecoderLayer& layer : layers_) {
    layer.Run(backend_, step, activations_, eps);
    observer(stage++, hidden);
  }
  Output(logits, final_norm_.data(), [&](Tensor last) { observer(stage, last); });
}

void Decoder::Predict(std::span<const SequenceStep> sequences, std::span<const int> rows,
                      std::span<float> logits) {
  const StepView step = Upload(sequences);
  std::vector<std::int32_t> hidden_rows;
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    for (std::size_t i = 0; i < sequences[s].tokens.size(); ++i) {
      hidden_rows.push_back(rows[s] + static_cast<std::int32_t>(i));
    }
  }
  backend_.Write(hidden_rows_, hidden_rows.data(), hidden_rows.size() * sizeof(hidden_rows[0]));
  prediction_.Run(backend_, step, activations_, *embedding_, ids_, hidden_rows_, final_norm_.data(),
                  static_cast<float>(config_.norm_epsilon));
  Output(logits, prediction_.norm(), [](Tensor) {});
}

// Logits of the rows that Upload listed.
void Decoder::Output(std::span<float> logits, const float* norm,
                     absl::FunctionRef<void(Tensor)> observer) {
  const float eps = static_cast<float>(config_.norm_epsilon);
  const int vocabulary = config_.vocabulary_size;
  const int rows = static_cast<int>(logits.size() / static_cast<std::size_t>(vocabulary));
  for (int begin = 0; begin < rows; begin += kLogitRows) {
    const int count = std::min(kLogitRows, rows - begin);
    const Tensor last = last_.First(count);
    backend_.GatherRows(last, activations_.hidden, logit_rows_ + begin);
    backend_.Norm(last, last, norm, nullptr, eps, NormKind::kRms);
    observer(last);
    backend_.Linear(logits_.First(count), last, head_ != nullptr ? *head_ : *embedding_, nullptr,
                    false);
    backend_.Read(
        logits.data() + std::int64_t{begin} * vocabulary, logits_.data,
        static_cast<std::size_t>(count) * static_cast<std::size_t>(vocabulary) * sizeof(float));
  }
}

}  // namespace citeseek::inference
