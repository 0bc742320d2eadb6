#include "inference/model/tokenizer/split_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace citeseek::inference {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Split(const SplitPattern& pattern, std::string_view text) {
  std::vector<std::string> pieces;
  pattern.Split(text, [&](std::string_view piece, bool is_match) {
    pieces.push_back((is_match ? "+" : "-") + std::string(piece));
  });
  return pieces;
}

std::vector<std::string> Pieces(std::string_view regex, std::string_view text, bool linear = true) {
  const auto pattern = SplitPattern::Compile(regex);
  EXPECT_TRUE(pattern.ok()) << pattern.status();
  if (!pattern.ok()) return {};
  EXPECT_EQ(pattern->linear(), linear);
  return Split(*pattern, text);
}

TEST(SplitPatternTest, ClassesCountsAndLookAheadMatchAsInRegularExpressions) {
  EXPECT_THAT(Pieces(R"(\p{N}{1,3})", "a12345"), ElementsAre("-a", "+123", "+45"));
  EXPECT_THAT(Pieces(R"(\s+(?!\S)|\s+)", "a   b "), ElementsAre("-a", "+  ", "+ ", "-b", "+ "));
  EXPECT_THAT(Pieces(R"((?i:'s|'t)|[^\r\n\p{L}]?\p{L}+)", "it'S on"),
              ElementsAre("+it", "+'S", "+ on"));
  EXPECT_THAT(Pieces(R"([!"#\]\\^-][a-z]+)", "^x]y"), ElementsAre("+^x", "+]y"));
  EXPECT_THAT(Pieces(R"(\s*[\r\n]+)", "a \n\n b"), ElementsAre("-a", "+ \n\n", "- b"));
}

TEST(SplitPatternTest, WordCharactersAreThoseOfOniguruma) {
  EXPECT_THAT(Pieces(R"(\w+)", "a\u0301_1\u00B2 \u2460\u24D0\u2074\u200D"),
              ElementsAre("+a\u0301_1\u00B2", "- \u2460", "+\u24D0", "-\u2074\u200D"));
}

TEST(SplitPatternTest, ClassesHaveTheCharactersOfUnicode16ThatTextsHave) {
  EXPECT_THAT(Pieces(R"(\p{L}+)", "\U0002EBF0\U0002EE5D\U0002EE5E"),
              ElementsAre("+\U0002EBF0\U0002EE5D", "-\U0002EE5E"));
  EXPECT_THAT(Pieces(R"(\w+)", "\U0002EBF0.a"), ElementsAre("+\U0002EBF0", "-.", "+a"));
  EXPECT_THAT(Pieces(R"(\p{S}+)", "\u2FFC\U0001FAE9\U0001FAEA"),
              ElementsAre("+\u2FFC\U0001FAE9", "-\U0001FAEA"));
  EXPECT_THAT(Pieces(R"([^\s\p{L}]+)", "\U0002EBF0.\u31EF"),
              ElementsAre("-\U0002EBF0", "+.\u31EF"));
}

TEST(SplitPatternTest, WhatTheSubsetLacksGoesToIcu) {
  EXPECT_THAT(Pieces(R"((a|b)+c)", "xabc", false), ElementsAre("-x", "+abc"));
  EXPECT_FALSE(SplitPattern::Compile("(").ok());
  EXPECT_FALSE(SplitPattern::Compile("").ok());
}

// The patterns of Qwen2 and Llama 3, of DeepSeek-V3, of GPT-2, and what their parts do not show.
TEST(SplitPatternTest, RandomTextsAreCutAsIcuCutsThem) {
  const char* const patterns[] = {
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
      R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
      R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
      "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
      R"(\p{N}{1,3})",
      R"(\p{L}{2,3}\p{N}?)",
      R"([\p{L}\p{N}]*\p{N}+)",
      R"(\S+\s?\p{L})",
      R"(\p{L}?[^\p{L}]\s*\p{N})"};
  const char* const parts[] = {
      "a",      "B",      "'",      "s",          "'S",         " ",          "  ",
      "\n",     "\r\n",   "7",      "12",         ",",          "-",          "\u00e9",
      "\u0301", "\u00a0", "\u3000", "\u4e16",     "\u4dc0",     "\u5927",     "\u3042",
      "\uff0c", "\u0661", "\u20ac", "\U0001F600", "\U00020000", "\U0001D7D9", "\u017f"};
  std::mt19937 random(1);
  for (const std::string pattern : patterns) {
    const auto ours = SplitPattern::Compile(pattern);
    const auto icu = SplitPattern::Compile("(?:(?:" + pattern + "))");
    ASSERT_TRUE(ours.ok() && ours->linear()) << pattern;
    ASSERT_TRUE(icu.ok() && !icu->linear()) << icu.status();
    for (int i = 0; i < 300; ++i) {
      std::string text;
      for (std::size_t n = random() % 20; n > 0; --n) text += parts[random() % std::size(parts)];
      EXPECT_EQ(Split(*ours, text), Split(*icu, text)) << pattern << " on " << text;
    }
  }
}

TEST(SplitPatternTest, LiteralsMatchAsTheyAre) {
  std::vector<std::string> pieces;
  SplitPattern::Literal("..").Split(
      "a..b", [&](std::string_view piece, bool) { pieces.emplace_back(piece); });
  EXPECT_THAT(pieces, ElementsAre("a", "..", "b"));
}

}  // namespace
}  // namespace citeseek::inference
