#include "services/gateway/operand.h"

#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

TEST(Operand, OneNumberHasSeveralReadings) {
  const auto operands = FindOperands("9.11 or 9.9");
  ASSERT_EQ(operands.size(), 2u);
  EXPECT_EQ(operands[0].text, "9.11");
  ASSERT_TRUE(operands[0].decimal && operands[1].decimal);
  EXPECT_TRUE(Compare(*operands[0].decimal, *operands[1].decimal) < 0);
  ASSERT_TRUE(operands[0].version && operands[1].version);
  EXPECT_TRUE(Compare(*operands[0].version, *operands[1].version) > 0);
}

TEST(Operand, DecimalsOfAnyLengthAreExact) {
  const auto operands = FindOperands("0.30000000000000000000001 or 0.3");
  ASSERT_EQ(operands.size(), 2u);
  EXPECT_TRUE(Compare(*operands[0].decimal, *operands[1].decimal) > 0);
}

TEST(Operand, DatesAreCalendarDates) {
  const auto operands = FindOperands("2024-02-29 or 2023-02-28");
  ASSERT_EQ(operands.size(), 2u);
  ASSERT_TRUE(operands[0].date && operands[1].date);
  EXPECT_GT(*operands[0].date, *operands[1].date);
}

TEST(Operand, OddTextHasNoOperandsAndDoesNoHarm) {
  for (const char* text : {"", ".", "-", "no numbers", "\xE4\xB8"}) {
    EXPECT_TRUE(FindOperands(text).empty()) << text;
  }
}

}  // namespace
}  // namespace citeseek::gateway
