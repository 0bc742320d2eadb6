// quant_loss: what rounding the weights costs, on the golden decoders' own prompts.
//
//   CITESEEK_SHARED=DIR quant_loss
//
// Against the same engine in f32: the mean over all positions of KL(f32 || quantised) in nats and
// of the most likely token being the same. The goldens are small models with random weights, whose
// predictions are flatter than a trained model's: the figures compare formats, not answers.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "inference/model/decoder.h"
#include "tests/inference/model/golden.h"

namespace citeseek::inference {
namespace {

struct Loss {
  double divergence = 0;
  int same_top = 0;
  int positions = 0;
};

// Logits [positions of all cases, vocabulary].
std::vector<float> AllLogits(const Golden& golden, const ModelConfig& config,
                             const Weights& weights, Backend& backend, Storage storage) {
  constexpr int kMaxContext = 256;
  constexpr int kBlocks = kMaxContext / kKvBlock;
  auto decoder = Decoder::Load(config, weights, backend,
                               {.storage = storage,
                                .max_tokens = kMaxContext,
                                .max_context = kMaxContext,
                                .kv_blocks = kBlocks});
  if (!decoder.ok()) {
    std::fprintf(stderr, "%s\n", decoder.status().ToString().c_str());
    std::exit(1);
  }
  std::vector<std::int32_t> blocks(kBlocks);
  for (int b = 0; b < kBlocks; ++b) blocks[static_cast<std::size_t>(b)] = b;
  std::vector<float> out;
  for (const Json& one : List(At(golden.expected, "cases"))) {
    const std::vector<std::int32_t> ids = Ids(At(one, "input_ids"));
    const int n = static_cast<int>(ids.size());
    const std::size_t begin = out.size();
    out.resize(begin + ids.size() * static_cast<std::size_t>(config.vocabulary_size));
    const SequenceStep step = {.tokens = ids, .prompt_length = n, .blocks = blocks, .logits = n};
    (*decoder)->Forward({&step, 1}, std::span(out).subspan(begin));
  }
  return out;
}

Loss Compare(const std::vector<float>& exact, const std::vector<float>& rounded, int vocabulary) {
  Loss loss;
  const auto width = static_cast<std::size_t>(vocabulary);
  const auto log_sum = [&](const float* row) {
    const double top = *std::max_element(row, row + width);
    double sum = 0;
    for (std::size_t i = 0; i < width; ++i) sum += std::exp(row[i] - top);
    return top + std::log(sum);
  };
  for (std::size_t at = 0; at < exact.size(); at += width) {
    const float* p = exact.data() + at;
    const float* q = rounded.data() + at;
    const double p_sum = log_sum(p);
    const double q_sum = log_sum(q);
    for (std::size_t i = 0; i < width; ++i) {
      loss.divergence += std::exp(p[i] - p_sum) * ((p[i] - p_sum) - (q[i] - q_sum));
    }
    loss.same_top += std::max_element(p, p + width) - p == std::max_element(q, q + width) - q;
    ++loss.positions;
  }
  return loss;
}

int Main() {
  const std::vector<Golden> goldens = Goldens("decoder");
  if (goldens.empty()) {
    std::fprintf(stderr, "no golden decoders: set CITESEEK_SHARED\n");
    return 1;
  }
  const auto backend = MakeCpuBackend({.threads = 2});
  for (const Golden& golden : goldens) {
    const auto config = ReadModelConfig(golden.folder.string());
    const auto weights = Weights::OpenFolder(golden.folder.string());
    if (!config.ok() || !weights.ok()) return 1;
    const std::vector<float> exact = AllLogits(golden, *config, *weights, *backend, Storage::kF32);
    std::printf("{\"model\":\"%s\",\"backend\":\"%s\"",
                (golden.folder.parent_path().filename() / golden.folder.filename()).c_str(),
                backend->Name().c_str());
    for (const auto& [name, storage] :
         {std::pair("bf16", Storage::kBF16), std::pair("q8", Storage::kQ8),
          std::pair("q5", Storage::kQ5), std::pair("q4", Storage::kQ4)}) {
      const Loss loss = Compare(exact, AllLogits(golden, *config, *weights, *backend, storage),
                                config->vocabulary_size);
      std::printf(",\"%s_divergence\":%.2e,\"%s_same_top\":%.3f", name,
                  loss.divergence / loss.positions, name,
                  static_cast<double>(loss.same_top) / loss.positions);
    }
    std::printf("}\n");
  }
  return 0;
}

}  // namespace
}  // namespace citeseek::inference

int main() { return citeseek::inference::Main(); }
