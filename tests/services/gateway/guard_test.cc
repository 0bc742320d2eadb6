#include "services/gateway/guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string Answer(std::string_view question) {
  const auto comparison = CompareByArithmetic(question);
  return comparison ? comparison->answer : "";
}

TEST(Guard, ComparesDecimalsAndShowsTheOtherReading) {
  EXPECT_THAT(
      Answer("Which is bigger, 9.11 or 9.9?"),
      AllOf(StartsWith("As decimal numbers, 9.9 is larger than 9.11."),
            HasSubstr("As version numbers, 9.11 is newer than 9.9."), HasSubstr("arithmetic")));
  EXPECT_THAT(Answer("which is bigger, 9.11 or 9.90?"),
              AllOf(HasSubstr("As decimal numbers, 9.90 is larger than 9.11"),
                    HasSubstr("As version numbers, 9.90 is newer than 9.11")));
  EXPECT_THAT(Answer("9.11和9.9哪个大"), AllOf(StartsWith("按小数比较，9.9 大于 9.11。"),
                                               HasSubstr("按版本号比较，9.11 新于 9.9")));
  EXPECT_THAT(Answer("9.11 大还是 9.8 大？"), HasSubstr("9.8 大于 9.11"));
  EXPECT_THAT(Answer("Is the number 0.30 less than 0.299?"),
              AllOf(StartsWith("No. As decimal numbers, 0.299 is smaller than 0.30."),
                    Not(HasSubstr("version"))));
  EXPECT_THAT(Answer("which number is smaller: -1.5 or -1.25"),
              HasSubstr("-1.5 is smaller than -1.25"));
  EXPECT_THAT(Answer("Are the decimals 1.50 and 1.5 the same or is one bigger?"),
              HasSubstr("1.50 and 1.5 are equal"));
  EXPECT_THAT(Answer("123456789012345678901234567890.1 > 123456789012345678901234567890.09?"),
              StartsWith("Yes."));
}

TEST(Guard, ComparesVersions) {
  EXPECT_THAT(Answer("is version 2.10 newer than 2.9"),
              AllOf(StartsWith("Yes. As version numbers, 2.10 is newer than 2.9."),
                    Not(HasSubstr("decimal"))));
  EXPECT_THAT(Answer("Is Python 3.9 newer than Python 3.10?"),
              StartsWith("No. As version numbers, 3.10 is newer than 3.9."));
  EXPECT_THAT(Answer("v1.2.3-rc1 or v1.2.3, which is older?"),
              HasSubstr("v1.2.3-rc1 is older than v1.2.3"));
  EXPECT_THAT(Answer("版本2.10比2.9新吗"), AllOf(StartsWith("是。"), HasSubstr("2.10 新于 2.9")));
  EXPECT_THAT(Answer("2.10.1和2.9.12哪个版本更新？"), HasSubstr("2.10.1 新于 2.9.12"));
}

TEST(Guard, ComparesDates) {
  EXPECT_THAT(Answer("is 2024-03-01 before 1 Feb 2024"),
              StartsWith("No. As dates, 1 Feb 2024 is earlier than 2024-03-01."));
  EXPECT_THAT(Answer("2024年3月1日早于2024年2月1日吗？"),
              AllOf(StartsWith("不是。"), HasSubstr("2024年2月1日 早于 2024年3月1日")));
  EXPECT_THAT(Answer("2024年3月1日和2024-02-29哪个晚"), HasSubstr("2024年3月1日 晚于 2024-02-29"));
  EXPECT_THAT(Answer("Which is later, February 1st, 2024 or 31 Jan 2024?"),
              HasSubstr("February 1st, 2024 is later than 31 Jan 2024"));
  EXPECT_THAT(Answer("Is 03/04/2024 before 20/03/2024?"),
              AllOf(StartsWith("No."), HasSubstr("day first, as 2024-04-03 and 2024-03-20"),
                    HasSubstr("read month first, 03/04/2024 is earlier than 20/03/2024")));
}

TEST(Guard, TellsWhetherTheQuestionAsksForMore) {
  EXPECT_EQ(CompareByArithmetic("9.11和9.9哪个大？")->rest, "");
  const auto more = CompareByArithmetic("Which is newer, 2.10 or 2.9? What did it change?");
  ASSERT_TRUE(more.has_value());
  EXPECT_EQ(more->rest, " What did it change?");
}

TEST(Guard, IsSilentOnOrdinaryQuestions) {
  for (const char* question :
       {"Which countries had growth larger than 2.5 in 2010 or 3.5 in 2011?",
        "What is new in version 2.10 compared with 2.9?", "who was born on 1 Feb 2001",
        "Which is larger, a 3.5 mm jack or a 2.5 mm jack?", "Is 2024-02-30 before 2024-03-01?",
        "9.11事件发生在哪一年？", "2021年和2022年哪年人口多", "Which is bigger, Paris or London?",
        "Was the treaty of 1 Feb 1992 signed before 7 Feb 1992?", "which is bigger", "", "9.11 9.9",
        "How many goals in 2019-20 or 2020-21?", "比较 2.9 与 2.10 的性能",
        "1.2.3.4.5.6.7.8.9.10"}) {
    EXPECT_EQ(Answer(question), "") << question;
  }
}

}  // namespace
}  // namespace citeseek::gateway
