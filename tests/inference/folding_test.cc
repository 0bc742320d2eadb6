#include "inference/folding.h"

#include <gtest/gtest.h>

#include <string>

#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

std::string Folded(std::string_view text) {
  std::string folded;
  FoldedReader reader(text);
  for (FoldedChar c; reader.Next(c);) {
    if (c.char_class != CharClass::kIgnored) AppendUtf8(c.code_point, folded);
  }
  return folded;
}

CharClass ClassOfFirst(std::string_view text) {
  FoldedReader reader(text);
  FoldedChar c;
  EXPECT_TRUE(reader.Next(c));
  return c.char_class;
}

TEST(Folding, TakesOffCaseWidthAndAccents) {
  EXPECT_EQ(Folded("ÀÉÎõü Ω Й Ａ１"), "aeiou ω и a1");
  EXPECT_EQ(Folded("e\u0301 \uFB01 ㎏ ½ ß ø"), "e fi kg 1\u20442 ss o");
  EXPECT_EQ(Folded("soft\u00ADhyphen a\u200Db"), "softhyphen ab");
}

TEST(Folding, KeepsTheMarksOfOtherScripts) { EXPECT_EQ(Folded("が हिन्दी"), "が हिन्दी"); }

TEST(Folding, TellsScriptsApart) {
  EXPECT_EQ(ClassOfFirst("a"), CharClass::kLetter);
  EXPECT_EQ(ClassOfFirst("９"), CharClass::kDigit);
  EXPECT_EQ(ClassOfFirst("中"), CharClass::kHan);
  EXPECT_EQ(ClassOfFirst("𠮷"), CharClass::kHan);
  EXPECT_EQ(ClassOfFirst("カ"), CharClass::kKana);
  EXPECT_EQ(ClassOfFirst("한"), CharClass::kHangul);
  EXPECT_EQ(ClassOfFirst("ไ"), CharClass::kSoutheastAsian);
  EXPECT_EQ(ClassOfFirst("。"), CharClass::kBreak);
  EXPECT_EQ(ClassOfFirst("🙂"), CharClass::kBreak);
}

TEST(Folding, RangesTileTheOriginal) {
  const std::string text = "aÉ㎏中\xFF🙂é";
  std::uint32_t end = 0;
  FoldedReader reader(text);
  for (FoldedChar c; reader.Next(c);) {
    EXPECT_TRUE(c.start == end || c.end == end);
    end = c.end;
  }
  EXPECT_EQ(end, text.size());
}

}  // namespace
}  // namespace citeseek::inference
