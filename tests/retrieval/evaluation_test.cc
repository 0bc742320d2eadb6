#include "retrieval/evaluation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace citeseek::retrieval {
namespace {

TEST(Evaluation, APerfectRankingScoresOne) {
  const std::vector<std::string> ranking = {"a", "b", "c"};
  const Metrics metrics = Evaluate(ranking, {{"a", 2}, {"b", 1}});
  EXPECT_DOUBLE_EQ(metrics.ndcg10, 1.0);
  EXPECT_DOUBLE_EQ(metrics.recall100, 1.0);
  EXPECT_DOUBLE_EQ(metrics.mrr10, 1.0);
}

TEST(Evaluation, GainsAreLinearAndDiscountedByLog2OfTheRank) {
  const std::vector<std::string> ranking = {"x", "b", "a"};
  const Metrics metrics = Evaluate(ranking, {{"a", 2}, {"b", 1}, {"c", 0}, {"d", 1}});
  const double dcg = 1 / std::log2(3.0) + 2 / std::log2(4.0);
  const double ideal = 2 / std::log2(2.0) + 1 / std::log2(3.0) + 1 / std::log2(4.0);
  EXPECT_DOUBLE_EQ(metrics.ndcg10, dcg / ideal);
  EXPECT_DOUBLE_EQ(metrics.recall100, 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(metrics.mrr10, 0.5);
}

TEST(Evaluation, RanksBeyondTheCutDoNotCount) {
  std::vector<std::string> ranking;
  for (int i = 0; i < 100; ++i) ranking.push_back("x" + std::to_string(i));
  ranking[10] = "a";
  ranking.push_back("b");
  const Metrics metrics = Evaluate(ranking, {{"a", 1}, {"b", 1}});
  EXPECT_EQ(metrics.ndcg10, 0);
  EXPECT_EQ(metrics.mrr10, 0);
  EXPECT_DOUBLE_EQ(metrics.recall100, 0.5);
}

}  // namespace
}  // namespace citeseek::retrieval
