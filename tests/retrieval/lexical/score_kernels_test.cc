#include "retrieval/lexical/score_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace citeseek::retrieval {
namespace {

TEST(ScoreKernels, AddTheSameBitsAsTheScalarFormulaForEveryRunLength) {
  std::mt19937 random(1);
  std::vector<std::uint32_t> lengths(3000);
  for (auto& length : lengths) length = static_cast<std::uint32_t>(random() % 5000);
  const LengthNorm norm{.base = 0.54F, .slope = 0.0031F};
  for (std::size_t count = 0; count <= indexer::PostingCursor::kBlockSize; ++count) {
    std::vector<std::uint32_t> passages(2000), frequencies;
    for (std::uint32_t i = 0; i < 2000; ++i) passages[i] = 1000 + i;
    std::shuffle(passages.begin(), passages.end(), random);
    passages.resize(count);
    std::sort(passages.begin(), passages.end());
    for (std::size_t i = 0; i < count; ++i) {
      frequencies.push_back(static_cast<std::uint32_t>(1 + random() % 300));
    }
    std::vector<float> want(2000, 0.25F), got = want;
    for (std::size_t i = 0; i < count; ++i) {
      want[passages[i] - 1000] += TermScore(3.7F, frequencies[i], norm(lengths[passages[i]]));
    }
    AddScores({.passages = passages,
               .frequencies = frequencies,
               .weight = 3.7F,
               .norm = norm,
               .lengths = lengths.data()},
              1000, got);
    ASSERT_EQ(got, want) << count;
  }
}

TEST(ScoreKernels, CollectEveryOffsetAboveTheThresholdInOrder) {
  std::mt19937 random(2);
  alignas(64) float scores[256];
  for (const unsigned one_in : {1U, 3U, 50U, 100000U}) {
    std::vector<std::uint32_t> want;
    for (std::uint32_t i = 0; i < 256; ++i) {
      scores[i] = random() % one_in == 0 ? 1.5F : 1.0F;
      if (scores[i] > 1.0F) want.push_back(i);
    }
    std::vector<std::uint32_t> got(256);
    got.resize(CollectAbove(scores, 1.0F, got));
    EXPECT_EQ(got, want);
  }
}

}  // namespace
}  // namespace citeseek::retrieval
