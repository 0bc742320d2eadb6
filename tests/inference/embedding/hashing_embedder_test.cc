#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "inference/embedder.h"

namespace citeseek::inference {
namespace {

std::vector<float> Embed(const std::string& text) {
  const auto embedder = MakeHashingEmbedder();
  std::vector<float> row(static_cast<std::size_t>(embedder->Dimension()), 7.0f);
  const std::vector<std::string> texts = {text};
  EXPECT_TRUE(embedder->Embed({.texts = texts}, row).ok());
  return row;
}

float Similarity(const std::string& a, const std::string& b) {
  const auto x = Embed(a), y = Embed(b);
  float dot = 0;
  for (std::size_t i = 0; i < x.size(); ++i) dot += x[i] * y[i];
  return dot;
}

TEST(HashingEmbedder, RowsHaveLengthOne) {
  EXPECT_NEAR(Similarity("a question about whales", "a question about whales"), 1.0f, 1e-5f);
  EXPECT_NEAR(Similarity("关于鲸鱼的问题", "关于鲸鱼的问题"), 1.0f, 1e-5f);
}

TEST(HashingEmbedder, ATextWithoutFeaturesIsZero) {
  for (const char* text : {"", " \n…🙂"}) {
    for (const float x : Embed(text)) EXPECT_EQ(x, 0.0f);
  }
}

TEST(HashingEmbedder, IgnoresCaseWidthAndAccents) {
  EXPECT_NEAR(Similarity("Café NOIR", "cafe ｎｏｉｒ"), 1.0f, 1e-5f);
}

TEST(HashingEmbedder, FormsOfOneWordAreNearerThanOtherWords) {
  EXPECT_GT(Similarity("compiler optimisation", "compilers optimise"), 0.15f);
  EXPECT_LT(std::abs(Similarity("compiler optimisation", "harvest festival")), 0.1f);
  EXPECT_GT(Similarity("人工智能的发展", "人工智能发展史"),
            Similarity("人工智能的发展", "足球比赛结果"));
}

TEST(HashingEmbedder, RareWordsWeighMoreThanCommonOnes) {
  EXPECT_GT(Similarity("what is the photosynthesis", "photosynthesis"), 0.8f);
  EXPECT_LT(Similarity("what is the photosynthesis", "what is the"), 0.4f);
}

// Stored vectors outlive the program: the same text must give the same row on every machine.
TEST(HashingEmbedder, IsTheSameEverywhere) {
  const auto row = Embed("whale");
  std::size_t largest = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (std::abs(row[i]) > std::abs(row[largest])) largest = i;
  }
  EXPECT_EQ(largest, 442u);
  EXPECT_NEAR(row[largest], -0.819232f, 1e-5f);
}

TEST(HashingEmbedder, RefusesWhatItCannotEmbed) {
  const auto embedder = MakeHashingEmbedder();
  std::vector<float> row(512);
  const std::vector<std::string> bad = {"ab\xFF"}, two = {"a", "b"};
  EXPECT_EQ(embedder->Embed({.texts = bad}, row).message(), "text 0 is not UTF-8 at byte 2");
  EXPECT_EQ(embedder->Embed({.texts = two}, row).message(),
            "out of 512 floats is not 2 rows of 512");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(
      embedder->Embed({.texts = std::span(two).first(1), .stop = stop.get_token()}, row).code(),
      absl::StatusCode::kCancelled);
  EXPECT_EQ(
      embedder->Embed({.texts = std::span(two).first(1), .deadline = absl::InfinitePast()}, row)
          .code(),
      absl::StatusCode::kDeadlineExceeded);
}

TEST(HashingEmbedder, IsLinearOnHostileText) {
  Embed(std::string(1 << 20, 'a'));
  std::string words;
  for (int i = 0; i < 100000; ++i) words += std::to_string(i) + "x ";
  Embed(words);
}

}  // namespace
}  // namespace citeseek::inference
