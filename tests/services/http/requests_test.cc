#include "services/http/requests.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace citeseek::http {
namespace {

using gateway::Mode;

std::string Chat(const std::string& rest) {
  return R"({"model":"citeseek","messages":[{"role":"user","content":"q"}])" + rest + "}";
}

TEST(Requests, AChatAsksItsLastMessageOfTheUser) {
  const auto chat = ParseChat(R"({
      "model": "citeseek", "stream": true, "stream_options": {"include_usage": true},
      "unknown": [1], "temperature": 0.5, "max_tokens": null, "stop": ["a", "b"], "n": 1,
      "messages": [{"role": "system", "content": "be brief"},
                   {"role": "user", "content": "first"},
                   {"role": "assistant", "content": null, "reasoning_content": "hm", "tool_calls": []},
                   {"role": "user", "content": [{"type": "text", "text": "sec"},
                                                {"type": "text", "text": "ond"}]}]})");
  ASSERT_TRUE(chat.ok()) << chat.status();
  EXPECT_EQ(chat->question.text, "sec\nond");
  EXPECT_EQ(chat->question.mode, Mode::kAuto);
  EXPECT_TRUE(chat->stream);
  EXPECT_TRUE(chat->include_usage);
}

TEST(Requests, ModelAndEffortNameTheMode) {
  const auto mode = [](const std::string& body) { return ParseChat(body)->question.mode; };
  EXPECT_EQ(mode(Chat("")), Mode::kAuto);
  EXPECT_EQ(mode(Chat(R"(,"reasoning_effort":"minimal")")), Mode::kQuick);
  EXPECT_EQ(mode(Chat(R"(,"reasoning_effort":"high")")), Mode::kDeep);
  EXPECT_EQ(*ModeOfModel("citeseek-extract"), Mode::kExtract);
  EXPECT_EQ(*ModeOfModel("citeseek-quick"), Mode::kQuick);
  EXPECT_EQ(*ModeOfModel("citeseek-deep"), Mode::kDeep);
  EXPECT_EQ(mode(R"({"model":"citeseek-extract","reasoning_effort":"high",
                     "messages":[{"role":"user","content":"q"}]})"),
            Mode::kExtract);
  EXPECT_TRUE(absl::IsNotFound(ModeOfModel("gpt").status()));
}

TEST(Requests, SamplingReachesTheQuestionInEveryDialect) {
  const std::string sampling =
      R"("temperature":0,"top_p":0.5,"presence_penalty":-1,"frequency_penalty":2,"seed":-1,
         "stop":["a","问"],"max_tokens":70)";
  gateway::Drawing drawing = {.temperature = 0,
                              .top_p = 0.5,
                              .presence_penalty = -1,
                              .frequency_penalty = 2,
                              .max_tokens = 70,
                              .stop = {"a", "问"}};
  const auto chat = ParseChat(Chat("," + sampling + R"(,"n":1,"logprobs":false,"logit_bias":{})"));
  ASSERT_TRUE(chat.ok()) << chat.status();
  EXPECT_EQ(chat->question.drawing, drawing);
  EXPECT_EQ(chat->question.seed, gateway::kMaxSeed);
  const auto ask = ParseAsk(R"({"question":"q","temperature":0,"top_p":0.5,"presence_penalty":-1,
      "frequency_penalty":2,"stop":["a","问"],"max_tokens":70})");
  ASSERT_TRUE(ask.ok()) << ask.status();
  EXPECT_EQ(ask->question.drawing, drawing);
  drawing.max_tokens = 80;
  const auto newer = ParseChat(Chat("," + sampling + R"(,"max_completion_tokens":80)"));
  ASSERT_TRUE(newer.ok()) << newer.status();
  EXPECT_EQ(newer->question.drawing, drawing);
  const auto responses =
      ParseResponses(R"({"model":"citeseek","input":"q","max_output_tokens":9,"top_p":1})");
  ASSERT_TRUE(responses.ok()) << responses.status();
  EXPECT_EQ(responses->question.drawing, (gateway::Drawing{.top_p = 1, .max_tokens = 9}));
  const auto nothing = ParseChat(Chat(R"(,"temperature":null,"stop":null,"max_tokens":null)"));
  ASSERT_TRUE(nothing.ok()) << nothing.status();
  EXPECT_EQ(nothing->question.drawing, gateway::Drawing{});
}

TEST(Requests, OurOwnMembersOfAChatNarrowTheSearch) {
  const auto chat = ParseChat(
      Chat(R"(,"citeseek":{"mode":"quick","top_k":3,"collection":"c","filters":{"year":"1901"}})"));
  ASSERT_TRUE(chat.ok()) << chat.status();
  EXPECT_EQ(chat->question.mode, Mode::kQuick);
  EXPECT_EQ(chat->question.top_k, 3);
  EXPECT_EQ(chat->question.collection, "c");
  ASSERT_EQ(chat->question.filters.size(), 1u);
  EXPECT_EQ(chat->question.filters[0].field, "year");
  EXPECT_EQ(chat->question.filters[0].value, "1901");
}

struct BadBody {
  std::string body;
  const char* message;
};

TEST(Requests, WhatIsWrongInAChatIsNamed) {
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  const BadBody cases[] = {
      {"", "body is empty, not a JSON object"},
      {"[]", "body is not a JSON object"},
      {"{\"model\":", "body is not JSON at byte 9"},
      {"{\"model\":\"\xff\"}", "body is not JSON at byte 10"},
      {"{\"a\":1e999}", "body holds a number that is out of range"},
      {"{\"a\":" + deep + "}", "body is nested deeper than the limit of 32"},
      {R"({"messages":[]})", "model is missing"},
      {R"({"model":1})", "model is not a text"},
      {R"({"model":"citeseek"})", "messages is not a list"},
      {R"({"model":"citeseek","messages":[]})", "messages holds no message of the user"},
      {R"({"model":"citeseek","messages":[1]})", "messages[0] is not an object"},
      {R"({"model":"citeseek","messages":[{"role":"x"}]})",
       "messages[0].role 'x' is not one of system, developer, user, assistant, tool, function"},
      {R"({"model":"citeseek","messages":[{"role":"user","content":7}]})",
       "messages[0].content is neither a text nor a list of parts"},
      {R"({"model":"citeseek","messages":[{"role":"user","content":[{"type":"image_url"}]}]})",
       "messages[0].content[0].type 'image_url' is not text: nothing else is read"},
      {Chat(R"(,"stream":1)"), "stream is not true or false"},
      {Chat(R"(,"stream_options":{"include_usage":"yes"})"),
       "stream_options.include_usage is not true or false"},
      {Chat(R"(,"temperature":3)"), "temperature 3 is not in [0, 2]"},
      {Chat(R"(,"temperature":"hot")"), "temperature is not a number"},
      {Chat(R"(,"top_p":1.5)"), "top_p 1.5 is not in [0, 1]"},
      {Chat(R"(,"presence_penalty":-3)"), "presence_penalty -3 is not in [-2, 2]"},
      {Chat(R"(,"frequency_penalty":2.5)"), "frequency_penalty 2.5 is not in [-2, 2]"},
      {Chat(R"(,"n":2)"), "n 2 is not in [1, 1]"},
      {Chat(R"(,"logprobs":true)"), "logprobs true is not taken: answers come without them"},
      {Chat(R"(,"top_logprobs":3)"), "top_logprobs 3 is not in [0, 0]"},
      {Chat(R"(,"logit_bias":{"5":1})"), "logit_bias of 1 tokens is not taken: the limit is 0"},
      {Chat(R"(,"stop":["1","2","3","4","5"])"), "stop of 5 texts is longer than the limit of 4"},
      {Chat(R"(,"stop":"")"), "stop holds a text of 0 bytes, not in [1, 1024]"},
      {Chat(R"(,"max_completion_tokens":200000)"),
       "max_completion_tokens 200000 is not in [1, 131072]"},
      {Chat(R"(,"max_tokens":0)"), "max_tokens 0 is not in [1, 131072]"},
      {Chat(R"(,"max_tokens":1.5)"), "max_tokens is not a whole number"},
      {Chat(R"(,"stop":[1])"), "stop is neither a text nor a list of texts"},
      {Chat(R"(,"response_format":{"type":"json_object"})"),
       "response_format is not {\"type\": \"text\"}"},
      {Chat(R"(,"reasoning_effort":"much")"),
       "reasoning_effort 'much' is not one of high, low, medium, minimal, none, xhigh"},
      {Chat(R"(,"citeseek":{"top_k":65})"), "citeseek.top_k 65 is not in [1, 64]"},
      {Chat(R"(,"citeseek":{"filters":[{"field":"a"}]})"), "citeseek.filters[0].value is missing"},
  };
  for (const BadBody& bad : cases) {
    const auto status = ParseChat(bad.body).status();
    EXPECT_EQ(status.message(), bad.message) << bad.body;
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << bad.body;
  }
}

TEST(Requests, AQuestionOfOurOwnApi) {
  const auto ask = ParseAsk(R"({"question":"q","mode":"deep","top_k":2,"stream":false,
      "filters":[{"field":"f","value":"v"}],"min_generation":7})");
  ASSERT_TRUE(ask.ok()) << ask.status();
  EXPECT_EQ(ask->question.text, "q");
  EXPECT_EQ(ask->question.mode, Mode::kDeep);
  EXPECT_EQ(ask->question.min_generation, 7u);
  EXPECT_FALSE(ask->stream);
  EXPECT_EQ(ParseAsk("{}").status().message(), "question is missing");
  EXPECT_EQ(ParseAsk(R"({"question":"q","mode":"best"})").status().message(),
            "mode 'best' is not one of auto, deep, extract, quick");
}

TEST(Requests, ASearchIsTheSameAsBodyAndAsQuery) {
  const auto body = ParseSearch(R"({"query":"a b","top_k":3,"legs":"dense","each_passage":true,
      "collection":"c","filters":{"f":"v=w"}})");
  const auto query = ParseSearch(Fields{{"q", "a b"},
                                        {"top_k", "3"},
                                        {"legs", "dense"},
                                        {"each_passage", "true"},
                                        {"collection", "c"},
                                        {"filter", "f=v=w"}});
  ASSERT_TRUE(body.ok() && query.ok()) << body.status() << query.status();
  for (const retrieval::Query* q : {&*body, &*query}) {
    EXPECT_EQ(q->text, "a b");
    EXPECT_EQ(q->top_k, 3);
    EXPECT_EQ(q->legs, retrieval::Legs::kDense);
    EXPECT_TRUE(q->each_passage);
    EXPECT_EQ(q->collection, "c");
    ASSERT_EQ(q->filters.size(), 1u);
    EXPECT_EQ(q->filters[0].value, "v=w");
  }
  EXPECT_EQ(ParseSearch(Fields{}).status().message(), "q is missing");
  EXPECT_EQ(ParseSearch(Fields{{"q", "a"}, {"top_k", "x"}}).status().message(),
            "top_k 'x' is not a whole number");
  EXPECT_EQ(ParseSearch(Fields{{"q", "a"}, {"top_k", "1001"}}).status().message(),
            "top_k 1001 is not in [1, 1000]");
  EXPECT_EQ(ParseSearch(Fields{{"q", "a"}, {"filter", "x"}}).status().message(),
            "filter 'x' is not FIELD=VALUE");
}

TEST(Requests, ALongHistoryIsRead) {
  std::string body = R"({"model":"citeseek","messages":[)";
  for (int i = 0; i < 10000; ++i) {
    body += absl::StrCat(R"({"role":")", i % 2 == 0 ? "user" : "assistant", R"(","content":"turn )",
                         i, R"("},)");
  }
  body += R"({"role":"user","content":"last"}]})";
  EXPECT_EQ(ParseChat(body)->question.text, "last");
}

TEST(Requests, EarlierMessagesAreTheHistoryOfTheQuestion) {
  const auto chat = ParseChat(R"({"model":"citeseek","seed":7,"messages":[
      {"role":"system","content":"be brief"},
      {"role":"assistant","content":"Hello."},
      {"role":"user","content":"When was the bridge opened?"},
      {"role":"assistant","content":[{"type":"text","text":"In 1998 [1]."}],
       "reasoning_content":"hm"},
      {"role":"user","content":"never answered"},
      {"role":"user","content":"How long is it?"}]})");
  ASSERT_TRUE(chat.ok()) << chat.status();
  EXPECT_EQ(chat->question.text, "How long is it?");
  EXPECT_EQ(chat->question.seed, 7u);
  ASSERT_EQ(chat->question.history.size(), 2u);
  EXPECT_EQ(chat->question.history[0].question, "When was the bridge opened?");
  EXPECT_EQ(chat->question.history[0].answer, "In 1998 [1].");
  EXPECT_EQ(chat->question.history[1].question, "never answered");
  EXPECT_EQ(chat->question.history[1].answer, "");
  const auto responses = ParseResponses(R"({"model":"citeseek","input":[
      {"role":"user","content":"a?"},
      {"type":"message","role":"assistant","content":[{"type":"output_text","text":"b"}]},
      {"role":"user","content":[{"type":"input_text","text":"c?"}]}]})");
  ASSERT_TRUE(responses.ok()) << responses.status();
  EXPECT_EQ(responses->question.text, "c?");
  ASSERT_EQ(responses->question.history.size(), 1u);
  EXPECT_EQ(responses->question.history[0].answer, "b");
}

TEST(Requests, OfTenThousandTurnsTheNewestAreKept) {
  std::string body = R"({"model":"citeseek","messages":[)";
  for (int i = 0; i < 10'000; ++i) {
    body += R"({"role":"user","content":"q)" + std::to_string(i) +
            R"("},{"role":"assistant","content":"a"},)";
  }
  const auto chat = ParseChat(body + R"({"role":"user","content":"last"}]})");
  ASSERT_TRUE(chat.ok()) << chat.status();
  EXPECT_EQ(chat->question.text, "last");
  ASSERT_GE(chat->question.history.size(), gateway::kMaxHistoryTurns);
  EXPECT_LE(chat->question.history.size(), 2 * gateway::kMaxHistoryTurns);
  EXPECT_EQ(chat->question.history.back().question, "q9999");
  EXPECT_EQ(chat->question.history.back().answer, "a");
}

TEST(Requests, AnAskMayBringASessionOrAHistory) {
  const auto ask = ParseAsk(R"({"question":"q","session":"ab","seed":3,"no_cache":true,
                               "follow_ups":true,"history":[{"question":"a","answer":"b"}]})");
  ASSERT_TRUE(ask.ok()) << ask.status();
  EXPECT_EQ(ask->question.session, "ab");
  EXPECT_EQ(ask->question.seed, 3u);
  EXPECT_TRUE(ask->question.no_cache);
  EXPECT_TRUE(ask->question.follow_ups);
  ASSERT_EQ(ask->question.history.size(), 1u);
  EXPECT_EQ(ask->question.history[0].answer, "b");
  EXPECT_EQ(ParseAsk(R"({"question":"q","history":[{}]})").status().message(),
            "history[0].question is missing");
}

}  // namespace
}  // namespace citeseek::http
