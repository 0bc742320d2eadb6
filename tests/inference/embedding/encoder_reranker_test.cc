#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inference/reranker.h"
#include "tests/inference/model/golden.h"
#include "tests/support/temp_directory.h"
#include "tests/support/tiny_bert.h"

namespace citeseek::inference {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using Texts = std::vector<std::string>;

std::vector<float> Score(Reranker& reranker, const std::string& query, const Texts& passages) {
  std::vector<float> out(passages.size());
  const absl::Status status = reranker.Score({.query = query, .passages = passages}, out);
  EXPECT_TRUE(status.ok()) << status;
  return out;
}

TEST(EncoderRerankerTest, ScoresOfPairsAreThoseOfTheReference) {
  const std::vector<Golden> goldens = Goldens("e2e-reranker");
  if (goldens.empty()) GTEST_SKIP() << "no golden rerankers: set CITESEEK_SHARED";
  for (const Golden& golden : goldens) {
    const auto reranker = OpenReranker(golden.folder.string(), {});
    ASSERT_TRUE(reranker.ok()) << reranker.status();
    for (const Json& c : List(At(golden.expected, "cases"))) {
      EXPECT_NEAR(Score(**reranker, *At(c, "query").String(), {*At(c, "document").String()})[0],
                  Number(At(c, "score_sigmoid")), 5e-5);
    }
  }
}

TEST(EncoderRerankerTest, ClassifiersOfOneAndTwoLabelsScoreEachPairAlone) {
  for (const int labels : {1, 2}) {
    const TempDirectory folder;
    WriteTinyBert(folder, labels);
    const auto reranker = OpenReranker(folder.path().string(), {});
    ASSERT_TRUE(reranker.ok()) << reranker.status();
    const Texts passages = {"red", "green and blue", "not red"};
    const auto all = Score(**reranker, "red", passages);
    EXPECT_THAT(all, Each(testing::AllOf(testing::Gt(0.0f), testing::Lt(1.0f))));
    for (std::size_t i = 0; i < passages.size(); ++i) {
      EXPECT_EQ(Score(**reranker, "red", {passages[i]})[0], all[i]);
    }
    EXPECT_NE(all[0], all[1]);
    EXPECT_TRUE(Score(**reranker, "red", {}).empty());
  }
}

TEST(EncoderRerankerTest, TheLongerTextLosesItsEnd) {
  const TempDirectory folder;
  WriteTinyBert(folder, 1);
  const auto reranker = OpenReranker(folder.path().string(), {});
  std::string passage = "green", cut = "green";
  for (int i = 0; i < 100; ++i) passage += " blue";
  for (int i = 0; i < 26; ++i) cut += " blue";  // 32 = [CLS] not [SEP] 27 [SEP] with one to spare
  EXPECT_EQ(Score(**reranker, "not red", {passage}), Score(**reranker, "not red", {cut}));
}

TEST(EncoderRerankerTest, BadCallsAndFoldersAreNamed) {
  const TempDirectory folder;
  WriteTinyBert(folder, 3);
  EXPECT_THAT(OpenReranker(folder.path().string(), {}).status().message(),
              HasSubstr("has 3 labels, a reranker has 1 or 2"));
  WriteTinyBert(folder, 1);
  const auto reranker = *OpenReranker(folder.path().string(), {});
  const Texts bad = {"red", "caf\xe9"};
  std::vector<float> out(2);
  EXPECT_THAT(reranker->Score({.query = "red", .passages = bad}, out).message(),
              HasSubstr("passage 1 is not UTF-8"));
  EXPECT_EQ(reranker->Score({.query = "red", .passages = bad}, {}).code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace citeseek::inference
