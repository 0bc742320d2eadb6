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

TEST(Values, ReadDatesAndNumbersWithTheirUnits) {
  const auto values =
      FindValues("On 3 May 1998 and 2016年9月4日, 1,120 metres; 7.52‰, 320万册, in March 2001.");
  ASSERT_EQ(values.size(), 6u);
  EXPECT_EQ(values[0].number, "1998-5-3");
  EXPECT_TRUE(values[0].date);
  EXPECT_EQ(values[1].number, "2016-9-4");
  EXPECT_EQ(values[2].number, "1120");
  EXPECT_EQ(values[2].unit, "metres");
  EXPECT_EQ(values[3].number, "7.52");
  EXPECT_EQ(values[4].unit, "万册");
  EXPECT_EQ(values[5].number, "2001-3");
}

TEST(Cues, FourDigitsThatCountSomethingAreNoYear) {
  for (const char* text : {"2000万美元", "1500 people", "1900 m", "2008人", "1999余册"}) {
    const auto values = FindValues(text);
    ASSERT_EQ(values.size(), 1u) << text;
    EXPECT_FALSE(values[0].date) << text;
  }
  for (const char* text : {"in 2000 people left", "2008年", "of 1999.", "in 1998 May"}) {
    const auto values = FindValues(text);
    ASSERT_FALSE(values.empty()) << text;
    EXPECT_EQ(values[0].date, std::string_view(text) != "in 2000 people left") << text;
  }
}

TEST(Values, ReadChineseNumerals) {
  const auto values = FindValues(
      "一九五六年三月，二〇一八年五月十二日，四月二日，两万六千人，四十二只，一个统一的，明二十三"
      "年");
  ASSERT_EQ(values.size(), 6u);
  EXPECT_EQ(values[0].number, "1956-3");
  EXPECT_EQ(values[1].number, "2018-5-12");
  EXPECT_EQ(values[2].number, "4-2");
  EXPECT_TRUE(values[2].date);
  EXPECT_EQ(values[3].number, "26000");
  EXPECT_EQ(values[4].number, "42");
  EXPECT_EQ(values[4].unit, "只");
  EXPECT_EQ(values[5].number, "23");
  EXPECT_FALSE(values[5].date);
}

TEST(Values, TimesOfTheDayAnswerWhen) {
  EXPECT_TRUE(States(AnswerType::kDate, "Saturday | 9:30", "When does it open?"));
  EXPECT_TRUE(States(AnswerType::kDate, "末班车下午五点四十", "末班车几点？"));
  EXPECT_FALSE(States(AnswerType::kDate, "车站很远", "末班车几点？"));
}

TEST(Values, WhatTheQuestionSaysItselfIsNoAnswer) {
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

TEST(Code, IsToldFromProse) {
  for (std::string_view code : {"const a = b(c);", "if (x) {", "}", "f(x)(y)[z];"}) {
    EXPECT_TRUE(LooksLikeCode(code)) << code;
  }
  for (std::string_view prose : {"The join() method joins paths.",
                                 "// faster than alloc() but unsafe", "let us go on", "", " "}) {
    EXPECT_FALSE(LooksLikeCode(prose)) << prose;
  }
}

TEST(Steps, TellSomebodyWhatToDo) {
  for (std::string_view step :
       {"Hold the button for ten seconds.", "3. Then press OK.", "- Run `citeseek up`.",
        "To save it, click Done.", "If it fails, restart the server.", "请更换滤芯。",
        "更换后长按复位键。"}) {
    EXPECT_TRUE(TellsStep(step)) << step;
  }
  for (std::string_view other :
       {"All settings are lost.", "verify_share | 2 | percent of the store",
        "The button resets it.", "In 1990, he moved.", "整机保修两年。", "", "To"}) {
    EXPECT_FALSE(TellsStep(other)) << other;
  }
}

TEST(Values, SurviveOddText) {
  for (const char* text :
       {"", "1", "May", "May ", "3 ", "1999-", "1999-1-", "9999999999999999999999", "1.", ".5",
        "2024年", "2024年13月", "12月", "31 of ", "\xE4\xB8", "1,2,3"}) {
    (void)FindValues(text);
    (void)ReadCues(text);
  }
}

}  // namespace
}  // namespace citeseek::gateway
