#include "services/gateway/reading.h"

#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

std::vector<std::string> Kept(int top_k, const std::vector<std::string>& documents) {
  std::vector<retrieval::Hit> hits;
  for (const std::string& id : documents) hits.push_back({.document_id = id});
  KeepPassages(top_k, &hits);
  std::vector<std::string> kept;
  for (const retrieval::Hit& hit : hits) kept.push_back(hit.document_id);
  return kept;
}

TEST(ChooseHits, PutsWhatSaysWhatItIsFirstWhereThatIsAsked) {
  const auto first = [](const std::string& question, const std::string& definition) {
    std::vector<retrieval::Hit> hits = {{.document_id = "a", .text = "The pool is drained."},
                                        {.document_id = "b", .text = "See savepoint. 保存点见下。"},
                                        {.document_id = "c", .text = definition}};
    ChooseHits({.text = question, .top_k = 3}, &hits);
    return hits.front().document_id;
  };
  EXPECT_EQ(first("What is a savepoint?", "It goes on.\nA savepoint is a mark."), "c");
  EXPECT_EQ(first("What are savepoints?", "Savepoints are marks in a transaction."), "c");
  EXPECT_EQ(first("什么是保存点？", "它可以撤销。保存点是事务中的标记。"), "c");
  EXPECT_EQ(first("What is a savepoint?", "The old savepoint is kept."), "a");
  EXPECT_EQ(first("How do I set a savepoint?", "A savepoint is a mark."), "a");
}

TEST(ReadingQuery, LooksFurtherWhereADefinitionIsAsked) {
  EXPECT_GT(ReadingQuery({.text = "What is a savepoint?"}).top_k,
            ReadingQuery({.text = "Who set the savepoint?"}).top_k);
}

TEST(KeepPassages, LeavesRoomForOtherDocuments) {
  EXPECT_EQ(Kept(4, {"a", "a", "a", "a", "a", "b", "c"}),
            (std::vector<std::string>{"a", "a", "a", "b"}));
}

TEST(KeepPassages, FillsUpWithTheSameDocumentWhereThereIsNoOther) {
  EXPECT_EQ(Kept(5, {"a", "a", "a", "a", "a", "a", "b"}),
            (std::vector<std::string>{"a", "a", "a", "a", "b"}));
  EXPECT_EQ(Kept(8, {"a", "a", "a", "a"}), (std::vector<std::string>{"a", "a", "a", "a"}));
}

TEST(KeepPassages, TheSameIdInAnotherCollectionIsAnotherDocument) {
  std::vector<retrieval::Hit> hits;
  for (const char* collection : {"x", "x", "x", "x", "y"}) {
    hits.push_back({.document_id = "a", .collection = collection});
  }
  KeepPassages(4, &hits);
  ASSERT_EQ(hits.size(), 4u);
  EXPECT_EQ(hits[3].collection, "y");
}

TEST(KeepPassages, ACopyTakesNoPlaceFromOtherPassages) {
  std::vector<retrieval::Hit> hits = {
      {.document_id = "a.md", .text = "## Fees\n\nA ticket is **7**."},
      {.document_id = "a.html", .text = "Fees\nA ticket is 7."},
      {.document_id = "b", .text = "Fees\nA ticket is 8."},
      {.document_id = "c", .text = "Children go free."}};
  std::vector<retrieval::Hit> all = hits;
  KeepPassages(3, &hits);
  ASSERT_EQ(hits.size(), 3u);
  EXPECT_EQ(hits[1].document_id, "b");  // another figure: no copy
  EXPECT_EQ(hits[2].document_id, "c");
  KeepPassages(4, &all);
  EXPECT_EQ(all.size(), 4u);
}

TEST(SearchText, AddsTheWordsOfAnswers) {
  EXPECT_EQ(SearchText("How long is it?"), "How long is it? length");
  EXPECT_EQ(SearchText("Who built it"), "Who built it constructed opened");
  EXPECT_EQ(SearchText("Who?"), "Who?");
}

TEST(SearchText, StaysWithinTheLimitOfAQuery) {
  const std::string longest = "how long " + std::string(retrieval::kMaxQueryBytes - 9, 'x');
  EXPECT_EQ(SearchText(longest), longest);
}

}  // namespace
}  // namespace citeseek::gateway
