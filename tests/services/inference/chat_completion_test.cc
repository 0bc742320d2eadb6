#include "services/inference/chat_completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace citeseek::services {
namespace {

using inference::Piece;
using ::testing::HasSubstr;

TEST(ChatRequest, SendsTheMessagesAndTheSampling) {
  const auto body = nlohmann::json::parse(MakeChatRequest(
      {.messages = {{.role = inference::Role::kSystem, .text = "s"}, {.text = "问\""}},
       .sampling = {.temperature = 0,
                    .presence_penalty = -0.5,
                    .frequency_penalty = 0.25,
                    .seed = 5,
                    .max_tokens = 9,
                    .stop_strings = {"x"}},
       .thinking = false},
      "m", false));
  EXPECT_EQ(body["model"], "m");
  EXPECT_EQ(body["messages"][0]["role"], "system");
  EXPECT_EQ(body["messages"][1]["content"], "问\"");
  EXPECT_EQ(body["temperature"], 0);
  EXPECT_EQ(body["max_tokens"], 9);
  EXPECT_EQ(body["seed"], 5);
  EXPECT_EQ(body["presence_penalty"], -0.5);
  EXPECT_EQ(body["frequency_penalty"], 0.25);
  EXPECT_EQ(body["stop"][0], "x");
  EXPECT_EQ(body["stream"], true);
  EXPECT_EQ(body["stream_options"]["include_usage"], true);
  EXPECT_FALSE(body.contains("top_k"));
  EXPECT_FALSE(body.contains("chat_template_kwargs"));
  const auto switched = nlohmann::json::parse(MakeChatRequest({.thinking = false}, "m", true));
  EXPECT_EQ(switched["chat_template_kwargs"]["enable_thinking"], false);
}

TEST(ChatReader, JoinsCodePointsThatTheServerCutInTwo) {
  ChatReader reader;
  std::vector<Piece> pieces;
  // 汉 is E6 B1 89.
  EXPECT_TRUE(
      reader.ReadEvent("{\"choices\":[{\"delta\":{\"content\":\"a\xE6\xB1\"}}]}", &pieces).ok());
  EXPECT_TRUE(
      reader.ReadEvent("{\"choices\":[{\"delta\":{\"content\":\"\x89z\"}}]}", &pieces).ok());
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].text + pieces[1].text, "a汉z");
  EXPECT_EQ(pieces[0].text, "a");
}

TEST(ChatReader, ReadsBothNamesOfThoughtsOnce) {
  ChatReader reader;
  std::vector<Piece> pieces;
  EXPECT_TRUE(reader
                  .ReadEvent(R"({"choices":[{"delta":{"reasoning":"a","reasoning_content":"a"}}]})",
                             &pieces)
                  .ok());
  EXPECT_TRUE(
      reader.ReadEvent(R"({"choices":[{"delta":{"reasoning":"b","content":null}}]})", &pieces)
          .ok());
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].kind, Piece::Kind::kThought);
  EXPECT_EQ(pieces[1].text, "b");
}

TEST(ChatReader, ReportsErrorsAndSurvivesGarbage) {
  std::vector<Piece> pieces;
  EXPECT_THAT(ChatReader().ReadEvent(R"({"error":{"message":"out of memory"}})", &pieces).message(),
              HasSubstr("model server reports: out of memory"));
  for (const char* text :
       {"", "[]", "null", "{\"choices\":3}", "{\"choices\":[]}", "{\"choices\":[7]}",
        "{\"choices\":[{\"delta\":[]}]}", "\xFF", "{\"choices\":[{\"delta\":{\"content\":5}}]}",
        "{\"usage\":7}", "{\"error\":5}"}) {
    ChatReader reader;
    (void)reader.ReadEvent(text, &pieces);
    (void)reader.ReadBody(text, &pieces);
  }
  EXPECT_TRUE(pieces.empty());
}

TEST(ErrorMessage, IsTheServersOwnAndBounded) {
  EXPECT_EQ(ErrorMessageOf(R"({"error":{"message":"no key"}})"), "no key");
  EXPECT_EQ(ErrorMessageOf(R"({"detail":"not found"})"), "not found");
  EXPECT_EQ(ErrorMessageOf("<html>\noops"), "<html> oops");
  EXPECT_LE(ErrorMessageOf(std::string(100000, '\xE6')).size(), 1200u);
}

}  // namespace
}  // namespace citeseek::services
