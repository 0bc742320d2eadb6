#include "services/gateway/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

using ::testing::ElementsAre;

TEST(Plan, AQuestionOfOneThingIsOnePart) {
  for (const char* question :
       {"When was the Harbour Bridge opened?", "Who wrote and directed The Abyss?",
        "How and why did the bridge fall?", "What are the rights and duties of members?",
        "青石茶厂是哪一年成立的？", "bridge", "", "2022年，中国的人口有多少？"}) {
    EXPECT_THAT(PlanParts(question), ElementsAre(question));
  }
}

TEST(Plan, AnAndBeforeAnAskingWordJoinsTwoParts) {
  EXPECT_THAT(PlanParts("Who founded Acme Tools and when did it start?"),
              ElementsAre("Who founded Acme Tools?", "when did Acme Tools start?"));
}

TEST(Plan, EachSentenceThatAsksIsAPartAboutTheSameThing) {
  EXPECT_THAT(PlanParts("《李茂扮太子》是什么类型的电影？它的导演是谁？"),
              ElementsAre("《李茂扮太子》是什么类型的电影？", "《李茂扮太子》的导演是谁？"));
  EXPECT_THAT(
      PlanParts("How long is the Harbour Bridge? What did its repairs cost?"),
      ElementsAre("How long is the Harbour Bridge?", "What did Harbour Bridge's repairs cost?"));
}

TEST(Plan, WhatIsAskedOfEachIsAskedOfOneAfterTheOther) {
  EXPECT_THAT(PlanParts("我国人口的出生率和死亡率分别是多少？"),
              ElementsAre("我国人口的出生率是多少？", "我国人口的死亡率是多少？"));
}

TEST(Plan, AComparisonTellsOfBoth) {
  EXPECT_THAT(PlanParts("What is the difference between green tea and black tea?"),
              ElementsAre("What is green tea?", "What is black tea?"));
  EXPECT_THAT(PlanParts("绿茶和红茶有什么区别？"), ElementsAre("绿茶是什么？", "红茶是什么？"));
}

TEST(Plan, PartsBeyondTheLimitStayInTheLast) {
  const auto parts = PlanParts(
      "Who made the cup? Who sold the cup? Who had the cup? Who lost the cup? Who has the cup?");
  ASSERT_EQ(parts.size(), kMaxParts);
  EXPECT_EQ(parts.back(), "Who lost the cup? Who has the cup?");
}

TEST(Plan, SearchingAgainKeepsNamesAndNumbers) {
  EXPECT_EQ(NamesOnly("When did Acme Tools open its 2nd shop?"), "Acme Tools 2nd");
  EXPECT_EQ(NamesOnly("《狂飙》的导演是谁？"), "狂飙");
  EXPECT_EQ(NamesOnly("where is it?"), "");
}

TEST(Plan, OtherWordsTakeThePlaceOfThoseThatDocumentsMayNotUse) {
  const std::string text = Reworded("what year was it founded?");
  EXPECT_THAT(text, ::testing::StartsWith("was it "));
  EXPECT_THAT(text, ::testing::HasSubstr("established"));
  EXPECT_THAT(Reworded("图书馆什么时候建成？"), ::testing::StartsWith("图书馆"));
  EXPECT_THAT(Reworded("图书馆什么时候建成？"), ::testing::HasSubstr("竣工"));
  EXPECT_EQ(Reworded("where is it?"), "");  // there are none for it
  EXPECT_EQ(Reworded(std::string(40000, 'x') + " founded"), "");
}

}  // namespace
}  // namespace citeseek::gateway
