#include "services/gateway/values.h"

#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

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

TEST(Values, FourDigitsThatCountSomethingAreNoYear) {
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

TEST(Values, SurviveOddText) {
  for (const char* text :
       {"", "1", "May", "May ", "3 ", "1999-", "1999-1-", "9999999999999999999999", "1.", ".5",
        "2024年", "2024年13月", "12月", "31 of ", "\xE4\xB8", "1,2,3"}) {
    (void)FindValues(text);
  }
}

}  // namespace
}  // namespace citeseek::gateway
