#include "inference/model/tokenizer/normalizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace citeseek::inference {
namespace {

std::string Apply(std::vector<NormalizerStep> steps, std::string_view text) {
  const auto normalizer = Normalizer::Make(steps);
  if (!normalizer.ok()) return std::string(normalizer.status().message());
  std::string buffer;
  return std::string(normalizer->Apply(text, buffer));
}

using Kind = NormalizerStep::Kind;

TEST(NormalizerTest, FormsComposeAndDecompose) {
  EXPECT_EQ(Apply({{.kind = Kind::kNfc}}, "e\u0301"), "\u00e9");
  EXPECT_EQ(Apply({{.kind = Kind::kNfd}}, "\u00e9"), "e\u0301");
  EXPECT_EQ(Apply({{.kind = Kind::kNfkc}}, "\ufb01\uff21"), "fiA");
}

TEST(NormalizerTest, BertCleansSeparatesChineseStripsAccentsAndLowers) {
  const NormalizerStep bert = {.kind = Kind::kBert, .strip_accents = true, .lowercase = true};
  EXPECT_EQ(Apply({bert}, "H\u00e9\tl\u4e16\u754c"), "he l \u4e16  \u754c ");
  EXPECT_EQ(Apply({bert}, "\u00c9t\u00e9\u200b\u4e16"), "ete \u4e16 ");
  EXPECT_EQ(Apply({{.kind = Kind::kLowercase}}, "\u0130"), "i\u0307");
}

TEST(NormalizerTest, StepsFollowOneAnother) {
  EXPECT_EQ(Apply({{.kind = Kind::kPrepend, .content = "\u2581"},
                   {.kind = Kind::kReplace, .pattern = " ", .content = "\u2581"}},
                  "a b"),
            "\u2581a\u2581b");
  EXPECT_EQ(
      Apply(
          {{.kind = Kind::kStrip, .left = false},
           {.kind = Kind::kReplace, .pattern = " {2,}", .pattern_is_regex = true, .content = "-"}},
          "  a   b "),
      "-a-b");
}

TEST(NormalizerTest, RulesThatCouldGrowATextWithoutEndAreErrors) {
  EXPECT_EQ(Apply({{.kind = Kind::kPrepend, .content = std::string(65, 'x')}}, "a"),
            "a normalizer puts in 65 bytes, more than 64");
}

}  // namespace
}  // namespace citeseek::inference
