#include "services/gateway/answerable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "services/gateway/extract.h"

namespace citeseek::gateway {
namespace {

Extract Ask(const std::string& question, const std::vector<retrieval::Hit>& hits) {
  const auto analyzer = indexer::MakeAnalyzer();
  Evidence evidence(hits, *analyzer);
  return ExtractAnswer(question, ReadCues(question), &evidence);
}

TEST(Answerable, ATreeGoesRightAboveItsLimitAndItsLeafIsLogOdds) {
  AnswerTree tree{};
  tree.limit = {0.5f, 9, 0.5f, 9, 9, 9, 9};
  tree.feature = {0, 0, 1, 0, 0, 0, 0};
  tree.leaf = {-2, 0, 0, 0, 0, 0, 2, 0};
  AnswerFeatures features{};
  EXPECT_NEAR(Confidence({&tree, 1}, features), 0.1192, 1e-4);
  features[0] = features[1] = 1;
  EXPECT_NEAR(Confidence({&tree, 1}, features), 0.8808, 1e-4);
  EXPECT_EQ(Confidence({}, features), 0.5);
}

TEST(Answerable, TheTrainedTreesLookOnlyAtFeaturesThatThereAre) {
  ASSERT_FALSE(TrainedAnswerTrees().empty());
  for (const AnswerTree& tree : TrainedAnswerTrees()) {
    for (std::uint8_t feature : tree.feature) EXPECT_LT(feature, kAnswerFeatures);
  }
}

TEST(Answerable, NoCluesAreNoFeatures) {
  const auto analyzer = indexer::MakeAnalyzer();
  const Evidence evidence({}, *analyzer);
  EXPECT_EQ(ReadAnswerFeatures("who?", {}, evidence, {}, {}, 0), AnswerFeatures{});
}

TEST(Answerable, ASentenceWithTheAnswerCountsMoreThanOneOfTheMatterOnly) {
  const std::string question = "Who won the Harbour Cup in 2021?";
  const Extract told = Ask(question, {{.document_id = "a",
                                       .title = "Harbour Cup",
                                       .text = "Marta Lindqvist won the Harbour Cup in 2021."}});
  const Extract other = Ask(question, {{.document_id = "b",
                                        .title = "Harbour Cup",
                                        .text = "The Harbour Cup is sailed every summer."}});
  EXPECT_GT(told.confidence, other.confidence);
  EXPECT_FALSE(told.sentences.empty());
  EXPECT_TRUE(told.nearest.empty());
}

TEST(Answerable, WhereNothingAnswersTheNearestIsKeptApart) {
  const Extract extract =
      Ask("What is the default port of Larkspur?",
          {{.document_id = "a", .title = "", .text = "The default port of Falcon is 7070."},
           {.document_id = "b", .title = "", .text = "Heron listens on port 8080 by default."}});
  EXPECT_TRUE(extract.sentences.empty());
  EXPECT_LE(extract.nearest.size(), kNearest);
}

TEST(Answerable, LongAndBrokenQuestionsAreNoHarm) {
  std::string question;
  for (int i = 0; i < 200; ++i) question += "《 2021 “ 《x》 谁 who ";
  Ask(question, {{.document_id = "a", .title = "《", .text = "“《 2021 Who 》”. 谁？ 19999 《》"}});
}

}  // namespace
}  // namespace citeseek::gateway
