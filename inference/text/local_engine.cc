#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/batch/token_engine.h"
#include "inference/embedding/sequence_encoder.h"
#include "inference/engine.h"
#include "inference/model/decoder.h"
#include "inference/model/model_files.h"
#include "inference/text/memory.h"
#include "inference/text/text_generator.h"

namespace citeseek::inference {
namespace {

constexpr int kStepTokens = 512;
// Of this machine's memory, which others want too, unless more is asked for.
constexpr std::int64_t kMostKvBytes = std::int64_t{1} << 30;
constexpr std::int64_t kLeastContext = 256;  // of models that can do more

TokenEngine::PredictFunction PredictFunctionOf(Decoder& decoder) {
  if (!decoder.predicts()) return nullptr;
  return [&decoder](std::span<const SequenceStep> steps, std::span<const int> rows,
                    std::span<float> logits) { decoder.Predict(steps, rows, logits); };
}

class LocalEngine final : public Engine {
 public:
  LocalEngine(ModelFiles files, std::string hash, std::unique_ptr<Backend> backend,
              std::unique_ptr<Decoder> decoder, const TokenEngineOptions& options)
      : name_(std::move(files.name)),
        tokenizer_(std::move(files.tokenizer)),
        chat_template_(*std::move(files.chat_template)),
        backend_(std::move(backend)),
        decoder_(std::move(decoder)),
        engine_([decoder = decoder_.get()](
                    std::span<const SequenceStep> steps,
                    std::span<float> logits) { decoder->Forward(steps, logits); },
                options, PredictFunctionOf(*decoder_)),
        generator_({.name = name_,
                    .hash = std::move(hash),
                    .tokenizer = tokenizer_.get(),
                    .chat_template = &chat_template_,
                    .engine = &engine_,
                    .max_context = options.max_context,
                    .stop_ids = std::move(files.stop_ids),
                    .defaults = files.generation}) {}

  std::string Name() const override { return name_; }
  EngineStats Stats() const override { return engine_.Stats(); }
  absl::StatusOr<Finish> Generate(const GenerateRequest& request, const PieceSink& sink) override {
    return generator_.Generate(request, sink);
  }

 private:
  const std::string name_;
  const std::unique_ptr<Tokenizer> tokenizer_;
  const ChatTemplate chat_template_;
  const std::unique_ptr<Backend> backend_;
  const std::unique_ptr<Decoder> decoder_;
  TokenEngine engine_;
  TextGenerator generator_;
};

absl::Status CheckGenerates(const ModelFiles& files) {
  std::string lacks;
  if (files.config.task != Task::kGenerate) {
    lacks = absl::StrCat("a ", files.config.architecture, " writes no text");
  } else if (files.tokenizer == nullptr) {
    lacks = "it has no tokenizer";
  } else if (!files.chat_template.has_value()) {
    lacks = "it has no chat template";
  }
  if (lacks.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(files.path, " is no model that can answer: ", lacks));
}

absl::Status PathError(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(path, ": ", std::string(status.message())));
}

// Sizes of cache and context that fit the memory, or why none do.
absl::StatusOr<DecoderOptions> Fit(const ModelFiles& files, const Backend& backend,
                                   const EngineOptions& options) {
  const ModelConfig& config = files.config;
  DecoderOptions fit{.storage = options.model.storage,
                     .max_tokens = kStepTokens,
                     .max_sequences = options.max_running};
  const std::int64_t memory = options.memory_bytes > 0 ? options.memory_bytes : FreeMemory(backend);
  const bool shared = !backend.FreeBytes().has_value();
  const std::int64_t most_kv = shared ? std::min(kMostKvBytes, memory / 4) : memory / 4;
  const std::int64_t kv = options.kv_bytes > 0 ? options.kv_bytes : most_kv;
  const std::int64_t block = Decoder::BlockBytes(config);
  const std::int64_t blocks = std::min<std::int64_t>(kv / block, std::int64_t{1} << 26);
  const std::int64_t held = blocks * kKvBlock;
  std::int64_t context = std::min(held, config.max_positions);
  if (options.max_context > 0) context = std::min<std::int64_t>(context, options.max_context);
  fit.max_context = static_cast<int>(context);
  fit.kv_blocks = static_cast<int>(blocks);

  const auto needed = MemoryOf(config, files.weights, backend, fit);
  if (!needed.ok()) return PathError(files.path, needed.status());
  const std::int64_t working = needed->working + EngineMemory(config, options.max_running);
  // It is loaded already: what the system has free is without it.
  const std::int64_t tokenizer =
      shared && options.memory_bytes > 0 ? TokenizerMemory(files.tokenizer.get()) : 0;
  const std::int64_t fixed = working + tokenizer;
  if (needed->weights > memory || fixed > memory - needed->weights ||
      kv > memory - needed->weights - fixed) {
    return absl::ResourceExhaustedError(
        absl::StrCat(files.path, " does not fit the memory: weights ", MemoryText(needed->weights),
                     ", keys and values ", MemoryText(kv), ", working memory ", MemoryText(working),
                     tokenizer > 0 ? ", tokenizer " + MemoryText(tokenizer) : "", ", but only ",
                     MemoryText(memory), " is free"));
  }
  const std::int64_t wanted = options.max_context > 0 ? options.max_context : kLeastContext;
  const std::int64_t least = std::min(wanted, config.max_positions);
  if (held < least) {
    const std::int64_t least_bytes = (least + kKvBlock - 1) / kKvBlock * block;
    return absl::ResourceExhaustedError(absl::StrCat(
        files.path, ": ", MemoryText(kv), " of memory for keys and values holds ", held,
        " tokens of this model, fewer than ", least, ": that takes ", MemoryText(least_bytes)));
  }
  return fit;
}

// What one more row adds to a step, as a share of a step of one row: drafts pay or do not by it,
// and it depends on model, format and machine, so it is tried. Before the cache holds anything.
double RowCost(Decoder& decoder) {
  constexpr int kRows = 8;
  static_assert(kRows <= kKvBlock);
  const std::vector<std::int32_t> ids(kRows, 0);
  const std::vector<std::int32_t> blocks = {0};
  const auto vocabulary = static_cast<std::size_t>(decoder.config().vocabulary_size);
  std::vector<float> logits(kRows * vocabulary);
  const auto seconds = [&](std::size_t rows) {
    double best = std::numeric_limits<double>::infinity();
    for (int round = 0; round < 3; ++round) {
      const SequenceStep step = {.tokens = std::span(ids).first(rows),
                                 .prompt_length = static_cast<int>(rows),
                                 .blocks = blocks,
                                 .logits = static_cast<int>(rows)};
      const auto start = std::chrono::steady_clock::now();
      decoder.Forward({&step, 1}, std::span(logits).first(rows * vocabulary));
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
      best = std::min(best, taken.count());
    }
    return best;
  };
  const double one = seconds(1);
  return std::clamp((seconds(kRows) / one - 1) / (kRows - 1), 0.02, 1.0);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> OpenEngine(const std::string& path,
                                                   const EngineOptions& options) {
  auto files = OpenModel(path);
  if (!files.ok()) return files.status();
  if (absl::Status status = CheckGenerates(*files); !status.ok()) return status;
  auto backend = MakeBackend(options.model);
  if (!backend.ok()) return backend.status();
  const auto fit = Fit(*files, **backend, options);
  if (!fit.ok()) return fit.status();
  std::string hash = ModelName(*files, "");
  hash.erase(0, hash.rfind('#') + 1);
  auto decoder = Decoder::Load(files->config, files->weights, **backend, *fit);
  if (!decoder.ok()) return PathError(path, decoder.status());
  files->weights = {};
  TokenEngineOptions engine = OptionsFor(
      **decoder,
      {.step_tokens = kStepTokens, .max_running = options.max_running, .blocks = fit->kv_blocks});
  engine.max_waiting = options.max_waiting;
  engine.speculation.row_cost = RowCost(**decoder);
  engine.health = [device = backend->get()] { return device->status(); };
  return std::make_unique<LocalEngine>(*std::move(files), std::move(hash), *std::move(backend),
                                       *std::move(decoder), engine);
}

}  // namespace citeseek::inference
