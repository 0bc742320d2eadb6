#include "services/http/suggest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/http_harness.h"

namespace citeseek::testing {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Finds a passage for the queries it knows.
class ScriptedRetriever final : public retrieval::Retriever {
 public:
  absl::StatusOr<retrieval::Result> Search(const retrieval::Query& query) override {
    queries.push_back(query.text);
    legs = query.legs;
    retrieval::Result result;
    for (const auto& [text, hit] : passages) {
      if (text == query.text) result.hits.push_back(hit);
    }
    return result;
  }
  std::vector<std::pair<std::string, retrieval::Hit>> passages;
  std::vector<std::string> queries;
  retrieval::Legs legs = retrieval::Legs::kHybrid;
};

retrieval::Hit Passage(const std::string& id, const std::string& title, const std::string& text) {
  return {.document_id = id, .collection = "c", .title = title, .text = text};
}

std::vector<std::string> Texts(retrieval::Retriever* retriever, std::string_view typed) {
  const auto suggestions = http::Suggest(retriever, typed, absl::InfiniteFuture(), {});
  std::vector<std::string> texts;
  for (const http::Suggestion& suggestion : *suggestions) {
    texts.push_back(suggestion.document_id + "|" + suggestion.text);
  }
  return texts;
}

TEST(Suggest, CompletesTheLastWordFromThePassagesOfTheWordsBefore) {
  ScriptedRetriever retriever;
  retriever.passages = {{"When was the", Passage("a", "The bridge", "Bridges, BRIDGE and bride.")},
                        {"When was the", Passage("b", "Nothing to do with it", "brine")}};
  EXPECT_THAT(Texts(&retriever, "When was the brid"),
              ElementsAre("|When was the bridge", "|When was the bride", "|When was the bridges",
                          "a|The bridge"));
  EXPECT_THAT(retriever.queries, ElementsAre("When was the brid", "When was the"));
  EXPECT_EQ(retriever.legs, retrieval::Legs::kLexical);
}

TEST(Suggest, NamesEachDocumentOnce) {
  ScriptedRetriever retriever;
  retriever.passages = {{"望月", Passage("a", "望月桥", "望月桥")},
                        {"望月", Passage("a", "望月桥", "第二段")},
                        {"望月", Passage("b", "望月桥", "同名")},
                        {"望月", Passage("c", "", "no title")}};
  EXPECT_THAT(Texts(&retriever, "  望月"), ElementsAre("a|望月桥"));
}

TEST(Suggest, IsSilentAboutNothingAndAboutTooMuch) {
  ScriptedRetriever retriever;
  EXPECT_THAT(Texts(&retriever, ""), IsEmpty());
  EXPECT_THAT(Texts(&retriever, "   "), IsEmpty());
  EXPECT_THAT(Texts(&retriever, std::string(http::kMaxSuggestBytes + 1, 'a')), IsEmpty());
  EXPECT_THAT(retriever.queries, IsEmpty());
  EXPECT_THAT(Texts(&retriever, "nowhere"), IsEmpty());
}

TEST(Suggest, LeavesWordsOfOtherAlphabetsWhole) {
  ScriptedRetriever retriever;
  retriever.passages = {{"na", Passage("a", "T", "naïve éna nave")}};
  EXPECT_THAT(Texts(&retriever, "na"), ElementsAre("|nave", "a|T"));
}

TEST(Suggest, IsJsonOverHttp) {
  HttpHarness http;
  const HttpReply reply = http.Get("/api/v1/suggest?q=titl");
  EXPECT_EQ(reply.status, 200);
  const Json suggestions = Json::parse(reply.body)["suggestions"];
  EXPECT_EQ(suggestions[0], Json({{"kind", "query"}, {"text", "title"}}));
  EXPECT_EQ(suggestions[1]["kind"], "document");
  EXPECT_EQ(suggestions[1]["document_id"], "doc-0");
  EXPECT_EQ(Json::parse(http.Get("/api/v1/suggest").body)["suggestions"], Json::array());
  EXPECT_EQ(http.Get("/api/v1/suggest?q=fail+14").status, 503);
}

}  // namespace
}  // namespace citeseek::testing
