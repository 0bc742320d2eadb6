#include "services/gateway/contrasts.h"

#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

int SideOf(std::string_view text) {
  const auto found = FindContrasts(text);
  return found.empty() ? 0 : found.front().side;
}

TEST(Contrasts, AreFoundWhereTheyStand) {
  const auto found = FindContrasts("It rose by more than 5");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].range.start, 3u);
  EXPECT_EQ(found[0].range.end, 7u);
  EXPECT_TRUE(AreOpposite(found[1].side, SideOf("less")));
  EXPECT_TRUE(FindContrasts("moreover \xe5\xa2").empty());
  EXPECT_TRUE(FindContrasts("").empty());
}

TEST(Contrasts, TheLongestWordCounts) {
  EXPECT_TRUE(AreOpposite(SideOf("at most"), SideOf("at least")));
  EXPECT_EQ(SideOf("不允许"), SideOf("禁止"));
  EXPECT_TRUE(AreOpposite(SideOf("不断增加"), SideOf("减少")));
}

TEST(Contrasts, MembersOfOneClassExcludeOneAnother) {
  EXPECT_TRUE(AreOpposite(SideOf("Monday"), SideOf("Friday")));
  EXPECT_TRUE(AreOpposite(SideOf("可以"), SideOf("必须")));
  EXPECT_FALSE(AreOpposite(SideOf("may"), SideOf("can")));
  EXPECT_FALSE(AreOpposite(SideOf("may"), SideOf("Monday")));
  EXPECT_FALSE(AreOpposite(0, SideOf("may")));
  EXPECT_TRUE(IsLoose(SideOf("may")));
  EXPECT_FALSE(IsLoose(SideOf("more")));
  EXPECT_TRUE(SaysAll(SideOf("every")));
  EXPECT_TRUE(SaysSome(SideOf("多数")));
}

}  // namespace
}  // namespace citeseek::gateway
