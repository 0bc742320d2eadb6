#include "services/gateway/cues.h"

#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

TEST(Cues, ReadTheTypeOfAnswerThatIsAskedFor) {
  const std::pair<const char*, AnswerType> kQuestions[] = {
      {"When did the last glacial end?", AnswerType::kDate},
      {"In what year was it built?", AnswerType::kDate},
      {"Who wrote Hamlet?", AnswerType::kPerson},
      {"Where is the Summer Theatre?", AnswerType::kPlace},
      {"How many quadrangles are there?", AnswerType::kNumber},
      {"Why is the second timeline needed?", AnswerType::kReason},
      {"What does immunodeficiency cause?", AnswerType::kAny},
      {"广茂铁路全长多少公里？", AnswerType::kNumber},
      {"广三铁路在哪年建成？", AnswerType::kDate},
      {"2023年春运时间？", AnswerType::kDate},
      {"《哈利·波特》的作者是谁", AnswerType::kPerson},
      {"白宫在哪个城市", AnswerType::kPlace},
      {"为什么要这样命名？", AnswerType::kReason},
  };
  for (const auto& [question, type] : kQuestions) {
    EXPECT_EQ(ReadCues(question).type, type) << question;
  }
}

TEST(Cues, TheLanguageIsThatOfTheFramingWords) {
  EXPECT_TRUE(ReadCues("RCEP具体包括哪些国家").chinese);
  EXPECT_FALSE(ReadCues("What does 光荣 mean in the game?").chinese);
  EXPECT_TRUE(ReadCues("OpenAI 的 CEO 是谁").chinese);
  EXPECT_FALSE(ReadCues("Who is the CEO?").chinese);
}

TEST(States, TimesOfTheDayAnswerWhen) {
  EXPECT_TRUE(States(AnswerType::kDate, "Saturday | 9:30", "When does it open?"));
  EXPECT_TRUE(States(AnswerType::kDate, "末班车下午五点四十", "末班车几点？"));
  EXPECT_FALSE(States(AnswerType::kDate, "车站很远", "末班车几点？"));
}

TEST(States, WhatTheQuestionSaysItselfIsNoAnswer) {
  EXPECT_FALSE(States(AnswerType::kNumber, "In 2021 it grew.", "How many came in 2021?"));
  EXPECT_TRUE(States(AnswerType::kNumber, "In 2021, 40 came.", "How many came in 2021?"));
  EXPECT_FALSE(States(AnswerType::kDate, "The bridge is long.", "When was the bridge opened?"));
}

TEST(Cues, HowToDoSomethingAsksForSteps) {
  EXPECT_TRUE(ReadCues("How do I reset the router?").steps);
  EXPECT_TRUE(ReadCues("如何更换滤芯？").steps);
  EXPECT_FALSE(ReadCues("How long is the bridge?").steps);
  EXPECT_FALSE(ReadCues("这本书怎么样？").steps);
}

TEST(Cues, WhatIsAskedForADefinition) {
  const auto defined = [](std::string_view question) {
    const indexer::ByteRange range = ReadCues(question).defined;
    return std::string(question.substr(range.start, range.end - range.start));
  };
  EXPECT_EQ(defined("What is a smart pointer?"), "smart pointer");
  EXPECT_EQ(defined("What is ownership in Rust?"), "ownership");
  EXPECT_EQ(defined("What does path.join do?"), "path.join");
  EXPECT_EQ(defined("What does RRF stand for?"), "RRF");
  EXPECT_EQ(defined("什么是倒排索引？"), "倒排索引");
  EXPECT_EQ(defined("倒排索引是什么？"), "倒排索引");
  EXPECT_EQ(defined("What is the population of Alderwick?"), "");
  EXPECT_EQ(defined("白鹭镇的特产是什么?"), "");
  EXPECT_EQ(defined("What does the ferry cost?"), "");
  EXPECT_EQ(defined("What is "), "");
}

TEST(Cues, ADefaultIsToldOrOnlyNamed) {
  EXPECT_TRUE(ReadCues("What is the default size of a page?").standard);
  EXPECT_TRUE(ReadCues("端口默认是多少？").standard);
  EXPECT_FALSE(ReadCues("How do I change the default size?").standard);
  for (std::string_view told : {"The default is 8.", "Defaults to 8.", "Default: 8", "8 by default",
                                "默认为 8。", "缺省值 8"}) {
    EXPECT_EQ(StatesDefault(told), DefaultForm::kTold) << told;
  }
  EXPECT_EQ(StatesDefault("Keep the default settings."), DefaultForm::kNamed);
  EXPECT_EQ(StatesDefault("(Non-default sizes are slower.)"), DefaultForm::kNone);
}

TEST(Cues, SurviveOddText) {
  for (const char* text : {"", "?", "What is", "什么是", "\xE4\xB8", "how do i "})
    (void)ReadCues(text);
}

}  // namespace
}  // namespace citeseek::gateway
