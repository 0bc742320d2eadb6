#include "inference/model/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "absl/strings/str_cat.h"
#include "tests/inference/model/golden.h"
#include "tests/inference/test_backend.h"
#include "tests/support/random_decoder.h"

namespace citeseek::inference {
namespace {

constexpr int kMaxContext = 256;
constexpr int kBlocksEach = kMaxContext / kKvBlock;
constexpr float kLogitTolerance = 3e-4f;

struct Model {
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Decoder> decoder;
};

Model LoadModel(const std::filesystem::path& folder, int threads = 1) {
  Model model;
  const auto config = ReadModelConfig(folder.string());
  EXPECT_TRUE(config.ok()) << config.status();
  const auto weights = Weights::OpenFolder(folder.string());
  EXPECT_TRUE(weights.ok()) << weights.status();
  auto backend = MakeTestBackend(threads);
  EXPECT_TRUE(backend.ok()) << backend.status();
  if (!backend.ok()) return model;
  model.backend = *std::move(backend);
  auto decoder = Decoder::Load(*config, *weights, *model.backend,
                               {.max_tokens = 512, .max_context = kMaxContext, .kv_blocks = 128});
  EXPECT_TRUE(decoder.ok()) << decoder.status();
  model.decoder = *std::move(decoder);
  return model;
}

// A sequence that grows greedily on blocks of its own, scattered over the cache.
struct Sequence {
  explicit Sequence(const Json& golden, int number = 0)
      : Sequence(Ids(At(golden, "input_ids")), number) {}
  explicit Sequence(std::vector<std::int32_t> first, int number = 0) : ids(std::move(first)) {
    prompt = static_cast<int>(ids.size());
    std::vector<std::int32_t> all(128);
    std::iota(all.begin(), all.end(), 0);
    std::mt19937 random(3);
    std::shuffle(all.begin(), all.end(), random);
    blocks.assign(all.begin() + number * kBlocksEach, all.begin() + (number + 1) * kBlocksEach);
  }

  SequenceStep Next(int tokens, int logits) const {
    return {.tokens = std::span(ids).subspan(static_cast<std::size_t>(done),
                                             static_cast<std::size_t>(tokens)),
            .first_position = done,
            .prompt_length = prompt,
            .blocks = blocks,
            .logits = logits};
  }
  int Left() const { return static_cast<int>(ids.size()) - done; }

  std::vector<std::int32_t> ids;
  int prompt = 0;
  int done = 0;
  std::vector<std::int32_t> blocks;
};

int Argmax(std::span<const float> row) {
  return static_cast<int>(std::max_element(row.begin(), row.end()) - row.begin());
}

// Greedy tokens after the prompt, which goes in by chunks of `chunk`; logits of every step
// appended.
std::vector<std::int32_t> Greedy(Decoder& decoder, Sequence sequence, int chunk, std::size_t count,
                                 std::vector<float>* all_logits) {
  std::vector<std::int32_t> out;
  std::vector<float> logits(static_cast<std::size_t>(decoder.config().vocabulary_size));
  while (out.size() < count) {
    const int tokens = std::min(chunk, sequence.Left());
    const bool last = tokens == sequence.Left();
    const SequenceStep step = sequence.Next(tokens, last ? 1 : 0);
    decoder.Forward({&step, 1}, last ? std::span<float>(logits) : std::span<float>());
    sequence.done += tokens;
    if (!last) continue;
    if (all_logits != nullptr) {
      all_logits->insert(all_logits->end(), logits.begin(), logits.end());
    }
    out.push_back(Argmax(logits));
    sequence.ids.push_back(out.back());
  }
  return out;
}

void ExpectNear(std::span<const float> actual, std::span<const float> expected, float tolerance,
                std::string_view what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  float worst = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_TRUE(std::isfinite(actual[i])) << what;
    worst = std::max(worst, std::abs(actual[i] - expected[i]));
  }
  EXPECT_LE(worst, tolerance) << what;
}

void CheckPrompt(Decoder& decoder, Backend& backend, const Json& golden) {
  const Sequence sequence(golden);
  const int n = sequence.prompt;
  const auto vocabulary = static_cast<std::size_t>(decoder.config().vocabulary_size);
  std::vector<float> logits(static_cast<std::size_t>(n) * vocabulary);
  std::vector<std::vector<float>> hidden;  // of the last position, by stage
  const SequenceStep step = sequence.Next(n, n);
  decoder.Forward({&step, 1}, logits, [&](int stage, Tensor state) {
    hidden.resize(static_cast<std::size_t>(stage) + 1);
    hidden.back() = ReadRow(backend, state, state.rows - 1);
  });
  const auto row = [&](int i) {
    return std::span<const float>(logits).subspan(static_cast<std::size_t>(i) * vocabulary,
                                                  vocabulary);
  };
  ExpectNear(row(n - 1), Floats(At(golden, "last_logits")), kLogitTolerance, "last logits");
  if (const Json* all = golden.Find("all_logits"); all != nullptr && all->Array() != nullptr) {
    for (int i = 0; i < n; ++i) {
      ExpectNear(row(i), Floats(List(*all)[static_cast<std::size_t>(i)]), kLogitTolerance,
                 "logits of position " + std::to_string(i));
    }
  }
  const Json& positions = At(golden, "per_position");
  const std::vector<std::int32_t> argmax = Ids(At(positions, "argmax"));
  const std::vector<float> top1 = Floats(At(positions, "top1_logit"));
  const std::vector<float> top2 = Floats(At(positions, "top2_logit"));
  const std::vector<float> logsumexp = Floats(At(positions, "logsumexp"));
  ASSERT_EQ(argmax.size(), static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    std::vector<float> sorted(row(i).begin(), row(i).end());
    std::partial_sort(sorted.begin(), sorted.begin() + 2, sorted.end(), std::greater<>());
    double sum = 0;
    for (const float v : row(i)) sum += std::exp(double{v} - sorted[0]);
    if (top1[at] - top2[at] > 2 * kLogitTolerance) {
      EXPECT_EQ(Argmax(row(i)), argmax[at]) << i;
    }
    EXPECT_NEAR(sorted[0], top1[at], kLogitTolerance) << "top 1 of " << i;
    EXPECT_NEAR(sorted[1], top2[at], kLogitTolerance) << "top 2 of " << i;
    EXPECT_NEAR(sorted[0] + std::log(sum), logsumexp[at], kLogitTolerance) << i;
  }
  const Json& expected = At(golden, "hidden_last_pos");
  const std::vector<float> norms = Floats(At(expected, "l2"));
  ASSERT_EQ(hidden.size(), norms.size());
  for (std::size_t s = 0; s < norms.size(); ++s) {
    double square = 0;
    for (const float v : hidden[s]) square += double{v} * double{v};
    EXPECT_NEAR(std::sqrt(square), norms[s], 1e-5 * norms[s] + 3e-5) << "stage " << s;
    ExpectNear(std::span(hidden[s]).first(8), Floats(List(At(expected, "first8"))[s]), 1e-4f,
               "hidden state of stage " + std::to_string(s));
  }
}

class DecoderTest : public testing::Test {
 protected:
  void SetUp() override {
    goldens_ = Goldens("decoder");
    if (goldens_.empty()) GTEST_SKIP() << "no golden decoders: set CITESEEK_SHARED";
    if (auto backend = MakeTestBackend(1); !backend.ok()) GTEST_SKIP() << backend.status();
  }
  std::vector<Golden> goldens_;
};

TEST_F(DecoderTest, LogitsAndHiddenStatesAreThoseOfTheReference) {
  for (const Golden& golden : goldens_) {
    SCOPED_TRACE(golden.folder);
    const Model model = LoadModel(golden.folder, 2);
    ASSERT_NE(model.decoder, nullptr);
    for (const Json& one : List(At(golden.expected, "cases"))) {
      SCOPED_TRACE(*At(one, "id").String());
      CheckPrompt(*model.decoder, *model.backend, one);
    }
  }
}

TEST_F(DecoderTest, GreedyTokensAreThoseOfTheReferenceHoweverThePromptIsCut) {
  for (const Golden& golden : goldens_) {
    SCOPED_TRACE(golden.folder);
    const Model model = LoadModel(golden.folder);
    ASSERT_NE(model.decoder, nullptr);
    for (const Json& one : List(At(golden.expected, "cases"))) {
      SCOPED_TRACE(*At(one, "id").String());
      const Json& greedy = At(one, "greedy");
      const std::vector<std::int32_t> expected = Ids(At(greedy, "tokens"));
      const std::vector<float> top1 = Floats(At(greedy, "top1_logit"));
      std::vector<float> whole;
      EXPECT_EQ(Greedy(*model.decoder, Sequence(one), 512, expected.size(), &whole), expected);
      const std::size_t vocabulary = whole.size() / expected.size();
      for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_NEAR(whole[i * vocabulary + static_cast<std::size_t>(expected[i])], top1[i],
                    kLogitTolerance);
      }
      for (const int chunk : {1, 7, 64}) {
        std::vector<float> cut;
        EXPECT_EQ(Greedy(*model.decoder, Sequence(one), chunk, expected.size(), &cut), expected);
        EXPECT_TRUE(cut == whole) << "other bits in chunks of " << chunk;
      }
    }
  }
}

TEST_F(DecoderTest, SequencesInOneStepDoNotChangeEachOther) {
  for (const Golden& golden : goldens_) {
    SCOPED_TRACE(golden.folder);
    const Model model = LoadModel(golden.folder);
    ASSERT_NE(model.decoder, nullptr);
    const JsonArray& cases = List(At(golden.expected, "cases"));
    std::vector<Sequence> sequences;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      sequences.emplace_back(cases[i], static_cast<int>(i));
    }
    const std::size_t count = Ids(At(At(cases[0], "greedy"), "tokens")).size();
    const auto vocabulary = static_cast<std::size_t>(model.decoder->config().vocabulary_size);
    // Long prompts are still in prefill, 16 tokens a step, while short ones decode.
    bool busy = true;
    while (busy) {
      std::vector<SequenceStep> steps;
      std::vector<Sequence*> stepped;
      std::size_t rows = 0;
      for (Sequence& sequence : sequences) {
        if (sequence.ids.size() - static_cast<std::size_t>(sequence.prompt) == count) continue;
        const int tokens = std::min(16, sequence.Left());
        const int logits = tokens == sequence.Left() ? 1 : 0;
        steps.push_back(sequence.Next(tokens, logits));
        stepped.push_back(&sequence);
        rows += static_cast<std::size_t>(logits);
      }
      busy = !steps.empty();
      if (!busy) break;
      std::vector<float> logits(rows * vocabulary);
      model.decoder->Forward(steps, logits);
      std::size_t row = 0;
      for (std::size_t i = 0; i < steps.size(); ++i) {
        stepped[i]->done += static_cast<int>(steps[i].tokens.size());
        if (steps[i].logits == 0) continue;
        stepped[i]->ids.push_back(
            Argmax(std::span(logits).subspan(row++ * vocabulary, vocabulary)));
      }
    }
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const std::vector<std::int32_t> tokens(sequences[i].ids.begin() + sequences[i].prompt,
                                             sequences[i].ids.end());
      EXPECT_EQ(tokens, Ids(At(At(cases[i], "greedy"), "tokens"))) << "case " << i;
    }
  }
}

// Small models with what the goldens lack; expected numbers from an independent implementation of
// the published modeling code in doubles.
struct Variant {
  std::string name;
  std::string keys;  // of config.json, before those that all have
  std::uint32_t seed;
  std::vector<std::int32_t> greedy;  // after 90 tokens
  std::vector<float> logits;         // the first at the prompt's end
  double norm;                       // of all of these
};

std::vector<Variant> Variants() {
  return {
      {"llama, heads of 10 with biases, dynamic rope from 64 tokens on",
       R"("max_position_embeddings": 64, "model_type": "llama", "head_dim": 10,
        "attention_bias": true, "mlp_bias": true, "rope_scaling": {"type": "dynamic",
        "factor": 2.0})",
       1,
       {57, 42, 57, 42, 57, 42},
       {1.91371f, -1.35438f, -3.67684f, 2.19738f},
       24.1825},
      {"llama, yarn that ramps between channels",
       R"("model_type": "llama", "rope_scaling": {"rope_type": "yarn", "factor": 8.0,
        "original_max_position_embeddings": 32, "beta_fast": 4, "beta_slow": 1.5,
        "attention_factor": 0.9, "truncate": false})",
       1,
       {0, 28, 27, 0, 28, 27},
       {6.11028f, 2.4047f, -2.85919f, 5.6059f},
       20.537},
      {"llama, yarn with two mscales, rope_parameters",
       R"("model_type": "llama", "rope_parameters": {"rope_type": "yarn", "rope_theta": 500.0,
        "factor": 4.0, "original_max_position_embeddings": 64, "mscale": 0.7,
        "mscale_all_dim": 1.2})",
       1,
       {3, 9, 23, 60, 51, 28},
       {5.37034f, 2.05034f, -3.36581f, 6.46156f},
       21.4141},
      {"qwen2, a window where layer_types say",
       R"("model_type": "qwen2", "use_sliding_window": true, "sliding_window": 9,
        "max_window_layers": 28, "layer_types": ["sliding_attention", "full_attention"])",
       1,
       {9, 1, 40, 12, 58, 0},
       {-2.14004f, 6.06648f, 3.72878f, 0.41434f},
       25.4907},
      {"qwen3, biases, llama3 rope, tied",
       R"("model_type": "qwen3", "head_dim": 20, "attention_bias": true,
        "tie_word_embeddings": true, "rope_scaling": {"rope_type": "llama3", "factor": 8.0,
        "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings":
        64})",
       1,
       {37, 28, 28, 28, 28, 28},
       {-2.71829f, -5.20673f, -1.34073f, 2.93302f},
       23.0969},
      {"qwen3_moe, every second layer, weights as they are",
       R"("model_type": "qwen3_moe", "head_dim": 16, "num_experts": 6, "num_experts_per_tok":
        2, "moe_intermediate_size": 24, "decoder_sparse_step": 2, "norm_topk_prob": false)",
       3,
       {28, 9, 44, 57, 57, 57},
       {-3.13545f, -0.30837f, 0.3307f, -1.8285f},
       23.4723},
      {"deepseek_v2, experts of the best groups",
       R"("moe_intermediate_size": 24, "n_shared_experts": 1,
        "n_routed_experts": 8, "num_experts_per_tok": 3, "n_group": 4, "topk_group": 2,
        "first_k_dense_replace": 1, "q_lora_rank": null, "kv_lora_rank": 40,
        "qk_nope_head_dim": 12, "qk_rope_head_dim": 8, "v_head_dim": 12, "model_type":
        "deepseek_v2", "topk_method": "group_limited_greedy", "routed_scaling_factor": 4.0)",
       1,
       {45, 16, 59, 37, 37, 34},
       {0.67307f, -1.45268f, 3.727f, 3.09979f},
       21.5339},
      {"deepseek_v3, halves rotated, nothing shared",
       R"("moe_intermediate_size": 24, "n_shared_experts": null,
        "n_routed_experts": 8, "num_experts_per_tok": 3, "n_group": 4, "topk_group": 2,
        "first_k_dense_replace": 1, "q_lora_rank": 20, "kv_lora_rank": 40,
        "qk_nope_head_dim": 12, "qk_rope_head_dim": 8, "v_head_dim": 12, "model_type":
        "deepseek_v3", "rope_interleave": false, "norm_topk_prob": true,
        "routed_scaling_factor": 2.5)",
       1,
       {45, 10, 57, 12, 12, 24},
       {1.35212f, 1.80002f, 1.62391f, 2.76566f},
       24.0454},
  };
}

TEST(DecoderVariantTest, WhatTheGoldensLackIsThatOfTheReferenceToo) {
  if (auto backend = MakeTestBackend(1); !backend.ok()) GTEST_SKIP() << backend.status();
  std::vector<std::int32_t> prompt;
  for (int i = 0; i < 90; ++i) prompt.push_back((i * i + 3 * i + 7) % 61);
  for (const Variant& variant : Variants()) {
    SCOPED_TRACE(variant.name);
    const auto config =
        ParseModelConfig(absl::StrCat("{", variant.keys, R"(, "vocab_size": 61, "hidden_size": 48,
            "intermediate_size": 56, "num_hidden_layers": 2, "num_attention_heads": 4,
            "num_key_value_heads": 2, "rms_norm_eps": 1e-5})"),
                         variant.name);
    ASSERT_TRUE(config.ok()) << config.status();
    const Weights weights = RandomDecoder(*config, variant.seed);
    const auto backend = MakeTestBackend(1);
    const auto decoder =
        Decoder::Load(*config, weights, **backend,
                      {.max_tokens = 128, .max_context = kMaxContext, .kv_blocks = 128});
    ASSERT_TRUE(decoder.ok()) << decoder.status();
    for (const int chunk : {128, 7}) {
      std::vector<float> logits;
      EXPECT_EQ(Greedy(**decoder, Sequence(prompt), chunk, variant.greedy.size(), &logits),
                variant.greedy);
      logits.resize(61);
      ExpectNear(std::span(logits).first(4), variant.logits, kLogitTolerance, "logits");
      double square = 0;
      for (const float v : logits) square += double{v} * double{v};
      EXPECT_NEAR(std::sqrt(square), variant.norm, 1e-3);
    }
  }
}

TEST_F(DecoderTest, AMissingTensorIsNamed) {
  const auto config = ReadModelConfig(goldens_[0].folder.string());
  ASSERT_TRUE(config.ok());
  const auto empty = Weights::FromTensors({}, {}, {}, "nothing");
  ASSERT_TRUE(empty.ok());
  const auto backend = MakeCpuBackend({});
  const auto decoder = Decoder::Load(*config, *empty, *backend, {});
  EXPECT_EQ(decoder.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(decoder.status().message(), testing::HasSubstr("embed_tokens.weight"));
}

}  // namespace
}  // namespace citeseek::inference
