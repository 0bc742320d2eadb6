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
