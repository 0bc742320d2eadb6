#include "inference/bench.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <span>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/model/decoder.h"
#include "inference/model/encoder.h"
#include "inference/text/memory.h"
#include "inference/workbench/ceilings.h"
#include "inference/workbench/random_model.h"

namespace citeseek::inference {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kStep = 512;  // tokens

struct Timing {
  double best_per_s = 0;  // units a second
  double share = 0;       // of the ceiling
};

// Does `work`, which is worth `units`, in rounds between measurements of the ceiling.
Timing Measure(int rounds, double units, const std::function<double()>& ceiling,
               const std::function<void()>& work) {
  Timing timing;
  std::vector<double> shares;
  double before = ceiling();
  for (int round = 0; round < rounds; ++round) {
    const auto start = Clock::now();
    work();
    const double per_s = units / std::chrono::duration<double>(Clock::now() - start).count();
    const double after = ceiling();
    timing.best_per_s = std::max(timing.best_per_s, per_s);
    if (before + after > 0) shares.push_back(per_s * 2 / (before + after));
    before = after;
  }
  std::sort(shares.begin(), shares.end());
  if (!shares.empty()) timing.share = shares[shares.size() / 2];
  return timing;
}

std::vector<std::int32_t> RandomIds(int count, int vocabulary) {
  std::mt19937 random(2);
  std::vector<std::int32_t> ids(static_cast<std::size_t>(count));
  for (std::int32_t& id : ids) {
    id = static_cast<std::int32_t>(random() % static_cast<unsigned>(vocabulary));
  }
  return ids;
}

// How many weights one token goes through, and how many there are, in matrices.
struct WeightCount {
  double layers = 0;  // that a token is multiplied with
  double head = 0;    // the output matrix, also where it is the embedding
  double all = 0;     // that are there, the embedding included
};

WeightCount CountWeights(const ModelFiles& files) {
  const MoeConfig& moe = files.config.moe;
  WeightCount count;
  for (const auto& [name, tensor] : files.weights.tensors()) {
    if (tensor.view.shape.size() < 2 || tensor.view.dtype == DType::kOther) continue;
    const auto weights = static_cast<double>(ElementCount(tensor.view.shape));
    count.all += weights;
    if (name.starts_with("embed") || name.starts_with("lm_head")) {
      if (name.starts_with("lm_head") || files.config.tied_embeddings) count.head = weights;
    } else if (name.find(".experts.") != std::string::npos && moe.experts > 0) {
      count.layers += weights * moe.experts_per_token / moe.experts;
    } else {
      count.layers += weights;
    }
  }
  return count;
}

bool Quantized(const ModelFiles& files, Storage storage) {
  if (storage != Storage::kAsStored) return IsQuantized(storage);
  return std::any_of(
      files.weights.tensors().begin(), files.weights.tensors().end(),
      [](const auto& entry) { return BlockOf(entry.second.view.dtype).weights > 1; });
}

class Bench {
 public:
  Bench(const BenchRequest& request, const ModelFiles& files, std::unique_ptr<Backend> backend)
      : request_(request),
        files_(files),
        backend_(std::move(backend)),
        on_cpu_(!backend_->FreeBytes().has_value()),
        meter_(request.options.threads) {}

  absl::StatusOr<BenchResult> Run() {
    result_.backend = backend_->Name();
    result_.model = files_.name;
    if (on_cpu_) {  // nothing here measures those of another device
      const Ceilings ceilings = meter_.All();
      Put("ceiling_read_gb_per_s", ceilings.read_gb_per_s);
      Put("ceiling_int8_gop_per_s", ceilings.int8_gop_per_s);
      Put("ceiling_bf16_gop_per_s", ceilings.bf16_gop_per_s);
      Put("ceiling_f32_gflop_per_s", ceilings.f32_gflop_per_s);
    }
    const absl::Status status = files_.config.task == Task::kGenerate ? RunDecoder() : RunEncoder();
    if (!status.ok()) return status;
    if (!backend_->status().ok()) return backend_->status();
    return std::move(result_);
  }

 private:
  void Put(std::string name, double value) { result_.figures.emplace_back(std::move(name), value); }

  // "prefill", and for all but the first of a list "prefill_2048".
  static std::string Label(const char* what, const std::vector<int>& list, int value) {
    return value == list.front() ? what : absl::StrCat(what, "_", value);
  }

  void PutShare(std::string name, double value) {
    if (on_cpu_) Put(std::move(name), value);
  }

  double Bandwidth() { return on_cpu_ ? meter_.ReadGbPerS() : 0; }
  double Arithmetic() {
    if (!on_cpu_) return 0;
    return Quantized(files_, request_.options.storage) ? meter_.Int8GopPerS()
                                                       : meter_.F32GflopPerS();
  }

  // Better to say so than to be killed half way.
  absl::Status CheckMemory(const absl::StatusOr<ModelMemory>& model, std::int64_t besides) const {
    if (!model.ok()) return model.status();
    const std::int64_t needed = model->Total() + besides;
    const std::int64_t left = FreeMemory(*backend_);
    if (needed <= left) return absl::OkStatus();
    return absl::ResourceExhaustedError(absl::StrCat("the bench of ", files_.name, " takes ",
                                                     MemoryText(needed), " of memory, and ",
                                                     MemoryText(left), " are left"));
  }

  absl::Status RunDecoder() {
    const ModelConfig& config = files_.config;
    const int most = *std::max_element(request_.batches.begin(), request_.batches.end());
    const int longest = *std::max_element(request_.prompts.begin(), request_.prompts.end());
    const int context = longest + request_.generate + kKvBlock;
    const int each = (context + kKvBlock - 1) / kKvBlock;
    if (context > config.max_positions) {
      return absl::InvalidArgumentError(absl::StrCat("prompt ", longest, " and generate ",
                                                     request_.generate, " exceed the context of ",
                                                     config.max_positions));
    }
    const DecoderOptions options = {.storage = request_.options.storage,
                                    .max_tokens = kStep,
                                    .max_sequences = most,
                                    .max_context = each * kKvBlock,
                                    .kv_blocks = each * most};
    const absl::Status fits = CheckMemory(
        MemoryOf(config, files_.weights, *backend_, options),
        std::int64_t{most} * config.vocabulary_size * static_cast<std::int64_t>(sizeof(float)));
    if (!fits.ok()) return fits;
    auto loaded = Decoder::Load(config, files_.weights, *backend_, options);
    if (!loaded.ok()) return loaded.status();
    Decoder& decoder = **loaded;
    const auto vocabulary = static_cast<std::size_t>(config.vocabulary_size);
    std::vector<float> logits(vocabulary * static_cast<std::size_t>(most));
    const std::vector<std::int32_t> ids = RandomIds(context, config.vocabulary_size);
    std::vector<std::vector<std::int32_t>> blocks(static_cast<std::size_t>(most));
    for (int s = 0; s < most; ++s) {
      for (int b = 0; b < each; ++b) blocks[static_cast<std::size_t>(s)].push_back(s * each + b);
    }
    const auto step = [&](int sequence, int position, int tokens, int rows) {
      return SequenceStep{.tokens = std::span(ids).subspan(static_cast<std::size_t>(position),
                                                           static_cast<std::size_t>(tokens)),
                          .first_position = position,
                          .prompt_length = position + tokens,
                          .blocks = blocks[static_cast<std::size_t>(sequence)],
                          .logits = rows};
    };
    const auto prefill = [&](int sequence, int prompt) {
      for (int at = 0; at < prompt; at += kStep) {
        const int tokens = std::min(kStep, prompt - at);
        const int rows = at + tokens == prompt ? 1 : 0;
        const SequenceStep one = step(sequence, at, tokens, rows);
        decoder.Forward({&one, 1},
                        std::span(logits).first(static_cast<std::size_t>(rows) * vocabulary));
      }
    };
    const WeightCount count = CountWeights(files_);
    Put("weight_bytes", static_cast<double>(decoder.weight_bytes()));
    const double gop_per_token = 2e-9 * count.layers;
    for (const int prompt : request_.prompts) {
      prefill(0, std::min(prompt, kStep));  // warm
      const Timing timing = Measure(
          request_.rounds, gop_per_token * prompt, [&] { return Arithmetic(); },
          [&] { prefill(0, prompt); });
      const std::string label = Label("prefill", request_.prompts, prompt);
      Put(label + "_tokens_per_s", timing.best_per_s / gop_per_token);
      Put(label + "_gop_per_s", timing.best_per_s);
      PutShare(label + "_of_ceiling", timing.share);
    }
    // What a decoding step reads: all matrices once; the embedding only where it is the head.
    const double read = static_cast<double>(decoder.weight_bytes()) * (count.layers + count.head) /
                        count.all * 1e-9;
    const int prompt = request_.prompts.front();
    for (int s = 1; s < most; ++s) prefill(s, prompt);
    for (const int batch : request_.batches) {
      const Timing timing = Measure(
          request_.rounds, read * request_.generate, [&] { return Bandwidth(); },
          [&] {
            for (int i = 0; i < request_.generate; ++i) {
              std::vector<SequenceStep> steps;
              for (int s = 0; s < batch; ++s) steps.push_back(step(s, prompt + i, 1, 1));
              decoder.Forward(
                  steps, std::span(logits).first(static_cast<std::size_t>(batch) * vocabulary));
            }
          });
      const std::string label = Label("decode", request_.batches, batch);
      Put(label + "_tokens_per_s", timing.best_per_s / read * batch);
      Put(label + "_read_gb_per_s", timing.best_per_s);
      PutShare(label + "_of_ceiling", timing.share);
    }
    return absl::OkStatus();
  }

  absl::Status RunEncoder() {
    const ModelConfig& config = files_.config;
    const int tokens = request_.prompts.front();
    const int texts = request_.batches.front();
    if (tokens > config.max_positions) {
      return absl::InvalidArgumentError(
          absl::StrCat("prompt ", tokens, " exceeds the context of ", config.max_positions));
    }
    // As many texts in a call as those who embed for others give it.
    const int at_once = std::clamp(EncoderOptions().max_tokens / tokens, 1, texts);
    const EncoderOptions options = {
        .storage = request_.options.storage, .max_tokens = at_once * tokens, .max_texts = at_once};
    const absl::Status fits = CheckMemory(MemoryOf(config, files_.weights, *backend_, options), 0);
    if (!fits.ok()) return fits;
    auto encoder = Encoder::Load(config, files_.weights, *backend_, options);
    if (!encoder.ok()) return encoder.status();
    const std::vector<std::int32_t> ids = RandomIds(tokens, config.vocabulary_size);
    const std::vector<EncoderInput> inputs(static_cast<std::size_t>(texts), {.ids = ids});
    std::vector<float> out(static_cast<std::size_t>(texts) *
                           static_cast<std::size_t>(config.hidden_size));
    const double gop_per_token = 2e-9 * CountWeights(files_).layers;
    const auto run = [&] {
      for (int text = 0; text < texts; text += at_once) {
        (*encoder)->Run(
            std::span(inputs).subspan(static_cast<std::size_t>(text),
                                      static_cast<std::size_t>(std::min(at_once, texts - text))),
            EncoderOutput::kMean, out);
      }
    };
    run();  // warm
    const Timing timing = Measure(
        request_.rounds, gop_per_token * texts * tokens, [&] { return Arithmetic(); }, run);
    Put("embed_tokens_per_s", timing.best_per_s / gop_per_token);
    Put("embed_gop_per_s", timing.best_per_s);
    PutShare("embed_of_ceiling", timing.share);
    return absl::OkStatus();
  }

  const BenchRequest& request_;
  const ModelFiles& files_;
  const std::unique_ptr<Backend> backend_;
  const bool on_cpu_;
  CeilingMeter meter_;
  BenchResult result_;
};

}  // namespace

absl::StatusOr<BenchResult> RunBench(const BenchRequest& request) {
  if (request.prompts.empty() || request.batches.empty()) {
    return absl::InvalidArgumentError("a bench needs a prompt and a batch");
  }
  auto files = request.shape.empty() ? OpenModel(request.path) : MakeRandomModel(request.shape);
  if (!files.ok()) return files.status();
  auto backend = MakeBackend(request.options);
  if (!backend.ok()) return backend.status();
  return Bench(request, *files, *std::move(backend)).Run();
}

}  // namespace citeseek::inference
