// The head against a plain reimplementation in double precision: attention is computed from the
// expanded keys and values of the paper, experts one by one.
#include "inference/model/prediction_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

#include "inference/model/decoder.h"
#include "tests/inference/test_backend.h"
#include "tests/support/random_decoder.h"

namespace citeseek::inference {
namespace {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

constexpr int kTokens = 40;

class Reference {
 public:
  Reference(const ModelConfig& config, const Weights& weights) : c_(config), weights_(weights) {}

  // logits[i]: guesses tokens[i + 2] from the main model's normed hidden state at i and
  // tokens[i + 1].
  Rows Logits(const Rows& hidden, const std::vector<std::int32_t>& tokens) const {
    Rows x;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      Row both = Norm(Of("embed_tokens.weight")[static_cast<std::size_t>(tokens[i + 1])],
                      Own("enorm.weight"));
      const Row previous = Norm(hidden[i], Own("hnorm.weight"));
      both.insert(both.end(), previous.begin(), previous.end());
      x.push_back(Times(Of(Name("eh_proj.weight")), both));
    }
    Rows normed;
    for (const Row& row : x) normed.push_back(Norm(row, Own("input_layernorm.weight")));
    const Rows attended = Attention(normed);
    Rows out;
    for (std::size_t i = 0; i < x.size(); ++i) {
      Add(x[i], attended[i]);
      Add(x[i], Experts(Norm(x[i], Own("post_attention_layernorm.weight"))));
      out.push_back(Times(Of("lm_head.weight"), Norm(x[i], Own("shared_head.norm.weight"))));
    }
    return out;
  }

 private:
  std::string Name(const std::string& name) const {
    return "layers." + std::to_string(c_.layers) + "." + name;
  }

  const Rows& Of(const std::string& name) const {
    const auto [entry, is_new] = loaded_.try_emplace(name);
    if (is_new) {
      const TensorView& view = weights_.tensors().at(name).view;
      const auto rows = static_cast<std::size_t>(view.shape.size() == 2 ? view.shape[0] : 1);
      const auto cols = static_cast<std::size_t>(view.shape.back());
      for (std::size_t r = 0; r < rows; ++r) {
        std::vector<float> row(cols);
        std::memcpy(row.data(), view.bytes.data() + r * cols * 4, cols * 4);
        entry->second.emplace_back(row.begin(), row.end());
      }
    }
    return entry->second;
  }
  const Row& Own(const std::string& name) const { return Of(Name(name))[0]; }

  static double Dot(const Row& a, const Row& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  }
  static Row Times(const Rows& w, const Row& x) {
    Row out;
    for (const Row& row : w) out.push_back(Dot(row, x));
    return out;
  }
  static void Add(Row& to, const Row& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  }
  static Row Norm(Row x, const Row& weight, double eps = 1e-6) {
    const double scale = 1 / std::sqrt(Dot(x, x) / static_cast<double>(x.size()) + eps);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] *= scale * weight[i];
    return x;
  }
  static Row Part(const Row& x, int begin, int count) {
    return {x.begin() + begin, x.begin() + begin + count};
  }
  // Pairs (2i, 2i + 1).
  static Row Rotated(Row x, int position) {
    const double n = static_cast<double>(x.size());
    for (std::size_t i = 0; i < x.size(); i += 2) {
      const double angle = position * std::pow(10000.0, -static_cast<double>(i) / n);
      const double a = x[i];
      const double b = x[i + 1];
      x[i] = a * std::cos(angle) - b * std::sin(angle);
      x[i + 1] = b * std::cos(angle) + a * std::sin(angle);
    }
    return x;
  }

  Rows Attention(const Rows& normed) const {
    const MlaConfig& m = c_.mla;
    const int head = m.qk_nope_head_size + m.qk_rope_head_size;
    const int expanded = m.qk_nope_head_size + m.v_head_size;
    Rows queries;
    Rows keys_values;
    Rows rotated_keys;
    for (std::size_t t = 0; t < normed.size(); ++t) {
      const Row low = Norm(Times(Of(Name("self_attn.q_a_proj.weight")), normed[t]),
                           Own("self_attn.q_a_layernorm.weight"));
      queries.push_back(Times(Of(Name("self_attn.q_b_proj.weight")), low));
      const Row kv = Times(Of(Name("self_attn.kv_a_proj_with_mqa.weight")), normed[t]);
      const Row latent = Norm(Part(kv, 0, m.kv_lora_rank), Own("self_attn.kv_a_layernorm.weight"));
      keys_values.push_back(Times(Of(Name("self_attn.kv_b_proj.weight")), latent));
      rotated_keys.push_back(
          Rotated(Part(kv, m.kv_lora_rank, m.qk_rope_head_size), static_cast<int>(t)));
    }
    Rows out;
    for (std::size_t t = 0; t < normed.size(); ++t) {
      Row all;
      for (int h = 0; h < c_.heads; ++h) {
        const Row q = Part(queries[t], h * head, m.qk_nope_head_size);
        const Row q_rotated =
            Rotated(Part(queries[t], h * head + m.qk_nope_head_size, m.qk_rope_head_size),
                    static_cast<int>(t));
        Row weights;
        double total = 0;
        for (std::size_t s = 0; s <= t; ++s) {
          const double score = Dot(q, Part(keys_values[s], h * expanded, m.qk_nope_head_size)) +
                               Dot(q_rotated, rotated_keys[s]);
          weights.push_back(std::exp(score / std::sqrt(static_cast<double>(head))));
          total += weights.back();
        }
        Row value(static_cast<std::size_t>(m.v_head_size));
        for (std::size_t s = 0; s <= t; ++s) {
          Row v = Part(keys_values[s], h * expanded + m.qk_nope_head_size, m.v_head_size);
          for (double& number : v) number *= weights[s] / total;
          Add(value, v);
        }
        all.insert(all.end(), value.begin(), value.end());
      }
      out.push_back(Times(Of(Name("self_attn.o_proj.weight")), all));
    }
    return out;
  }

  Row Mlp(const Row& x, const std::string& prefix) const {
    Row gate = Times(Of(Name(prefix + "gate_proj.weight")), x);
    const Row up = Times(Of(Name(prefix + "up_proj.weight")), x);
    for (std::size_t i = 0; i < gate.size(); ++i) gate[i] *= up[i] / (1 + std::exp(-gate[i]));
    return Times(Of(Name(prefix + "down_proj.weight")), gate);
  }

  // Two groups of two experts; the better group by its two biased scores, both of its experts.
  Row Experts(const Row& x) const {
    Row scores = Times(Of(Name("mlp.gate.weight")), x);
    for (double& score : scores) score = 1 / (1 + std::exp(-score));
    Row biased = scores;
    Add(biased, Own("mlp.gate.e_score_correction_bias"));
    const std::size_t first = biased[0] + biased[1] >= biased[2] + biased[3] ? 0 : 2;
    const double total = scores[first] + scores[first + 1];
    Row out = Mlp(x, "mlp.shared_experts.");
    for (std::size_t e = first; e < first + 2; ++e) {
      Row expert = Mlp(x, "mlp.experts." + std::to_string(e) + ".");
      for (double& number : expert) number *= c_.moe.routed_scale * scores[e] / total;
      Add(out, expert);
    }
    return out;
  }

  const ModelConfig& c_;
  const Weights& weights_;
  mutable std::map<std::string, Rows> loaded_;
};

class PredictionHeadTest : public testing::Test {
 protected:
  void SetUp() override {
    auto backend = MakeTestBackend(1);
    if (!backend.ok()) GTEST_SKIP() << backend.status();
    backend_ = *std::move(backend);
    auto decoder = Decoder::Load(config_, weights_, *backend_,
                                 {.max_tokens = 64, .max_context = 64, .kv_blocks = 12});
    ASSERT_TRUE(decoder.ok()) << decoder.status();
    decoder_ = *std::move(decoder);
    ASSERT_TRUE(decoder_->predicts());
    for (int i = 0; i <= kTokens; ++i) tokens_.push_back((i * i + 5 * i + 3) % 61);
  }

  SequenceStep Step(int first, int count, int shift) const {
    return {.tokens = std::span(tokens_).subspan(static_cast<std::size_t>(first + shift),
                                                 static_cast<std::size_t>(count)),
            .first_position = first,
            .prompt_length = kTokens,
            .blocks = blocks_,
            .logits = count};
  }

  // The guesses at all positions, computed in chunks.
  std::vector<float> InChunks(int chunk) {
    std::vector<float> all;
    for (int first = 0; first < kTokens; first += chunk) {
      const int count = std::min(chunk, kTokens - first);
      std::vector<float> logits(static_cast<std::size_t>(count * 61));
      const SequenceStep step = Step(first, count, 0);
      decoder_->Forward({&step, 1}, logits, [&](int stage, Tensor state) {
        if (stage <= config_.layers) return;
        for (int r = 0; r < state.rows; ++r) {
          const std::vector<float> row = ReadRow(*backend_, state, r);
          hidden_.emplace_back(row.begin(), row.end());
        }
      });
      const SequenceStep shifted = Step(first, count, 1);
      const int begins = 0;
      decoder_->Predict({&shifted, 1}, {&begins, 1}, logits);
      all.insert(all.end(), logits.begin(), logits.end());
    }
    return all;
  }

  const ModelConfig config_ = TinyDeepSeekConfig();
  const Weights weights_ = RandomDecoder(config_, 9);
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Decoder> decoder_;
  std::vector<std::int32_t> tokens_;
  const std::vector<std::int32_t> blocks_ = {3, 7, 1, 5};
  Rows hidden_;  // of the main model, normed
};

TEST_F(PredictionHeadTest, ItsGuessesAreThoseOfThePlainMaths) {
  const std::vector<float> logits = InChunks(kTokens);
  const Rows expected = Reference(config_, weights_).Logits(hidden_, tokens_);
  ASSERT_EQ(expected.size() * 61, logits.size());
  double spread = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    for (std::size_t v = 0; v < 61; ++v) {
      ASSERT_NEAR(logits[i * 61 + v], expected[i][v], 2e-4) << "position " << i;
      spread = std::max(spread, std::abs(expected[i][v]));
    }
  }
  EXPECT_GT(spread, 3);
}

TEST_F(PredictionHeadTest, ChunksChangeNothing) {
  const std::vector<float> whole = InChunks(kTokens);
  for (const int chunk : {1, 7}) EXPECT_TRUE(InChunks(chunk) == whole) << chunk;
}

TEST_F(PredictionHeadTest, SequencesOfAStepArePickedByTheirRows) {
  const std::vector<float> whole = InChunks(kTokens);
  // Another sequence before this one, of which the head is shown nothing; and of this one, whose
  // last token is a draft that was wrong, only the first 9 of 10.
  const std::vector<std::int32_t> other = {0, 2};
  std::vector<std::int32_t> ten(tokens_.begin(), tokens_.begin() + 10);
  ten.back() = 60;
  const SequenceStep steps[] = {
      {.tokens = std::span(tokens_).first(20), .blocks = other, .logits = 0},
      {.tokens = ten, .blocks = blocks_, .logits = 0}};
  decoder_->Forward(steps, {});
  SequenceStep shifted = Step(0, 9, 1);
  shifted.logits = 1;
  const int begins = 20;
  std::vector<float> logits(61);
  decoder_->Predict({&shifted, 1}, {&begins, 1}, logits);
  EXPECT_TRUE(std::equal(logits.begin(), logits.end(), whole.begin() + 8 * 61));
}

}  // namespace
}  // namespace citeseek::inference
