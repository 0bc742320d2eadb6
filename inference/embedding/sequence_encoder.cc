#include "inference/embedding/sequence_encoder.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "inference/backend/widen.h"
#include "inference/model/content_hash.h"
#include "inference/text/memory.h"

namespace citeseek::inference {
namespace {

constexpr int kDecoderBatchTokens = 512;
constexpr int kBatchTexts = 64;
// The cache of a decoder is addressed, though not filled, for this many tokens.
constexpr std::int64_t kMaxDecoderTokens = 32768;

int BlocksFor(std::int64_t tokens) { return static_cast<int>((tokens + kKvBlock - 1) / kKvBlock); }

EncoderOutput OutputOf(Row row) {
  switch (row) {
    case Row::kMean:
      return EncoderOutput::kMean;
    case Row::kLogits:
      return EncoderOutput::kLogits;
    default:
      return EncoderOutput::kFirst;
  }
}

absl::Status CheckTime(absl::Time deadline, const std::stop_token& stop) {
  if (stop.stop_requested()) return absl::CancelledError("the caller stopped the call");
  if (absl::Now() >= deadline) return absl::DeadlineExceededError("the deadline passed");
  return absl::OkStatus();
}

absl::Status CheckMemory(const ModelFiles& files, const absl::StatusOr<ModelMemory>& needed,
                         std::int64_t free) {
  if (!needed.ok()) return needed.status();
  if (needed->Total() <= free) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(files.path, " does not fit the memory: weights ", MemoryText(needed->weights),
                   needed->cache > 0 ? ", keys and values " + MemoryText(needed->cache) : "",
                   ", working memory ", MemoryText(needed->working), ", but only ",
                   MemoryText(free), " is free"));
}

}  // namespace

Row RowOf(PoolingConfig::Kind kind) {
  switch (kind) {
    case PoolingConfig::Kind::kCls:
      return Row::kFirst;
    case PoolingConfig::Kind::kMean:
      return Row::kMean;
    case PoolingConfig::Kind::kLastToken:
      return Row::kLast;
  }
  return Row::kMean;
}

SequenceEncoder::SequenceEncoder(const ModelConfig& config, std::unique_ptr<Backend> backend)
    : config_(config), backend_(std::move(backend)) {}

absl::StatusOr<std::unique_ptr<SequenceEncoder>> SequenceEncoder::Load(
    const ModelFiles& files, const SequenceEncoderOptions& options) {
  auto backend = MakeBackend(options.model);
  if (!backend.ok()) return backend.status();
  const std::int64_t free = options.memory_bytes > 0 ? options.memory_bytes : FreeMemory(**backend);
  std::unique_ptr<SequenceEncoder> self(new SequenceEncoder(files.config, *std::move(backend)));
  ModelConfig& config = self->config_;
  const std::int64_t wanted =
      options.max_tokens > 0 ? options.max_tokens : std::numeric_limits<std::int64_t>::max();
  self->max_tokens_ = std::min(config.max_positions, wanted);
  const bool both_ways = config.family == Family::kBert || config.family == Family::kXlmRoberta ||
                         config.family == Family::kModernBert;
  if (both_ways) {
    self->batch_tokens_ =
        static_cast<int>(std::max<std::int64_t>(EncoderOptions().max_tokens, self->max_tokens_));
    const EncoderOptions fit = {.storage = options.model.storage,
                                .max_tokens = self->batch_tokens_,
                                .max_texts = kBatchTexts};
    const absl::Status fits =
        CheckMemory(files, MemoryOf(config, files.weights, *self->backend_, fit), free);
    if (!fits.ok()) return fits;
    auto encoder = Encoder::Load(config, files.weights, *self->backend_, fit);
    if (!encoder.ok()) return encoder.status();
    self->encoder_ = *std::move(encoder);
    return self;
  }
  self->max_tokens_ = std::min(self->max_tokens_, kMaxDecoderTokens);
  self->batch_tokens_ = kDecoderBatchTokens;
  // Embedders are published without the head that they do not use.
  config.tied_embeddings |= !files.weights.Contains("lm_head.weight");
  if (config.task == Task::kClassify) {
    const auto score = files.weights.Find("score.weight", {config.labels, config.hidden_size});
    if (!score.ok()) return score.status();
    self->score_.resize(static_cast<std::size_t>(config.labels) *
                        static_cast<std::size_t>(config.hidden_size));
    WidenToF32(score->dtype, score->bytes.data(), self->score_);
  }
  // Of one batch of short texts beside a long one; each may end in the midst of a block.
  constexpr int kBatchBlocks = (kDecoderBatchTokens + kKvBlock - 1) / kKvBlock + kBatchTexts;
  DecoderOptions fit = {.storage = options.model.storage,
                        .max_tokens = kDecoderBatchTokens,
                        .max_sequences = kBatchTexts,
                        .max_context = static_cast<int>(self->max_tokens_),
                        .kv_blocks = BlocksFor(self->max_tokens_) + kBatchBlocks};
  auto needed = MemoryOf(config, files.weights, *self->backend_, fit);
  if (needed.ok()) {  // texts are to be no longer than there is memory for
    const std::int64_t left = free - needed->weights - needed->working;
    const std::int64_t held =
        (left / Decoder::BlockBytes(config) - kBatchBlocks) * std::int64_t{kKvBlock};
    if (held < self->max_tokens_ && held >= kDecoderBatchTokens) {
      self->max_tokens_ = held;
      fit.max_context = static_cast<int>(held);
      fit.kv_blocks = BlocksFor(held) + kBatchBlocks;
      needed->cache = Decoder::BlockBytes(config) * fit.kv_blocks;
    }
  }
  const absl::Status fits = CheckMemory(files, needed, free);
  if (!fits.ok()) return fits;
  auto decoder = Decoder::Load(config, files.weights, *self->backend_, fit);
  if (!decoder.ok()) return decoder.status();
  self->decoder_ = *std::move(decoder);
  return self;
}

bool SequenceEncoder::Has(Row row) const {
  if (encoder_ == nullptr) return row == Row::kLast || row == Row::kLogits;
  return row != Row::kLast && encoder_->Has(OutputOf(row));
}

int SequenceEncoder::Width(Row row) const {
  if (row != Row::kLogits) return config_.hidden_size;
  return config_.task == Task::kClassify ? config_.labels : config_.vocabulary_size;
}

absl::Status SequenceEncoder::Check(std::span<const Encoding> texts, Row row) const {
  if (!Has(row)) {
    return absl::InvalidArgumentError(
        absl::StrCat(config_.architecture, " has no such row: encoders have first and mean, ",
                     "classifiers logits, decoders last"));
  }
  for (std::size_t t = 0; t < texts.size(); ++t) {
    const auto& [ids, types] = texts[t];
    const auto length = static_cast<std::int64_t>(ids.size());
    if (length < 1 || length > max_tokens_) {
      return absl::InvalidArgumentError(
          absl::StrCat("text ", t, " has ", length, " tokens, not in [1, ", max_tokens_, "]"));
    }
    if (!types.empty() && types.size() != ids.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("text ", t, " has ", types.size(), " token types for ", length, " tokens"));
    }
    for (const std::int32_t id : ids) {
      if (id < 0 || id >= config_.vocabulary_size) {
        return absl::InvalidArgumentError(absl::StrCat(
            "token ", id, " of text ", t, " is not in [0, ", config_.vocabulary_size - 1, "]"));
      }
    }
    for (const std::int32_t type : types) {
      if (UsesTypes() && (type < 0 || type >= config_.token_types)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "token type ", type, " of text ", t, " is not in [0, ", config_.token_types - 1, "]"));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status SequenceEncoder::AwaitTurn(absl::Time deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = next_++;
  line_.push_back(ticket);
  const auto ours = [&] { return line_.front() == ticket; };
  if (deadline == absl::InfiniteFuture()) {
    turn_.wait(lock, stop, ours);
  } else {
    turn_.wait_until(lock, stop, absl::ToChronoTime(deadline), ours);
  }
  absl::Status status = CheckTime(deadline, stop);
  if (!status.ok()) {
    std::erase(line_, ticket);
    turn_.notify_all();
  }
  return status;
}

void SequenceEncoder::EndTurn() {
  const std::scoped_lock lock(mutex_);
  line_.pop_front();
  turn_.notify_all();
}

absl::Status SequenceEncoder::Run(std::span<const Encoding> texts, Row row, RowSink sink,
                                  absl::Time deadline, std::stop_token stop) {
  if (absl::Status status = Check(texts, row); !status.ok()) return status;
  std::vector<float> rows;
  for (std::size_t begin = 0; begin < texts.size();) {
    std::size_t end = begin;
    std::size_t tokens = 0;
    while (end < texts.size() && end - begin < kBatchTexts &&
           (end == begin ||
            tokens + texts[end].ids.size() <= static_cast<std::size_t>(batch_tokens_))) {
      tokens += texts[end++].ids.size();
    }
    const std::span<const Encoding> batch = texts.subspan(begin, end - begin);
    rows.resize(batch.size() * static_cast<std::size_t>(Width(row)));
    if (absl::Status status = AwaitTurn(deadline, stop); !status.ok()) return status;
    encoder_ != nullptr ? RunEncoder(batch, row, rows) : RunDecoder(batch, row, rows);
    const absl::Status device = backend_->status();
    EndTurn();
    if (!device.ok()) return device;
    sink(begin, rows);
    begin = end;
  }
  return absl::OkStatus();
}

void SequenceEncoder::RunEncoder(std::span<const Encoding> texts, Row row, std::span<float> out) {
  std::vector<EncoderInput> inputs;
  for (const Encoding& text : texts) {
    inputs.push_back({.ids = text.ids,
                      .types = UsesTypes() ? std::span<const std::int32_t>(text.type_ids)
                                           : std::span<const std::int32_t>()});
  }
  encoder_->Run(inputs, OutputOf(row), out);
}

// A batch is one step, or one long text in several.
void SequenceEncoder::RunDecoder(std::span<const Encoding> texts, Row row, std::span<float> out) {
  std::vector<std::vector<std::int32_t>> blocks(texts.size());
  int block = 0;
  std::vector<SequenceStep> steps;
  for (std::size_t t = 0; t < texts.size(); ++t) {
    blocks[t].resize(
        static_cast<std::size_t>(BlocksFor(static_cast<std::int64_t>(texts[t].ids.size()))));
    std::iota(blocks[t].begin(), blocks[t].end(), block);
    block += static_cast<int>(blocks[t].size());
    steps.push_back({.tokens = texts[t].ids,
                     .prompt_length = static_cast<int>(texts[t].ids.size()),
                     .blocks = blocks[t]});
  }
  SequenceStep& first = steps[0];
  const std::span<const std::int32_t> ids = texts[0].ids;
  while (ids.size() - static_cast<std::size_t>(first.first_position) > kDecoderBatchTokens) {
    first.tokens = ids.subspan(static_cast<std::size_t>(first.first_position), kDecoderBatchTokens);
    first.logits = 0;
    decoder_->Forward({&first, 1}, {});
    first.first_position += kDecoderBatchTokens;
    first.tokens = ids.subspan(static_cast<std::size_t>(first.first_position));
    first.logits = 1;
  }
  if (row == Row::kLogits && score_.empty()) {
    decoder_->Forward(steps, out);
    return;
  }
  const auto width = static_cast<std::size_t>(config_.hidden_size);
  std::vector<float> rows(texts.size() * width);
  std::vector<float> logits(texts.size() * static_cast<std::size_t>(config_.vocabulary_size));
  decoder_->Forward(steps, logits, [&](int stage, Tensor hidden) {
    if (stage != config_.layers + 1) return;  // only the final norm is over the last tokens
    for (int t = 0; t < hidden.rows; ++t) {
      backend_->Read(rows.data() + std::int64_t{t} * hidden.cols, hidden.Row(t),
                     width * sizeof(float));
    }
  });
  if (row == Row::kLogits) {
    Classify(rows, out);
  } else {
    std::copy(rows.begin(), rows.end(), out.begin());
  }
}

// out [texts, labels] = hidden [texts, hidden] . score_^T
void SequenceEncoder::Classify(std::span<const float> hidden, std::span<float> out) const {
  const auto width = static_cast<std::size_t>(config_.hidden_size);
  const auto labels = static_cast<std::size_t>(config_.labels);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::span<const float> row = hidden.subspan(i / labels * width, width);
    const std::span<const float> label = std::span(score_).subspan(i % labels * width, width);
    double sum = 0;
    for (std::size_t c = 0; c < width; ++c) sum += double{row[c]} * double{label[c]};
    out[i] = static_cast<float>(sum);
  }
}

void NormalizeRows(std::span<float> rows, int width) {
  for (std::size_t at = 0; at < rows.size(); at += static_cast<std::size_t>(width)) {
    const std::span<float> row = rows.subspan(at, static_cast<std::size_t>(width));
    double squares = 0;
    for (const float x : row) squares += double{x} * double{x};
    if (!(squares > 0)) continue;
    const double scale = 1 / std::sqrt(squares);
    for (float& x : row) x = static_cast<float>(x * scale);
  }
}

absl::StatusOr<std::int64_t> TextLimit(const ModelFiles& files) {
  std::int64_t limit = files.config.max_positions;
  if (files.pooling && files.pooling->max_tokens > 0) {
    limit = std::min(limit, files.pooling->max_tokens);
    return limit;
  }
  std::error_code ignored;
  if (!std::filesystem::is_directory(files.path, ignored)) return limit;
  const auto told = ReadTokenLimit(files.path);
  if (!told.ok()) return told.status();
  return *told > 0 ? std::min(limit, *told) : limit;
}

std::string ModelName(const ModelFiles& files, std::string_view variant) {
  std::uint64_t hash = ContentHash(std::as_bytes(std::span(variant)), 0);
  for (const auto& [name, tensor] : files.weights.tensors()) {  // in the order of their names
    hash = ContentHash(std::as_bytes(std::span(name)), hash);
    hash = ContentHash(tensor.view.bytes, hash);
  }
  return absl::StrCat(files.name, "#", absl::StrFormat("%016x", hash));
}

}  // namespace citeseek::inference
