// POST /v1/responses over a real socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/http_harness.h"

namespace citeseek::testing {
namespace {

using Json = nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(HttpResponses, AStreamTellsItemsPartsAndDeltasInOrder) {
  HttpHarness http;
  const HttpReply reply =
      http.Post("/v1/responses",
                R"({"model":"citeseek","stream":true,"reasoning":{"effort":"high"},"input":[
          {"role":"user","content":[{"type":"input_text","text":"q"}]}]})");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(http.answerer.last.text, "q");
  EXPECT_EQ(http.answerer.last.mode, gateway::Mode::kDeep);
  std::vector<Json> events;
  std::vector<std::string> types;
  for (const std::string& event : SseData(reply.body)) {
    events.push_back(Json::parse(event));
    types.push_back(events.back()["type"]);
    EXPECT_EQ(events.back()["sequence_number"], events.size() - 1);
    EXPECT_THAT(reply.body, HasSubstr("event: " + types.back() + "\ndata: {"));
  }
  EXPECT_THAT(
      types,
      ElementsAre("response.created", "response.in_progress", "response.output_item.added",
                  "response.reasoning_summary_part.added", "response.reasoning_summary_text.delta",
                  "response.reasoning_summary_text.done", "response.reasoning_summary_part.done",
                  "response.output_item.done", "response.output_item.added",
                  "response.content_part.added", "response.output_text.delta",
                  "response.output_text.delta", "response.output_text.annotation.added",
                  "response.output_text.done", "response.content_part.done",
                  "response.output_item.done", "response.completed"));
  EXPECT_EQ(events[4]["delta"], "hm ");
  EXPECT_EQ(events[10]["delta"], "It is ");
  EXPECT_EQ(events[10]["output_index"], 1);
  EXPECT_EQ(events[12]["annotation"]["start_index"], 9);
  EXPECT_EQ(events[13]["text"], "It is so [1].");
  const Json response = events.back()["response"];
  EXPECT_EQ(response["status"], "completed");
  EXPECT_EQ(response["output"][0]["summary"][0]["text"], "hm ");
  EXPECT_EQ(response["output"][1]["content"][0]["annotations"][0]["type"], "url_citation");
  EXPECT_EQ(response["usage"]["total_tokens"], 3);
  EXPECT_EQ(response["store"], false);
}

TEST(HttpResponses, AWholeResponseHoldsTheSame) {
  HttpHarness http;
  const Json response =
      Json::parse(http.Post("/v1/responses", R"({"model":"citeseek","input":"q"})").body);
  EXPECT_EQ(response["object"], "response");
  EXPECT_EQ(response["output"][0]["type"], "reasoning");
  EXPECT_EQ(response["output"][1]["content"][0]["text"], "It is so [1].");
}

TEST(HttpResponses, WhatNeedsAStoreIsRefused) {
  HttpHarness http;
  const HttpReply reply = http.Post(
      "/v1/responses", R"({"model":"citeseek","input":"q","previous_response_id":"resp_1"})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("previous_response_id is not taken: nothing is stored"));
  EXPECT_EQ(http.Post("/v1/responses", R"({"model":"citeseek"})").status, 400);
  EXPECT_EQ(http.Post("/v1/responses", R"({"model":"gpt","input":"q"})").status, 404);
}

TEST(HttpResponses, AFailureInAStreamIsTold) {
  HttpHarness http({.heartbeat = absl::Milliseconds(5), .deadline = absl::Milliseconds(40)});
  const HttpReply reply =
      http.Post("/v1/responses", R"({"model":"citeseek","stream":true,"input":"block"})");
  EXPECT_THAT(reply.body, HasSubstr("event: response.failed\n"));
  EXPECT_THAT(reply.body, HasSubstr(R"("code":"timeout")"));
  EXPECT_THAT(reply.body, Not(HasSubstr("response.completed")));
}

}  // namespace
}  // namespace citeseek::testing
