#include "inference/model/tokenizer/normalizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

#include <random>
#include <string>
#include <utility>

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

TEST(NormalizerTest, TextsAreInAFormJustWhenIcuSaysSo) {
  using Form = const icu::Normalizer2* (*)(UErrorCode&);
  const std::pair<Kind, Form> forms[] = {{Kind::kNfc, &icu::Normalizer2::getNFCInstance},
                                         {Kind::kNfd, &icu::Normalizer2::getNFDInstance},
                                         {Kind::kNfkc, &icu::Normalizer2::getNFKCInstance},
                                         {Kind::kNfkd, &icu::Normalizer2::getNFKDInstance}};
  const char* const parts[] = {
      "a",      "ascii text", "e\u0301", "\u0301",       "\u0323", "\u00e9", "\u4e16",
      "\u3002", "\u3099",     "\u304b",  "\u1100",       "\u1161", "\u11a8", "\uac00",
      "\u212b", "\uff21",     "\uf900",  "\u0915\u093c", "\u0344", "\u2026", "\U0001F600",
      "\u0f73", "\U0002F800", "\ufb01",  "\u0340",       "\u09c7", "\u09be", "\U0001D15E"};
  std::mt19937 random(1);
  for (const auto& [kind, form] : forms) {
    UErrorCode error = U_ZERO_ERROR;
    const icu::Normalizer2* icu_form = form(error);
    const auto normalizer = Normalizer::Make({{.kind = kind}});
    ASSERT_TRUE(U_SUCCESS(error) && normalizer.ok());
    for (int i = 0; i < 2000; ++i) {
      std::string text;
      for (std::size_t n = random() % 8; n > 0; --n) text += parts[random() % std::size(parts)];
      std::string expected, buffer;
      icu_form->normalize(icu::UnicodeString::fromUTF8(text), error).toUTF8String(expected);
      EXPECT_EQ(normalizer->Apply(text, buffer), expected) << text;
    }
  }
}

TEST(NormalizerTest, BertCleansSeparatesChineseStripsAccentsAndLowers) {
  const NormalizerStep bert = {.kind = Kind::kBert, .strip_accents = true, .lowercase = true};
  EXPECT_EQ(Apply({bert}, "H\u00e9\tl\u4e16\u754c"), "he l \u4e16  \u754c ");
  EXPECT_EQ(Apply({bert}, "\u00c9t\u00e9\u200b\u4e16"), "ete \u4e16 ");
  EXPECT_EQ(Apply({{.kind = Kind::kLowercase}}, "\u0130"), "i\u0307");
  EXPECT_EQ(Apply({{.kind = Kind::kLowercase}}, "\u4e16\u00c9A\u1e9e\u00c9\u2126Z\uff21"),
            "\u4e16\u00e9a\u00df\u00e9\u03c9z\uff41");
  EXPECT_EQ(Apply({{.kind = Kind::kStripAccents}}, "a\u0301\u4e16\u302a\u9fff\u0300b"),
            "a\u4e16\u9fffb");
  EXPECT_EQ(Apply({{.kind = Kind::kBert, .clean_text = false}}, "a\u4fff\u5000\u9fff\ua000"),
            "a \u4fff  \u5000  \u9fff \ua000");
}

TEST(NormalizerTest, StripAccentsTakesMarksOfEveryKindAndBertsOnlyOldNonspacingOnes) {
  const std::string text = "a\u0301\u093E\u20E3\u1ABFb";
  EXPECT_EQ(Apply({{.kind = Kind::kStripAccents}}, text), "ab");
  EXPECT_EQ(Apply({{.kind = Kind::kBert, .strip_accents = true}}, text), "a\u093E\u20E3\u1ABFb");
}

TEST(NormalizerTest, NmtRemovesControlsAndKnowsManyBlanks) {
  EXPECT_EQ(Apply({{.kind = Kind::kNmt}}, "a\u0001\tb\u200B\u2581\uFEFFc\u007F\u00A0\u4E16"),
            "a b   c\u00A0\u4E16");
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
