#include "inference/model/tokenizer/pre_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "inference/model/tokenizer/tokenizer_json.h"

namespace citeseek::inference {
namespace {

using ::testing::ElementsAre;

// The words of a text by a pre-tokenizer of tokenizer.json.
std::vector<std::string> Words(const std::string& json, std::string_view text) {
  const auto spec = ParseTokenizerJson(
      absl::StrCat(R"({"model": {"type": "WordPiece", "vocab": {}}, "pre_tokenizer": )", json, "}"),
      "", "test");
  if (!spec.ok()) return {std::string(spec.status().message())};
  const auto pre_tokenizer = PreTokenizer::Make(spec->pre_tokenizer);
  if (!pre_tokenizer.ok()) return {std::string(pre_tokenizer.status().message())};
  std::vector<std::string> words;
  pre_tokenizer->Split(text, true, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

std::vector<std::string> AtDashes(const std::string& behavior, bool invert) {
  return Words(absl::StrCat(R"({"type": "Split", "pattern": {"String": "-"}, "behavior": ")",
                            behavior, R"(", "invert": )", invert ? "true}" : "false}"),
               "--a--b-c");
}

TEST(PreTokenizerTest, AMatchStandsAloneOrGoesOrJoinsWhatIsBesideIt) {
  EXPECT_THAT(AtDashes("Removed", false), ElementsAre("a", "b", "c"));
  EXPECT_THAT(AtDashes("Removed", true), ElementsAre("-", "-", "-", "-", "-"));
  EXPECT_THAT(AtDashes("Isolated", false), ElementsAre("-", "-", "a", "-", "-", "b", "-", "c"));
  EXPECT_THAT(AtDashes("MergedWithPrevious", false), ElementsAre("-", "-", "a-", "-", "b-", "c"));
  EXPECT_THAT(AtDashes("MergedWithPrevious", true), ElementsAre("-", "-a", "-", "-b", "-c"));
  EXPECT_THAT(AtDashes("MergedWithNext", false), ElementsAre("-", "-a", "-", "-b", "-c"));
  EXPECT_THAT(AtDashes("MergedWithNext", true), ElementsAre("-", "-", "a-", "-", "b-", "c"));
  EXPECT_THAT(AtDashes("Contiguous", false), ElementsAre("--", "a", "--", "b", "-", "c"));
  EXPECT_THAT(AtDashes("Elsewhere", false),
              ElementsAre("test: split behavior \"Elsewhere\" is unknown"));
}

TEST(PreTokenizerTest, PunctuationJoinsWhatIsBesideItToo) {
  EXPECT_THAT(Words(R"({"type": "Punctuation"})", "a.,b"), ElementsAre("a", ".", ",", "b"));
  EXPECT_THAT(Words(R"({"type": "Punctuation", "behavior": "Contiguous"})", "a.,b;c"),
              ElementsAre("a", ".,", "b", ";", "c"));
  EXPECT_THAT(Words(R"({"type": "Punctuation", "behavior": "MergedWithNext"})", "a.,b;c"),
              ElementsAre("a", ".", ",b", ";c"));
}

TEST(PreTokenizerTest, PunctuationIsThatOfUnicode8) {
  EXPECT_THAT(Words(R"({"type": "BertPreTokenizer"})", "a\u2E43b\u061Dc\u166Dd.e"),
              ElementsAre("a\u2E43b\u061Dc", "\u166D", "d", ".", "e"));
}

TEST(PreTokenizerTest, WordsOfWhitespaceAreLettersMarksDigitsAndJoiners) {
  EXPECT_THAT(Words(R"({"type": "Whitespace"})", "a\u200Db \u2460\u24D0x\u00B2 _1"),
              ElementsAre("a\u200Db", "\u2460", "\u24D0x", "\u00B2", "_1"));
}

TEST(PreTokenizerTest, ADelimiterGoes) {
  EXPECT_THAT(Words(R"({"type": "CharDelimiterSplit", "delimiter": "|"})", "a|b||c"),
              ElementsAre("a", "b", "c"));
}

}  // namespace
}  // namespace citeseek::inference
