#include "services/gateway/roles.h"

#include <gtest/gtest.h>

#include <memory>

namespace citeseek::gateway {
namespace {

class RolesTest : public ::testing::Test {
 protected:
  // As a verdict sees it: all that FindDifference tells.
  bool Changed(std::string_view claim, std::string_view source) const {
    const auto a = ReadStatement(claim, *analyzer_).tokens;
    const auto b = ReadStatement(source, *analyzer_).tokens;
    const Difference::Kind kind = FindDifference(a, b, AlignTokens(a, b), {}).kind;
    return kind == Difference::Kind::kRoles || kind == Difference::Kind::kName;
  }
  const std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
};

TEST_F(RolesTest, WhoDidItToWhomIsNotTurnedRound) {
  EXPECT_TRUE(Changed("Petrane acquired Orlin in 2021.", "Orlin acquired Petrane in 2021."));
  EXPECT_TRUE(Changed("Moss will succeed Blaine.", "Moss will be succeeded by Blaine."));
  EXPECT_TRUE(Changed("蓝湾科技起诉了恒泰集团。", "恒泰集团起诉了蓝湾科技。"));
  EXPECT_TRUE(Changed("康宁医药研制了该药。", "该药由诺维亚公司研制，由康宁医药负责销售。"));
}

TEST_F(RolesTest, ThePassiveVoiceTurnsTheOrderRound) {
  EXPECT_FALSE(
      Changed("Petrane was acquired by Orlin in 2021.", "Orlin acquired Petrane in 2021."));
  EXPECT_FALSE(Changed("Orlin acquired Petrane.", "Petrane was acquired by Orlin."));
  EXPECT_FALSE(Changed("蓝湾科技被恒泰集团起诉。", "恒泰集团起诉了蓝湾科技。"));
}

TEST_F(RolesTest, AnotherOrderIsNoOtherRole) {
  EXPECT_FALSE(Changed("In 2021 Orlin acquired Petrane.", "Orlin acquired Petrane in 2021."));
  EXPECT_FALSE(Changed("It met Moss and Blaine.", "It met Blaine and Moss."));
  EXPECT_FALSE(Changed("", ""));
}

TEST_F(RolesTest, FromAndToAreNotExchanged) {
  EXPECT_TRUE(Changed("It moved from the opera to the fish market.",
                      "It moved from the fish market to the opera."));
  EXPECT_TRUE(Changed("起点由歌剧院改到鱼市场。", "起点由鱼市场改到歌剧院。"));
}

TEST_F(RolesTest, AVerbBelongsToTheNameRightBeforeIt) {
  EXPECT_TRUE(Changed("Edith Rowan built the Zaan viaduct.",
                      "Edith Rowan studied under Paul Verhoeven, who had built the Zaan viaduct."));
  EXPECT_TRUE(Changed("The Halvorsen Bridge opened in 1964.",
                      "The Halvorsen Bridge was the longest until the Tolland Bridge opened in "
                      "1964."));
  EXPECT_FALSE(Changed("Rowan built the Zaan viaduct.", "Edith Rowan built the Zaan viaduct."));
  EXPECT_FALSE(Changed("Edith Rowan has lived in Leipzig since 2006.",
                       "Edith Rowan, a pupil of Paul Verhoeven, has lived in Leipzig since 2006."));
}

TEST_F(RolesTest, ACauseIsNotTheEffect) {
  EXPECT_TRUE(Changed("Oil prices were low because Petrane's revenue had fallen.",
                      "Petrane's revenue had fallen because oil prices were low."));
  EXPECT_FALSE(Changed("Because oil prices were low, Petrane's revenue had fallen.",
                       "Petrane's revenue had fallen because oil prices were low."));
}

}  // namespace
}  // namespace citeseek::gateway
