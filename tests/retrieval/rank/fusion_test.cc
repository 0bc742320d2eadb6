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
  EXPECT_EQ(DenseWeight(0.03, 0), 0.03);  // nothing to search by but the vector
  EXPECT_EQ(DenseWeight(0.03, 4), 0.03);
  EXPECT_NEAR(DenseWeight(0.03, 12), 0.01, 1e-12);
  EXPECT_NEAR(DenseWeight(1, 1024), 4.0 / 1024, 1e-12);
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
