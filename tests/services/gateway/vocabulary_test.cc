#include "services/gateway/vocabulary.h"

#include <gtest/gtest.h>

#include <string>

namespace citeseek::gateway {
namespace {

TEST(Vocabulary, AUnitHasOneNameHoweverItIsSpelt) {
  EXPECT_EQ(KnownUnit("kilometres"), KnownUnit("公里"));
  EXPECT_EQ(KnownUnit("kangaroos"), "");
  EXPECT_NE(KnownUnit("斤"), KnownUnit("公斤"));
  EXPECT_FALSE(KnownUnit("角").empty());
}

TEST(Vocabulary, ADenialTakesItsAuxiliaryAlong) {
  EXPECT_EQ(NegationAt("没有举行", 0), 6u);
  EXPECT_EQ(NegationAt("不去", 0), 3u);
  EXPECT_EQ(NegationAt("不仅如此", 0), 0u);
  EXPECT_EQ(NegationAt("去", 0), 0u);
}

TEST(Vocabulary, AFrameNamesTheSourceAndNothingElse) {
  const auto rest = [](std::string_view text) {
    return std::string(text.substr(FrameLength(text)));
  };
  EXPECT_EQ(rest("According to the document, it is red."), "it is red.");
  EXPECT_EQ(rest("Based on the provided sources, it is red."), "it is red.");
  EXPECT_EQ(rest("The passage states that it is red."), "it is red.");
  EXPECT_EQ(rest("据文档记载，桥是红的。"), "桥是红的。");
  EXPECT_EQ(rest("根据资料，桥是红的。"), "桥是红的。");
  EXPECT_EQ(rest("According to the 2013 report, it is red."),
            "According to the 2013 report, it is red.");
  EXPECT_EQ(rest("In the town, there is a bridge."), "In the town, there is a bridge.");
  EXPECT_EQ(rest("据报道他去了北京。"), "据报道他去了北京。");
}

TEST(Vocabulary, ChineseNamesShowByTheirMarks) {
  EXPECT_TRUE(EndsName("市的"));
  EXPECT_TRUE(EndsName("教授说"));
  EXPECT_FALSE(EndsName("的"));
  EXPECT_TRUE(IsSurname("王"));
  EXPECT_FALSE(IsSurname(""));
  EXPECT_TRUE(IsPlaceName("北京"));
  EXPECT_TRUE(IsLightWord("位于"));
}

}  // namespace
}  // namespace citeseek::gateway
