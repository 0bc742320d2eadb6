// Our own API over a real socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "services/cli/json.h"
#include "tests/support/http_harness.h"

namespace citeseek::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

TEST(HttpApi, AskStreamsTheEventsOfTheCommandLine) {
  HttpHarness http;
  const HttpReply reply = http.Post("/api/v1/ask", R"({"question":"q","mode":"quick","top_k":2})");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(http.answerer.last.mode, gateway::Mode::kQuick);
  EXPECT_EQ(http.answerer.last.top_k, 2);
  std::vector<std::string> names;
  for (const std::string& event : SseData(reply.body)) {
    names.push_back(Json::parse(event)["event"]);
    EXPECT_THAT(reply.body, HasSubstr("event: " + names.back() + "\ndata: " + event + "\n\n"));
  }
  EXPECT_THAT(names,
              ::testing::ElementsAre("queued", "part", "searched", "thought", "answer", "answer",
                                     "citation", "checked", "follow_ups", "finished"));
  const Json last = Json::parse(SseData(reply.body).back());
  EXPECT_EQ(last["answer"], "It is so [1].");
  EXPECT_EQ(last["receipt"]["request_id"], reply.headers.at("x-request-id"));
}

TEST(HttpApi, AnswerNowReachesTheRunningCall) {
  HttpHarness http;
  EXPECT_EQ(http.Post("/api/v1/answer_now/running", "").body, "{}");
  EXPECT_TRUE(http.answerer.answered_now);
  EXPECT_THAT(http.Post("/api/v1/answer_now/other", "").body,
              HasSubstr("no question of request id other is running"));
}

TEST(HttpApi, ConversationsAreReadAndDeletedByTheirIds) {
  HttpHarness http;
  const HttpReply reply = http.Get("/api/v1/conversations/ab%2F12?before=3&limit=2");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(http.answerer.last_conversation.session, "ab/12");
  EXPECT_EQ(http.answerer.last_conversation.owner, "");
  EXPECT_EQ(http.answerer.last_conversation.before, 3);
  EXPECT_EQ(http.answerer.last_conversation.limit, 2);
  const Json json = Json::parse(reply.body);
  EXPECT_EQ(json["session"], "ab/12");
  EXPECT_EQ(json["turns"], 7);
  EXPECT_EQ(json["shown"][0]["question"], "问");
  EXPECT_EQ(json["shown"][0]["rewritten_question"], "full");
  EXPECT_EQ(json["shown"][0]["citations"][0]["quote"], "q");
  EXPECT_EQ(json["shown"][0]["sources"][0]["marker"], 4);
  EXPECT_EQ(http.Get("/api/v1/conversations/fail%205").status, 404);
  EXPECT_EQ(http.Get("/api/v1/conversations/x?limit=y").status, 400);
  EXPECT_EQ(Fetch(http.address(), "DELETE", "/api/v1/conversations/gone").body, "{}");
  EXPECT_EQ(http.answerer.last_conversation.session, "gone");
  EXPECT_EQ(Fetch(http.address(), "DELETE", "/api/v1/conversations/fail%205").status, 404);
}

TEST(HttpApi, ConversationsAreThoseOfTheKeyAndListedForItAlone) {
  const auto keys = http::Keys::Make(
      {{.name = "ana",  // of "secret"
        .sha256 = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"}});
  ASSERT_TRUE(keys.ok()) << keys.status();
  HttpHarness http({.keys = keys->get()});
  const HttpHeaders key = {{"Authorization", "Bearer secret"}};
  const HttpReply reply = http.Get("/api/v1/conversations?limit=5", key);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(Json::parse(reply.body)["conversations"][1]["session"], "two");
  EXPECT_EQ(http.answerer.last_conversation.owner, "ana");
  http.Get("/api/v1/conversations/x", key);
  EXPECT_EQ(http.answerer.last_conversation.owner, "ana");
  http.Post("/api/v1/ask", R"({"question":"q","session":"new"})", key);
  EXPECT_EQ(http.answerer.last.owner, "ana");
  EXPECT_EQ(http.answerer.last.session, "new");
  // Nobody without a key is shown what others without one have asked.
  EXPECT_EQ(HttpHarness().Get("/api/v1/conversations").status, 403);
}

TEST(HttpApi, CheckTellsOfEachSentenceOfATextWithItsDocuments) {
  HttpHarness http;
  const HttpReply reply = http.Post(
      "/api/v1/check",
      R"({"answer":"It is [1].","documents":[{"text":"t"},{"id":"x","title":"T","text":"u"}]})");
  EXPECT_EQ(reply.status, 200);
  const Json json = Json::parse(reply.body);
  ASSERT_EQ(json["sentences"].size(), 1u);
  EXPECT_EQ(json["sentences"][0]["verdict"], "unsupported");
  EXPECT_EQ(json["sentences"][0]["citations"][0]["marker"], 2);
  EXPECT_EQ(json["summary"]["unsupported"], 1);
  EXPECT_EQ(http.answerer.last_check.text, "It is [1].");
  ASSERT_EQ(http.answerer.last_check.documents.size(), 2u);
  EXPECT_EQ(http.answerer.last_check.documents[0].id, "1");
  EXPECT_EQ(http.answerer.last_check.documents[1].id, "x");
  EXPECT_EQ(http.answerer.last_check.documents[1].title, "T");
  EXPECT_THAT(http.Post("/api/v1/check", R"({"answer":"a","documents":[{"id":"x"}]})").body,
              HasSubstr("documents[0].text"));
  EXPECT_EQ(http.Post("/api/v1/check", R"({"answer":"a","documents":[3]})").status, 400);
}

TEST(HttpApi, AskWithoutAStreamIsItsLastEvent) {
  HttpHarness http;
  const HttpReply reply = http.Post("/api/v1/ask", R"({"question":"q","stream":false})");
  EXPECT_EQ(reply.headers.at("content-type"), "application/json");
  EXPECT_EQ(Json::parse(reply.body)["event"], "finished");
}

TEST(HttpApi, SearchTakesAQueryOrABody) {
  HttpHarness http;
  const Json got = Json::parse(http.Get("/api/v1/search?q=a+b&top_k=2&filter=year=1901").body);
  ASSERT_EQ(got["hits"].size(), 2u);
  EXPECT_EQ(got["hits"][1]["rank"], 2);
  EXPECT_EQ(got["hits"][1]["document_id"], "doc-1");
  EXPECT_EQ(got["generation"], 99);
  EXPECT_EQ(got["degraded"], "embedder gone");
  EXPECT_EQ(http.retriever.last.text, "a b");
  EXPECT_EQ(http.retriever.last.filters.size(), 1u);
  const Json posted =
      Json::parse(http.Post("/api/v1/search", R"({"query":"x","top_k":1,"legs":"lexical"})").body);
  EXPECT_EQ(posted["hits"].size(), 1u);
  EXPECT_EQ(http.retriever.last.legs, retrieval::Legs::kLexical);
  EXPECT_EQ(http.Get("/api/v1/search").status, 400);
  EXPECT_EQ(http.Get("/api/v1/search?q=fail+14").status, 503);
}

TEST(HttpApi, DocumentsAreFoundByAnyId) {
  HttpHarness http;
  const indexer::Document document = {
      .id = "sub dir/问?.md", .title = "T", .text = "text", .metadata = {{"k", "v"}}};
  ASSERT_TRUE(http.indexer.Add({.documents = {&document, 1}}).ok());
  const HttpReply reply = http.Get("/api/v1/documents/sub%20dir/%E9%97%AE%3F.md");
  EXPECT_EQ(reply.status, 200);
  const Json json = Json::parse(reply.body);
  EXPECT_EQ(json["id"], document.id);
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["text"], "text");
  EXPECT_EQ(json["metadata"]["k"], "v");
  EXPECT_EQ(http.Get("/api/v1/documents/none").status, 404);
  EXPECT_EQ(http.Get("/api/v1/documents/a?version=x").status, 400);
  EXPECT_EQ(http.Get("/api/v1/documents/").status, 404);
  EXPECT_EQ(Json::parse(http.Get("/api/v1/stats").body)["documents"], 2);
}

}  // namespace
}  // namespace citeseek::testing
