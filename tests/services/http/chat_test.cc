// POST /v1/chat/completions and GET /v1/models over a real socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/http_harness.h"

namespace citeseek::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Body(const std::string& question, const std::string& rest = "") {
  return R"({"model":"citeseek-deep","messages":[{"role":"user","content":")" + question +
         R"("}])" + rest + "}";
}

TEST(HttpChat, AStreamTellsThoughtsAnswerCitationsAndUsageInOpenAisChunks) {
  HttpHarness http;
  const HttpReply reply =
      http.Post("/v1/chat/completions",
                Body("q", R"(,"stream":true,"stream_options":{"include_usage":true})"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-type"), "text/event-stream; charset=utf-8");
  EXPECT_EQ(reply.headers.at("cache-control"), "no-cache, no-transform");
  EXPECT_EQ(reply.headers.at("x-accel-buffering"), "no");
  EXPECT_EQ(http.answerer.last.mode, gateway::Mode::kDeep);
  std::vector<std::string> events = SseData(reply.body);
  ASSERT_EQ(events.size(), 8u);
  EXPECT_EQ(events.back(), "[DONE]");
  events.pop_back();
  std::vector<Json> chunks;
  for (const std::string& event : events) chunks.push_back(Json::parse(event));
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    EXPECT_EQ(chunks[i]["object"], "chat.completion.chunk");
    EXPECT_EQ(chunks[i]["model"], "citeseek-deep");
    EXPECT_EQ(chunks[i]["id"], chunks[0]["id"]);
    EXPECT_GT(chunks[i]["created"].get<std::int64_t>(), 1'700'000'000);
    EXPECT_EQ(chunks[i]["usage"].is_null(), i + 1 < chunks.size());
  }
  const auto delta = [&](std::size_t i) { return chunks[i]["choices"][0]["delta"]; };
  EXPECT_EQ(delta(0), (Json{{"role", "assistant"}, {"content", ""}}));
  EXPECT_EQ(delta(1), (Json{{"reasoning_content", "hm "}, {"reasoning", "hm "}}));
  EXPECT_EQ(delta(2), (Json{{"content", "It is "}}));
  EXPECT_EQ(delta(3), (Json{{"content", "so [1]."}}));
  EXPECT_EQ(delta(4)["annotations"][0]["type"], "url_citation");
  const Json citation = delta(4)["annotations"][0]["url_citation"];
  EXPECT_EQ(citation["start_index"], 9);
  EXPECT_EQ(citation["end_index"], 12);
  EXPECT_EQ(citation["title"], "A title");
  EXPECT_EQ(citation["url"], "/api/v1/documents/doc-0?version=7&collection=%E5%B0%8F%E9%9B%86");
  EXPECT_EQ(delta(5), Json::object());
  EXPECT_EQ(chunks[5]["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(chunks[5]["citeseek"]["degraded"], "no model");
  EXPECT_EQ(chunks[6]["choices"], Json::array());
  EXPECT_EQ(chunks[6]["usage"]["prompt_tokens"], 1);
  EXPECT_EQ(chunks[6]["usage"]["completion_tokens"], 2);
  EXPECT_EQ(chunks[6]["usage"]["total_tokens"], 3);
}

TEST(HttpChat, WithoutTheOptionThereIsNoUsage) {
  HttpHarness http;
  const HttpReply reply = http.Post("/v1/chat/completions", Body("q", R"(,"stream":true)"));
  EXPECT_THAT(reply.body, Not(HasSubstr("usage")));
  EXPECT_THAT(reply.body, HasSubstr("data: [DONE]\n\n"));
}

TEST(HttpChat, AWholeReplyHoldsTheSame) {
  HttpHarness http;
  const HttpReply reply = http.Post("/v1/chat/completions", Body("q"));
  EXPECT_EQ(reply.status, 200);
  const Json json = Json::parse(reply.body);
  EXPECT_EQ(json["object"], "chat.completion");
  const Json message = json["choices"][0]["message"];
  EXPECT_EQ(message["role"], "assistant");
  EXPECT_EQ(message["content"], "It is so [1].");
  EXPECT_EQ(message["reasoning_content"], "hm ");
  EXPECT_EQ(message["reasoning"], "hm ");
  EXPECT_EQ(message["annotations"][0]["url_citation"]["end_index"], 12);
  EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(json["usage"]["total_tokens"], 3);
  EXPECT_EQ(json["citations"][0]["doc_id"], "doc-0");
  EXPECT_EQ(json["citations"][0]["chunk_id"], "doc-0#3");
  EXPECT_EQ(json["citations"][0]["quote"], "quoted");
  EXPECT_EQ("chatcmpl-" + reply.headers.at("x-request-id"), json["id"]);
}

TEST(HttpChat, ErrorsHaveOpenAisShapeAndStatus) {
  HttpHarness http;
  struct Case {
    std::string body;
    int status;
    Json code;
  };
  const Case cases[] = {
      {"{", 400, nullptr},
      {R"({"model":"gpt-4","messages":[{"role":"user","content":"q"}]})", 404, "model_not_found"},
      {Body("fail 3"), 400, nullptr},
      {Body("fail 8"), 503, "overloaded"},
      {Body("fail 14"), 503, "overloaded"},
      {Body("fail 4"), 504, "timeout"},
      {Body("fail 13"), 500, nullptr},
  };
  for (const Case& c : cases) {
    const HttpReply reply = http.Post("/v1/chat/completions", c.body);
    EXPECT_EQ(reply.status, c.status) << c.body;
    const Json error = Json::parse(reply.body)["error"];
    EXPECT_EQ(error["code"], c.code) << c.body;
    EXPECT_EQ(error["type"], c.status < 500 ? "invalid_request_error" : "server_error") << c.body;
    EXPECT_TRUE(error["param"].is_null());
    EXPECT_NE(error["message"], "");
  }
}

TEST(HttpChat, AnErrorOfAParameterNamesItItsValueAndTheLimit) {
  HttpHarness http;
  for (const char* path : {"/v1/chat/completions", "/v1/responses"}) {
    const HttpReply reply = http.Post(path, R"({"model":"citeseek","temperature":2.5,"input":"q",
                  "messages":[{"role":"user","content":"q"}]})");
    EXPECT_EQ(reply.status, 400);
    const Json error = Json::parse(reply.body)["error"];
    EXPECT_EQ(error["param"], "temperature");
    EXPECT_EQ(error["message"], "temperature 2.5 is not in [0, 2]");
    EXPECT_EQ(error["type"], "invalid_request_error");
  }
}

TEST(HttpChat, AnErrorInAStreamEndsItWithoutDone) {
  HttpHarness http({.heartbeat = absl::Milliseconds(5), .deadline = absl::Milliseconds(60)});
  HttpClient client(http.address());
  client.Request("POST", "/v1/chat/completions", Body("block", R"(,"stream":true)"));
  const HttpReply reply = client.ReadReply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr(": ping\n\n"));
  EXPECT_THAT(reply.body, HasSubstr(R"("code":"timeout"}})"));
  EXPECT_THAT(reply.body, Not(HasSubstr("[DONE]")));
  EXPECT_TRUE(client.ClosedByServer());
}

TEST(HttpChat, ModelsAreListedAndFound) {
  HttpHarness http;
  const Json list = Json::parse(http.Get("/v1/models").body);
  EXPECT_EQ(list["object"], "list");
  std::vector<std::string> ids;
  for (const Json& model : list["data"]) ids.push_back(model["id"]);
  EXPECT_THAT(ids, ::testing::ElementsAre("citeseek", "citeseek-extract", "citeseek-quick",
                                          "citeseek-deep", "citeseek-embed", "fake-embedder",
                                          "citeseek-rerank", "fake-reranker"));
  EXPECT_EQ(Json::parse(http.Get("/v1/models/citeseek-deep").body)["object"], "model");
  const HttpReply unknown = http.Get("/v1/models/gpt");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr("model_not_found"));
}

}  // namespace
}  // namespace citeseek::testing
