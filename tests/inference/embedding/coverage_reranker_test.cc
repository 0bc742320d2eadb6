#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "inference/reranker.h"

namespace citeseek::inference {
namespace {

std::vector<float> Scores(const std::string& query, const std::vector<std::string>& passages) {
  std::vector<float> scores(passages.size(), 7.0f);
  EXPECT_TRUE(MakeCoverageReranker()->Score({.query = query, .passages = passages}, scores).ok());
  for (const float score : scores) {
    EXPECT_GE(score, 0.0f);
    EXPECT_LE(score, 1.0f);
  }
  return scores;
}

TEST(CoverageReranker, PrefersThePassageThatCoversMore) {
  const auto s = Scores("When was the Eiffel tower built?", {"The Eiffel tower was built in 1889.",
                                                             "The tower is tall.", "Cats sleep."});
  EXPECT_GT(s[0], 0.8f);
  EXPECT_GT(s[0], s[1]);
  EXPECT_GT(s[1], s[2]);
}

TEST(CoverageReranker, CountsRareWordsMoreThanCommonOnes) {
  const auto s =
      Scores("what is the population of Lisbon", {"Lisbon at night", "what is the day of"});
  EXPECT_GT(s[0], s[1]);
}

TEST(CoverageReranker, MatchesOtherFormsOfAWordSoftly) {
  const auto s = Scores("optimising compilers",
                        {"optimising compilers", "a compiler that optimises", "harvest festival"});
  EXPECT_GT(s[0], s[1]);
  EXPECT_GT(s[1], 0.4f);
  EXPECT_LT(s[2], 0.1f);
}

TEST(CoverageReranker, PrefersWordsThatStandTogether) {
  const std::string apart = " and a long list of some other quite different things between then ";
  const auto s = Scores("solar panel", {"solar panel" + apart, "solar" + apart + "panel"});
  EXPECT_GT(s[0], s[1]);
}

TEST(CoverageReranker, KnowsChinese) {
  const auto s =
      Scores("中国的首都是哪里？", {"北京是中国的首都。", "上海在中国东部。", "Cats sleep."});
  EXPECT_GT(s[0], s[1]);
  EXPECT_GT(s[1], s[2]);
}

TEST(CoverageReranker, GivesNothingForNothing) {
  EXPECT_EQ(Scores("", {"text"})[0], 0.0f);
  EXPECT_EQ(Scores("words", {""})[0], 0.0f);
  EXPECT_TRUE(Scores("words", {}).empty());
}

TEST(CoverageReranker, RefusesWhatItCannotScore) {
  const auto reranker = MakeCoverageReranker();
  std::vector<float> one(1), two(2);
  const std::vector<std::string> bad = {"ab\xFF"}, good = {"ab"};
  EXPECT_EQ(reranker->Score({.query = "q", .passages = bad}, one).message(),
            "passage 0 is not UTF-8 at byte 2");
  EXPECT_EQ(reranker->Score({.query = "\x80", .passages = good}, one).message(),
            "query is not UTF-8 at byte 0");
  EXPECT_EQ(reranker->Score({.query = "q", .passages = good}, two).message(),
            "out of 2 floats is not 1 scores");
  EXPECT_EQ(reranker->Score({.query = "q", .passages = good, .deadline = absl::InfinitePast()}, one)
                .code(),
            absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace citeseek::inference
