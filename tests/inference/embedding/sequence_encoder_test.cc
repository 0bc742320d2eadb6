#include "inference/embedding/sequence_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/random_decoder.h"

namespace citeseek::inference {
namespace {

ModelFiles SmallModel(const std::string& architecture) {
  auto config = ParseModelConfig(
      absl::StrCat(R"({"architectures": [")", architecture, R"("], "vocab_size": 61,
          "hidden_size": 48, "intermediate_size": 56, "num_hidden_layers": 2, "head_dim": 16,
          "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5,
          "tie_word_embeddings": true, "id2label": {"0": "a", "1": "b", "2": "c"}})"),
      architecture);
  if (!config.ok()) throw std::runtime_error(std::string(config.status().message()));
  ModelFiles files;
  files.path = architecture;
  files.config = *std::move(config);
  files.weights = RandomDecoder(files.config, 1);
  return files;
}

// Rows of texts of 1, 20 and 600 tokens.
std::vector<std::vector<float>> Rows(const std::string& architecture, Row row) {
  const auto encoder = SequenceEncoder::Load(SmallModel(architecture), {});
  if (!encoder.ok()) throw std::runtime_error(std::string(encoder.status().message()));
  std::vector<Encoding> texts;
  for (const int length : {1, 20, 600}) {
    Encoding& text = texts.emplace_back();
    for (int i = 0; i < length; ++i) text.ids.push_back((i * i + 3 * i + 7) % 61);
  }
  std::vector<std::vector<float>> rows;
  const auto width = static_cast<std::size_t>((*encoder)->Width(row));
  const absl::Status status =
      (*encoder)->Run(texts, row, [&](std::size_t, std::span<const float> batch) {
        for (std::size_t at = 0; at < batch.size(); at += width) {
          rows.emplace_back(batch.begin() + static_cast<std::ptrdiff_t>(at),
                            batch.begin() + static_cast<std::ptrdiff_t>(at + width));
        }
      });
  EXPECT_TRUE(status.ok()) << status;
  return rows;
}

// Expected numbers from an independent implementation in doubles.
TEST(SequenceEncoderTest, ADecoderWithoutItsHeadGivesTheLastTokensState) {
  const auto rows = Rows("Qwen3Model", Row::kLast);
  ASSERT_EQ(rows.size(), 3u);
  const std::vector<std::vector<float>> first = {{-0.85565f, -0.40782f, -0.72292f},
                                                 {-0.31235f, -0.6935f, 0.65333f},
                                                 {-0.03108f, -0.99896f, -0.91194f}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(rows[i][c], first[i][c], 1e-4) << i;
  }
}

TEST(SequenceEncoderTest, ADecoderThatClassifiesScoresTheLastTokensState) {
  const auto rows = Rows("Qwen3ForSequenceClassification", Row::kLogits);
  ASSERT_EQ(rows.size(), 3u);
  const std::vector<std::vector<float>> expected = {{0.43259f, -1.07247f, -0.74707f},
                                                    {0.62734f, -0.69299f, 0.93468f},
                                                    {-1.69593f, -0.09545f, -0.10034f}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(rows[i].size(), 3u);
    for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(rows[i][c], expected[i][c], 1e-4) << i;
  }
}

TEST(SequenceEncoderTest, TextsAreNoLongerThanThereIsMemoryForTheirKeys) {
  const ModelFiles files = SmallModel("Qwen3Model");
  const auto longest = [&](std::int64_t memory_bytes) -> std::int64_t {
    const auto encoder = SequenceEncoder::Load(files, {.memory_bytes = memory_bytes});
    if (encoder.ok()) return (*encoder)->max_tokens();
    EXPECT_EQ(encoder.status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(encoder.status().message(),
                testing::AllOf(testing::HasSubstr("does not fit the memory: weights "),
                               testing::HasSubstr(", keys and values ")));
    return 0;
  };
  const std::int64_t all = longest(0);
  EXPECT_EQ(all, files.config.max_positions);
  const std::int64_t some = longest(std::int64_t{3} << 20);  // 512 bytes a token
  EXPECT_GE(some, 512);
  EXPECT_LT(some, all);
  EXPECT_EQ(longest((std::int64_t{3} << 20) + 64 * 512), some + 64);
  EXPECT_EQ(longest(std::int64_t{1} << 20), 0);
}

}  // namespace
}  // namespace citeseek::inference
