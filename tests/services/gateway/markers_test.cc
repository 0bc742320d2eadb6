#include "services/gateway/markers.h"

#include <gtest/gtest.h>

#include <string>

namespace citeseek::gateway {
namespace {

std::string Filter(const std::string& text, std::size_t piece = 1000, int sources = 3) {
  MarkerFilter filter(sources);
  std::vector<MarkedText> out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = std::min(i + piece, text.size());
    while (end < text.size() && (text[end] & 0xC0) == 0x80) ++end;  // whole UTF-8
    filter.Feed(text.substr(i, end - i), &out);
    i = end;
  }
  filter.Finish(&out);
  std::string joined;
  for (const MarkedText& part : out) {
    EXPECT_FALSE(part.text.empty());
    if (part.marker != 0) {
      EXPECT_EQ(part.text, "[" + std::to_string(part.marker) + "]");
    }
    joined += part.text;
  }
  return joined;
}

TEST(MarkerFilter, NormalisesEveryWayOfWritingAMarker) {
  for (std::size_t piece : {1, 2, 3, 1000}) {
    EXPECT_EQ(Filter("a [1].", piece), "a [1].");
    EXPECT_EQ(Filter("a [1,2].", piece), "a [1][2].");
    EXPECT_EQ(Filter("a [1, 3]", piece), "a [1][3]");
    EXPECT_EQ(Filter("a [1][2].", piece), "a [1][2].");
    EXPECT_EQ(Filter("a [1-3].", piece), "a [1][2][3].");
    EXPECT_EQ(Filter("a[citation:1][citation:2]", piece), "a[1][2]");
    EXPECT_EQ(Filter("a [citation:1, citation:2]", piece), "a [1][2]");
    EXPECT_EQ(Filter("a [citation: 2]", piece), "a [2]");
    EXPECT_EQ(Filter("a [[1]] b", piece), "a [1] b");
    EXPECT_EQ(Filter("a [^2] b", piece), "a [2] b");
    EXPECT_EQ(Filter("甲【1】。", piece), "甲[1]。");
    EXPECT_EQ(Filter("甲【1†source】。", piece), "甲[1]。");
    EXPECT_EQ(Filter("甲［１］，［2］", piece), "甲[1]，[2]");
    EXPECT_EQ(Filter("甲[来源：3]（citation:1）", piece), "甲[3][1]");
    EXPECT_EQ(Filter("a (citation:1)", piece), "a [1]");
  }
}

TEST(MarkerFilter, DropsMarkersOfSourcesThatDoNotExist) {
  for (std::size_t piece : {1, 1000}) {
    EXPECT_EQ(Filter("fact [4].", piece), "fact.");
    EXPECT_EQ(Filter("fact [4][1] and [0] more", piece), "fact [1] and more");
    EXPECT_EQ(Filter("fact [1, 99].", piece), "fact [1].");
    EXPECT_EQ(Filter("fact [citation:7777].", piece), "fact.");
    EXPECT_EQ(Filter("fact [1][1] [1].", piece), "fact [1].");
  }
}

TEST(MarkerFilter, LeavesOtherBracketsAlone) {
  for (std::size_t piece : {1, 1000}) {
    for (const char* text :
         {"in [2024] it", "[0, 1] is closed", "[link](http://x)", "[ ] todo", "[x] done", "a[i]",
          "(1) first", "(citation needed)", "[see 1]", "【注】", "[1.5]", "［甲］", "[", "a [1",
          "【", "  two  spaces  ", "[[a]]", "", "[1,]"}) {
      EXPECT_EQ(Filter(text, piece), text);
    }
  }
}

TEST(MarkerFilter, LeavesCodeAlone) {
  for (std::size_t piece : {1, 2, 1000}) {
    EXPECT_EQ(Filter("use `a[1]` here [citation:1]", piece), "use `a[1]` here [1]");
    EXPECT_EQ(Filter("``x ` y[9]`` [9]", piece), "``x ` y[9]``");
    EXPECT_EQ(Filter("```c\na[1] = b[9];\n```\nso [[1]]", piece),
              "```c\na[1] = b[9];\n```\nso [1]");
    EXPECT_EQ(Filter("it`s fine [[1]]\nand [[2]]", piece), "it`s fine [[1]]\nand [2]");
  }
}

TEST(MarkerFilter, HoldsBackNoMoreThanAMarker) {
  MarkerFilter filter(3);
  std::vector<MarkedText> out;
  const std::string text = "[citation:" + std::string(1000, ' ');
  filter.Feed(text, &out);
  std::size_t emitted = 0;
  for (const MarkedText& part : out) emitted += part.text.size();
  EXPECT_GE(emitted + kMaxMarkerBytes + 8, text.size());
}

TEST(MarkerFilter, IsLinearOnHostileText) {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += i % 3 == 0 ? "[" : i % 3 == 1 ? "[[1," : "`【1†";
  EXPECT_FALSE(Filter(text, 1).empty());
  EXPECT_EQ(Filter(std::string(300000, '`'), 1).size(), 300000u);
  EXPECT_EQ(Filter(std::string(300000, ' '), 1).size(), 300000u);
}

}  // namespace
}  // namespace citeseek::gateway
