#include "services/gateway/limits.h"

#include <gtest/gtest.h>

#include <memory>

namespace citeseek::gateway {
namespace {

class LimitsTest : public ::testing::Test {
 protected:
  bool Differs(std::string_view claim, std::string_view source) const {
    const auto a = ReadStatement(claim, *analyzer_).tokens;
    const auto b = ReadStatement(source, *analyzer_).tokens;
    return FindOtherLimit(a, b, AlignTokens(a, b)).has_value();
  }
  const std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
};

TEST_F(LimitsTest, MostAreNotAll) {
  EXPECT_TRUE(Differs("All workers come from the region.",
                      "It employs 900 workers, most of whom come from the region."));
  EXPECT_TRUE(Differs("工人全部来自当地。", "雇用900名工人，其中多数工人来自当地。"));
  EXPECT_FALSE(Differs("All workers come from the region.", "All workers come from the region."));
}

TEST_F(LimitsTest, AConditionIsNotLeftOut) {
  const std::string_view source =
      "Pumps are covered for three years, but only if the buyer "
      "registers the pump within 30 days.";
  EXPECT_TRUE(Differs("Pumps are covered for three years.", source));
  EXPECT_FALSE(Differs(source, source));
  EXPECT_TRUE(Differs("The log is kept.", "The log is kept unless the operator sets a limit."));
  EXPECT_TRUE(Differs("各阅览室均可拍照。", "除古籍室外，各阅览室均可拍照。"));
  EXPECT_FALSE(Differs("海外版明年推出。", "首批产品仅在国内销售，海外版明年推出。"));
}

TEST_F(LimitsTest, OnlyIsNotPutIn) {
  EXPECT_TRUE(Differs("Only nurses record the number.", "Nurses record the number."));
  EXPECT_FALSE(Differs("", ""));
}

}  // namespace
}  // namespace citeseek::gateway
