// engine_bench: prefill and decode tokens/s of real shapes with random weights, beside what the
// machine could do at best in the same run.
//
//   engine_bench [--shape qwen2.5-0.5b|qwen2.5-1.5b|bge-small] [--storage f32|bf16|q8|q4]
//                [--threads 2] [--prompts 512,2048] [--generate 16] [--batches 1,2,4,8] [--rounds
//                5]
//
// Prints one JSON object. Each figure is the best of its rounds. Each *_of_* is the median over the
// rounds of the speed as a share of the ceiling measured just before and just after the round.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "inference/model/decoder.h"
#include "inference/model/encoder.h"
#include "tests/bench/ceilings.h"

namespace citeseek::inference {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Arguments {
  std::string shape = "qwen2.5-0.5b";
  std::string storage = "q8";
  int threads = 2;
  std::vector<int> prompts = {512};
  int generate = 16;
  int rounds = 5;
  std::vector<int> batches = {1, 2, 4, 8};
};

ModelConfig DecoderShape(const std::string& name) {
  ModelConfig c;
  c.family = Family::kQwen2;
  c.vocabulary_size = 151936;
  c.norm_epsilon = 1e-6;
  c.qkv_bias = true;
  c.kv_heads = 2;
  if (name == "qwen2.5-1.5b") {
    c.hidden_size = 1536, c.layers = 28, c.heads = 12, c.intermediate_size = 8960;
    c.head_size = 128;
  } else {
    c.hidden_size = 896, c.layers = 24, c.heads = 14, c.intermediate_size = 4864;
    c.head_size = 64;
    c.tied_embeddings = true;
  }
  c.max_positions = 32768;
  c.rope = {.kind = RopeConfig::Kind::kDefault,
            .theta = 1e6,
            .dimension = c.head_size,
            .original_positions = c.max_positions};
  c.layer_window.resize(static_cast<std::size_t>(c.layers));
  c.layer_moe.resize(static_cast<std::size_t>(c.layers));
  return c;
}

ModelConfig EncoderShape() {
  ModelConfig c;
  c.family = Family::kBert;
  c.task = Task::kEncode;
  c.vocabulary_size = 30522;
  c.hidden_size = 384, c.layers = 12, c.heads = 12, c.kv_heads = 12, c.head_size = 32;
  c.intermediate_size = 1536;
  c.max_positions = 512;
  c.norm_epsilon = 1e-12;
  c.activation = Activation::kGelu;
  c.qkv_bias = c.output_bias = c.mlp_bias = c.norm_bias = true;
  c.token_types = 2;
  c.layer_window.resize(12);
  c.layer_moe.resize(12);
  return c;
}

// Every tensor that a model asks for, all of them windows into the same random bf16 numbers.
class RandomWeights {
 public:
  explicit RandomWeights(std::int64_t largest) : numbers_(static_cast<std::size_t>(largest) * 2) {
    std::mt19937 random(1);
    for (std::size_t i = 0; i < numbers_.size(); i += 2) {
      // +-[0.0156, 0.0312): sign, exponent 121, random mantissa.
      const auto bits = static_cast<std::uint32_t>(random());
      const auto value = static_cast<std::uint16_t>(0x3c80u | (bits & 0x807fu));
      std::memcpy(&numbers_[i], &value, 2);
    }
  }

  void Add(const std::string& name, std::vector<std::int64_t> shape) {
    const auto bytes = static_cast<std::size_t>(ElementCount(shape)) * 2;
    NamedTensor tensor;
    tensor.name = name;
    tensor.view = {DType::kBF16, std::move(shape), std::span(numbers_).first(bytes)};
    tensors_.push_back(std::move(tensor));
  }

  Weights Take() {
    auto weights = Weights::FromTensors(std::move(tensors_), {}, {}, "random weights");
    if (!weights.ok()) {
      std::fprintf(stderr, "%s\n", weights.status().ToString().c_str());
      std::exit(1);
    }
    return *std::move(weights);
  }

 private:
  std::vector<std::byte> numbers_;
  std::vector<NamedTensor> tensors_;
};

void AddDecoder(const ModelConfig& c, RandomWeights& w) {
  w.Add("embed_tokens.weight", {c.vocabulary_size, c.hidden_size});
  if (!c.tied_embeddings) w.Add("lm_head.weight", {c.vocabulary_size, c.hidden_size});
  w.Add("norm.weight", {c.hidden_size});
  for (int i = 0; i < c.layers; ++i) {
    const std::string layer = "layers." + std::to_string(i) + ".";
    const int q = c.heads * c.head_size;
    const int kv = c.kv_heads * c.head_size;
    w.Add(layer + "input_layernorm.weight", {c.hidden_size});
    w.Add(layer + "post_attention_layernorm.weight", {c.hidden_size});
    for (const auto& [name, n] :
         std::vector<std::pair<std::string, int>>{{"q", q}, {"k", kv}, {"v", kv}}) {
      w.Add(layer + "self_attn." + name + "_proj.weight", {n, c.hidden_size});
      w.Add(layer + "self_attn." + name + "_proj.bias", {n});
    }
    w.Add(layer + "self_attn.o_proj.weight", {c.hidden_size, q});
    w.Add(layer + "mlp.gate_proj.weight", {c.intermediate_size, c.hidden_size});
    w.Add(layer + "mlp.up_proj.weight", {c.intermediate_size, c.hidden_size});
    w.Add(layer + "mlp.down_proj.weight", {c.hidden_size, c.intermediate_size});
  }
}

void AddEncoder(const ModelConfig& c, RandomWeights& w) {
  const int h = c.hidden_size;
  w.Add("embeddings.word_embeddings.weight", {c.vocabulary_size, h});
  w.Add("embeddings.position_embeddings.weight", {c.max_positions, h});
  w.Add("embeddings.token_type_embeddings.weight", {c.token_types, h});
  const auto norm = [&](const std::string& name) {
    w.Add(name + ".weight", {h});
    w.Add(name + ".bias", {h});
  };
  const auto dense = [&](const std::string& name, int n, int k) {
    w.Add(name + ".weight", {n, k});
    w.Add(name + ".bias", {n});
  };
  norm("embeddings.LayerNorm");
  for (int i = 0; i < c.layers; ++i) {
    const std::string layer = "encoder.layer." + std::to_string(i) + ".";
    for (const char* name : {"query", "key", "value"}) {
      dense(layer + "attention.self." + name, h, h);
    }
    dense(layer + "attention.output.dense", h, h);
    norm(layer + "attention.output.LayerNorm");
    dense(layer + "intermediate.dense", c.intermediate_size, h);
    dense(layer + "output.dense", h, c.intermediate_size);
    norm(layer + "output.LayerNorm");
  }
}

Storage StorageNamed(const std::string& name) {
  if (name == "f32") return Storage::kF32;
  if (name == "bf16") return Storage::kBF16;
  if (name == "q4") return Storage::kQ4;
  return Storage::kQ8;
}

std::vector<std::int32_t> RandomIds(int count, int vocabulary) {
  std::mt19937 random(2);
  std::vector<std::int32_t> ids(static_cast<std::size_t>(count));
  for (std::int32_t& id : ids)
    id = static_cast<std::int32_t>(random() % static_cast<unsigned>(vocabulary));
  return ids;
}

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
    const double per_s = units / Seconds(start);
    const double after = ceiling();
    timing.best_per_s = std::max(timing.best_per_s, per_s);
    shares.push_back(per_s * 2 / (before + after));
    before = after;
  }
  std::sort(shares.begin(), shares.end());
  timing.share = shares[shares.size() / 2];
  return timing;
}

void BenchDecoder(const Arguments& args, Backend& backend, bench::CeilingMeter& meter) {
  const ModelConfig config = DecoderShape(args.shape);
  RandomWeights random(std::int64_t{config.vocabulary_size} * config.hidden_size);
  AddDecoder(config, random);
  const Weights weights = random.Take();
  constexpr int kStep = 512;
  const int most = *std::max_element(args.batches.begin(), args.batches.end());
  const int longest = *std::max_element(args.prompts.begin(), args.prompts.end());
  const int context = longest + args.generate + kKvBlock;
  const int each = (context + kKvBlock - 1) / kKvBlock;
  auto decoder = Decoder::Load(config, weights, backend,
                               {.storage = StorageNamed(args.storage),
                                .max_tokens = kStep,
                                .max_sequences = most,
                                .max_context = each * kKvBlock,
                                .kv_blocks = each * most});
  if (!decoder.ok()) {
    std::fprintf(stderr, "%s\n", decoder.status().ToString().c_str());
    std::exit(1);
  }
  std::vector<float> logits(static_cast<std::size_t>(config.vocabulary_size * most));
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
      (*decoder)->Forward({&one, 1}, std::span(logits).first(
                                         static_cast<std::size_t>(rows * config.vocabulary_size)));
    }
  };
  const double layer = config.hidden_size *
                       (2.0 * config.heads * config.head_size +
                        2.0 * config.kv_heads * config.head_size + 3.0 * config.intermediate_size);
  const bool quantized = args.storage == "q8" || args.storage == "q4";
  const auto arithmetic = [&] { return quantized ? meter.Int8GopPerS() : meter.F32GflopPerS(); };
  std::printf(",\"weight_mb\":%.0f", static_cast<double>((*decoder)->weight_bytes()) * 1e-6);
  for (const int prompt : args.prompts) {
    const double gop_per_token = 2e-9 * layer * config.layers;
    prefill(0, std::min(prompt, kStep));  // warm
    const Timing timing =
        Measure(args.rounds, gop_per_token * prompt, arithmetic, [&] { prefill(0, prompt); });
    std::printf(",\"prefill_%d_tokens_per_s\":%.1f,\"prefill_%d_of_arithmetic\":%.3f", prompt,
                timing.best_per_s / gop_per_token, prompt, timing.share);
    std::fflush(stdout);
  }
  // Bytes that a decoding step reads: all matrices once; the embedding only where it is the head.
  const double embedding = static_cast<double>(config.vocabulary_size) * config.hidden_size;
  const double read =
      static_cast<double>((*decoder)->weight_bytes()) *
      (config.tied_embeddings ? 1.0 : 1.0 - embedding / (layer * config.layers + 2 * embedding));
  const int prompt = args.prompts.front();
  for (int s = 1; s < most; ++s) prefill(s, prompt);
  for (const int batch : args.batches) {
    const Timing timing = Measure(
        args.rounds, read * args.generate * 1e-9, [&] { return meter.ReadGbPerS(); },
        [&] {
          for (int i = 0; i < args.generate; ++i) {
            std::vector<SequenceStep> steps;
            for (int s = 0; s < batch; ++s) steps.push_back(step(s, prompt + i, 1, 1));
            (*decoder)->Forward(
                steps,
                std::span(logits).first(static_cast<std::size_t>(batch * config.vocabulary_size)));
          }
        });
    std::printf(",\"decode_%d_tokens_per_s\":%.1f,\"decode_%d_of_bandwidth\":%.3f", batch,
                timing.best_per_s / read * 1e9 * batch, batch, timing.share);
    std::fflush(stdout);
  }
}

void BenchEncoder(const Arguments& args, Backend& backend, bench::CeilingMeter& meter) {
  const ModelConfig config = EncoderShape();
  RandomWeights random(std::int64_t{config.vocabulary_size} * config.hidden_size);
  AddEncoder(config, random);
  const Weights weights = random.Take();
  constexpr int kTexts = 32;
  constexpr int kTokens = 256;
  auto encoder =
      Encoder::Load(config, weights, backend,
                    {.storage = StorageNamed(args.storage), .max_tokens = kTexts * kTokens});
  if (!encoder.ok()) {
    std::fprintf(stderr, "%s\n", encoder.status().ToString().c_str());
    std::exit(1);
  }
  const std::vector<std::int32_t> ids = RandomIds(kTokens, config.vocabulary_size);
  const std::vector<EncoderInput> inputs(kTexts, {.ids = ids});
  std::vector<float> out(static_cast<std::size_t>(kTexts * config.hidden_size));
  const double hidden = config.hidden_size;
  const double gop_per_token =
      2e-9 * config.layers * (4 * hidden * hidden + 2 * hidden * config.intermediate_size);
  const auto run = [&] { (*encoder)->Run(inputs, EncoderOutput::kMean, out); };
  run();  // warm
  const Timing timing = Measure(
      args.rounds, gop_per_token * kTexts * kTokens, [&] { return meter.F32GflopPerS(); }, run);
  std::printf(",\"embed_tokens_per_s\":%.1f,\"embed_of_f32\":%.3f",
              timing.best_per_s / gop_per_token, timing.share);
}

std::vector<int> Numbers(const std::string& list) {
  std::vector<int> out;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t comma = std::min(list.find(',', at), list.size());
    out.push_back(std::stoi(list.substr(at, comma - at)));
    at = comma + 1;
  }
  return out;
}

int Main(int argc, char** argv) {
  Arguments args;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--shape") args.shape = value;
    if (name == "--storage") args.storage = value;
    if (name == "--threads") args.threads = std::stoi(value);
    if (name == "--prompts") args.prompts = Numbers(value);
    if (name == "--generate") args.generate = std::stoi(value);
    if (name == "--rounds") args.rounds = std::stoi(value);
    if (name == "--batches") args.batches = Numbers(value);
  }
  const auto backend = MakeCpuBackend({.threads = args.threads});
  bench::CeilingMeter meter(args.threads);
  const bench::Ceilings ceilings = meter.All();
  std::printf(
      "{\"backend\":\"%s\",\"shape\":\"%s\",\"storage\":\"%s\",\"ceiling_read_gb_per_s\":"
      "%.1f,\"ceiling_f32_gflop_per_s\":%.0f,\"ceiling_int8_gop_per_s\":%.0f"
      ",\"ceiling_bf16_gop_per_s\":%.0f",
      backend->Name().c_str(), args.shape.c_str(), args.storage.c_str(), ceilings.read_gb_per_s,
      ceilings.f32_gflop_per_s, ceilings.int8_gop_per_s, ceilings.bf16_gop_per_s);
  args.shape == "bge-small" ? BenchEncoder(args, *backend, meter)
                            : BenchDecoder(args, *backend, meter);
  std::printf("}\n");
  return 0;
}

}  // namespace
}  // namespace citeseek::inference

int main(int argc, char** argv) { return citeseek::inference::Main(argc, argv); }
