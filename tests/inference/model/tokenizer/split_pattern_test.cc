#include "inference/model/tokenizer/split_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace citeseek::inference {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Pieces(std::string_view regex, std::string_view text, bool linear = true) {
  const auto pattern = SplitPattern::Compile(regex);
  EXPECT_TRUE(pattern.ok()) << pattern.status();
  std::vector<std::string> pieces;
  if (!pattern.ok()) return pieces;
  EXPECT_EQ(pattern->linear(), linear);
  pattern->Split(text, [&](std::string_view piece, bool is_match) {
    pieces.push_back((is_match ? "+" : "-") + std::string(piece));
  });
  return pieces;
}

TEST(SplitPatternTest, ClassesCountsAndLookAheadMatchAsInRegularExpressions) {
  EXPECT_THAT(Pieces(R"(\p{N}{1,3})", "a12345"), ElementsAre("-a", "+123", "+45"));
  EXPECT_THAT(Pieces(R"(\s+(?!\S)|\s+)", "a   b "), ElementsAre("-a", "+  ", "+ ", "-b", "+ "));
  EXPECT_THAT(Pieces(R"((?i:'s|'t)|[^\r\n\p{L}]?\p{L}+)", "it'S on"),
              ElementsAre("+it", "+'S", "+ on"));
  EXPECT_THAT(Pieces(R"([!"#\]\\^-][a-z]+)", "^x]y"), ElementsAre("+^x", "+]y"));
  EXPECT_THAT(Pieces(R"(\s*[\r\n]+)", "a \n\n b"), ElementsAre("-a", "+ \n\n", "- b"));
}

TEST(SplitPatternTest, WhatTheSubsetLacksGoesToIcu) {
  EXPECT_THAT(Pieces(R"((a|b)+c)", "xabc", false), ElementsAre("-x", "+abc"));
  EXPECT_FALSE(SplitPattern::Compile("(").ok());
  EXPECT_FALSE(SplitPattern::Compile("").ok());
}

TEST(SplitPatternTest, LiteralsMatchAsTheyAre) {
  std::vector<std::string> pieces;
  SplitPattern::Literal("..").Split(
      "a..b", [&](std::string_view piece, bool) { pieces.emplace_back(piece); });
  EXPECT_THAT(pieces, ElementsAre("a", "..", "b"));
}

}  // namespace
}  // namespace citeseek::inference
