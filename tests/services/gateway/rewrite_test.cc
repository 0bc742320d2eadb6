#include "services/gateway/rewrite.h"

#include <gtest/gtest.h>

#include "retrieval/retriever.h"

namespace citeseek::gateway {
namespace {

struct Case {
  Turn before;
  const char* question;
  const char* rewritten;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    EXPECT_EQ(RewriteQuestion(c.question, {&c.before, 1}), c.rewritten)
        << c.before.question << " / " << c.question;
  }
}

const Turn kBridge = {.question = "When was Halden Bridge opened?",
                      .answer = "Halden Bridge was opened in 1931 [1]."};
const Turn kBuilder = {.question = "Who built Halden Bridge?",
                       .answer = "Halden Bridge was built by Thomas Orrell [1]."};
const Turn kTown = {.question = "Where is Halden Bridge?", .answer = "It stands in Alderwick [1]."};
const Turn kTwo = {.question = "Which is longer, Halden Bridge or Moon Bridge?",
                   .answer = "Halden Bridge is longer [1]."};
const Turn kBiscuits = {.question = "How long do oat biscuits bake?",
                        .answer = "They bake for 12 minutes [1].",
                        .citations = {{.title = "Oat biscuits"}}};
const Turn kVisitors = {.question = "How many visitors did Halden Museum have in 2018?",
                        .answer = "4,100 [1]."};

TEST(Rewrite, PronounsBecomeTheNamesOfTheTurnBefore) {
  Check({
      {kBridge, "How long is it?", "How long is Halden Bridge?"},
      {kBridge, "What about its price?", "What about Halden Bridge's price?"},
      {kBridge, "And who designed it?", "And who designed Halden Bridge?"},
      {kBridge, "How long is this bridge?", "How long is Halden Bridge?"},
      {kBridge, "how wide is that?", "how wide is Halden Bridge?"},
      {kBuilder, "When was he born?", "When was Thomas Orrell born?"},
      {kBuilder, "What else did he build?", "What else did Thomas Orrell build?"},
      {kBuilder, "How long is it?", "How long is Halden Bridge?"},
      {kTown, "How many people live there?", "How many people live in Alderwick?"},
      {kBiscuits, "How much sugar do they need?", "How much sugar do oat biscuits need?"},
      {kBiscuits, "Can I freeze them?", "Can I freeze oat biscuits?"},
  });
}

TEST(Rewrite, GapsAreFilledFromTheQuestionBefore) {
  Check({
      {kBridge, "What about Moon Bridge?", "When was Moon Bridge opened?"},
      {kBridge, "And Moon Bridge?", "When was Moon Bridge opened?"},
      {kBridge, "What about the opening hours?", "What about the opening hours of Halden Bridge?"},
      {kBridge, "What is the height?", "What is the height of Halden Bridge?"},
      {kBridge, "Why?", "Why was Halden Bridge opened?"},
      {kVisitors, "And in 2019?", "How many visitors did Halden Museum have in 2019?"},
      {kVisitors, "What about 2020?", "How many visitors did Halden Museum have in 2020?"},
      {kBiscuits, "What about oat cakes?", "How long do oat cakes bake?"},
      {kTwo, "And the second one?", "Which is longer, Moon Bridge or Moon Bridge?"},
      {kTwo, "When was the second one opened?", "When was Moon Bridge opened?"},
  });
}

TEST(Rewrite, WhatStandsAloneStays) {
  Check({
      {kBridge, "When was the library opened?", ""},
      {kBridge, "How long do oat biscuits bake?", ""},
      {kBridge, "Is it true that Moon Bridge is longer?", ""},
      {kBridge, "Who founded Falcon and what is its version?", ""},
      {kBridge, "What time is it?", ""},
      {kBridge, "And when does Alderwick Museum open?", ""},
      {kBridge, "Which documents say that ferries are slow?", ""},
      {kBridge, "Are there any boats to Skarv?", ""},
  });
  EXPECT_EQ(RewriteQuestion("How long is it?", {}), "");
}

const Turn kMoon = {.question = "望月桥全长多少米？", .answer = "望月桥全长214米[1]。"};
const Turn kLibrary = {.question = "海州图书馆几点开门？", .answer = "九点开门[1]。"};
const Turn kAuthor = {.question = "谁设计了望月桥？", .answer = "李明设计了望月桥[1]。"};
const Turn kTeas = {.question = "茶厂有哪些茶？", .answer = "- 龙井\n- 碧螺春\n"};

TEST(Rewrite, ChinesePronounsBecomeNames) {
  Check({
      {kMoon, "它是哪年建成的？", "望月桥是哪年建成的？"},
      {kMoon, "这座桥由谁设计？", "望月桥由谁设计？"},
      {kMoon, "那它的宽度呢？", "望月桥的宽度呢？"},
      {kMoon, "这个有多高？", "望月桥有多高？"},
      {kMoon, "其宽度是多少？", "望月桥的宽度是多少？"},
      {kLibrary, "那里有多少册书？", "海州图书馆有多少册书？"},
      {kAuthor, "他还设计了什么？", "李明还设计了什么？"},
      {kAuthor, "它有多长？", "望月桥有多长？"},
  });
}

TEST(Rewrite, ChineseGapsAreFilled) {
  Check({
      {kMoon, "什么时候建成的？", "望月桥什么时候建成的？"},
      {kMoon, "那价格呢？", "望月桥的价格？"},
      {kMoon, "黑石桥呢？", "黑石桥全长多少米？"},
      {kMoon, "为什么？", "望月桥全长多少米 为什么？"},
      {kMoon, "它呢？", "望月桥全长多少米？"},
      {kLibrary, "周末呢？", "海州图书馆几点开门 周末？"},
      {kTeas, "第二个多少钱？", "碧螺春多少钱？"},
      {kTeas, "那第二个呢？", "碧螺春有哪些茶？"},
  });
}

TEST(Rewrite, ChineseThatStandsAloneStays) {
  Check({
      {kMoon, "海州图书馆在哪里？", ""},
      {kMoon, "谁发明了电灯？", ""},
      {kMoon, "其他城市的桥有多长？", ""},
      {kMoon, "吉他怎么调音？", ""},
  });
}

TEST(Rewrite, AnOlderTurnNamesWhatTheNewestDoesNot) {
  const std::vector<Turn> history = {kBridge, {.question = "Why?", .answer = "For trade."}};
  EXPECT_EQ(RewriteQuestion("How long is it?", history), "How long is Halden Bridge?");
  // A rewritten question counts as it was read.
  const std::vector<Turn> again = {
      {.question = "How long is it?", .rewritten = "How long is Moon Bridge?"}};
  EXPECT_EQ(RewriteQuestion("Who built it?", again), "Who built Moon Bridge?");
}

TEST(Rewrite, AnyBytesAreTakenAndTheLengthIsBounded) {
  const Turn odd = {.question = std::string("\xff\xfe[[") + std::string(3000, 'A'),
                    .answer = std::string(5000, '\x80')};
  for (const std::string& question :
       {std::string("it?"), std::string("呢"), std::string("那"), std::string("???"),
        std::string("the second"), std::string(retrieval::kMaxQueryBytes, 'i')}) {
    EXPECT_LE(RewriteQuestion(question, {&odd, 1}).size(), retrieval::kMaxQueryBytes);
  }
}

}  // namespace
}  // namespace citeseek::gateway
