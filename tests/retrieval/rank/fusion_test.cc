#include "retrieval/rank/fusion.h"

#include <gtest/gtest.h>

#include <vector>

namespace citeseek::retrieval {
namespace {

TEST(Fusion, WeighsBm25RelativeToTheBestAgainstTheDotProduct) {
  const std::vector<Candidate> candidates = {
      {.passage = 1, .document = 1, .lexical = 10, .dense = 0.1F},
      {.passage = 2, .document = 2, .lexical = 5, .dense = 0.9F}};
  auto ranked = Fuse(candidates, {.dense = 0.1}, 10);
  ASSERT_EQ(ranked.size(), 2U);
  EXPECT_EQ(ranked[0].passage, 1U);
  EXPECT_NEAR(ranked[0].fused, 0.9 + 0.01, 1e-6);
  EXPECT_NEAR(ranked[1].fused, 0.45 + 0.09, 1e-6);
  ranked = Fuse(candidates, {.dense = 0.8}, 10);
  EXPECT_EQ(ranked[0].passage, 2U);
}

TEST(Fusion, TheMoreTermsAQueryHasTheLessTheVectorWeighs) {
  const auto weight = [](std::optional<double> told, std::size_t terms) {
    return DenseLeg(/*knows_meaning=*/false, told, terms).dense;
  };
  EXPECT_EQ(weight({}, 0), 0.03);  // nothing to search by but the vector
  EXPECT_EQ(weight({}, 4), 0.03);
  EXPECT_NEAR(weight({}, 12), 0.01, 1e-12);
  EXPECT_NEAR(weight(1, 1024), 4.0 / 1024, 1e-12);
}

TEST(Fusion, VectorsOfMeaningHaveHalfTheVotesHoweverNarrowTheirBand) {
  const FusionWeights weights = DenseLeg(/*knows_meaning=*/true, {}, 20);
  EXPECT_EQ(weights.dense, 0.5);
  EXPECT_EQ(DenseLeg(true, 0.2, 20).dense, 0.2);
  const std::vector<Candidate> candidates = {
      {.passage = 1, .document = 1, .lexical = 10, .dense = 0.70F},
      {.passage = 2, .document = 2, .lexical = 8, .dense = 0.74F},
      {.passage = 3, .document = 3, .lexical = 0, .dense = 0.75F}};
  const auto ranked = Fuse(candidates, weights, 10);
  EXPECT_EQ(ranked[0].passage, 2U);  // good by both
  EXPECT_NEAR(ranked[0].fused, 0.5 * 0.8 + 0.5 * 0.8, 1e-5);
  EXPECT_NEAR(ranked[1].fused, 0.5, 1e-6);
  EXPECT_NEAR(ranked[2].fused, 0.5, 1e-6);
  const std::vector<Candidate> alike = {{.passage = 1, .document = 1, .lexical = 1, .dense = 0.7F}};
  EXPECT_EQ(Fuse(alike, weights, 1)[0].fused, 0.5);
}

TEST(Fusion, KeepsTheBestPassageOfADocumentAndBreaksTiesByPlace) {
  const std::vector<Candidate> candidates = {
      {.segment = 1, .passage = 3, .document = 3, .lexical = 4},
      {.segment = 0, .passage = 9, .document = 3, .lexical = 4},
      {.segment = 0, .passage = 8, .document = 3, .lexical = 3},
      {.segment = 0, .passage = 2, .document = 1, .lexical = 4}};
  const auto ranked = Fuse(candidates, {.dense = 0}, 10);
  ASSERT_EQ(ranked.size(), 3U);
  EXPECT_EQ(ranked[0].passage, 2U);
  EXPECT_EQ(ranked[1].passage, 9U);
  EXPECT_EQ(ranked[2].passage, 3U);
  EXPECT_EQ(Fuse(candidates, {.dense = 0}, 1).size(), 1U);
}

TEST(Fusion, ANegativeDotProductIsNoEvidence) {
  const std::vector<Candidate> candidates = {{.passage = 1, .document = 1, .dense = -0.5F}};
  EXPECT_EQ(Fuse(candidates, {.dense = 1}, 1)[0].fused, 0);
  EXPECT_TRUE(Fuse({}, {}, 1).empty());
}

}  // namespace
}  // namespace citeseek::retrieval
