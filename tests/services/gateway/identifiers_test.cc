#include "services/gateway/identifiers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Texts(std::string_view text) {
  std::vector<std::string> texts;
  for (const Identifier& identifier : FindIdentifiers(text)) texts.push_back(identifier.text);
  return texts;
}

TEST(Identifiers, AreVersionsAndCodes) {
  EXPECT_THAT(Texts("What changed in v2.2.0 and 3.4?"), ElementsAre("2.2.0", "3.4"));
  EXPECT_THAT(Texts("E3:滤芯未安装到位。CVE-2024-1234."), ElementsAre("e3", "cve-2024-1234"));
  EXPECT_THAT(Texts("It is fixed in 3.4.2-rc1."), ElementsAre("3.4.2-rc1"));
}

TEST(Identifiers, AreNoQuantitiesDatesOrPlainNumbers) {
  EXPECT_THAT(Texts("5km in 10-day, 2.4GHz, the 26th, 2025-08-19, 1938 and 1,200 mg"), IsEmpty());
}

TEST(Identifiers, OfOneSeriesShareTheirShape) {
  const auto shape = [](std::string_view text) { return FindIdentifiers(text).front().shape; };
  EXPECT_EQ(shape("2.10.0"), shape("2.2.0"));
  EXPECT_EQ(shape("E12"), shape("e3"));
  EXPECT_NE(shape("E3"), shape("K7"));
  EXPECT_NE(shape("2.2"), shape("2.2.0"));
}

TEST(Identifiers, SurviveOddText) {
  for (std::string_view text : {"", ".", "-", "v", "v.", "1.", ".1", "a-", "-1", "a1-",
                                "\xFF\x80"
                                "1a"}) {
    FindIdentifiers(text);
  }
}

}  // namespace
}  // namespace citeseek::gateway
