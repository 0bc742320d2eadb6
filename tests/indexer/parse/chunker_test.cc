#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "indexer/document.h"
#include "inference/utf8.h"

namespace citeseek::indexer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// The passages as text, after checking what is promised of all passages.
std::vector<std::string> Passages(const std::string& text) {
  std::vector<std::string> passages;
  const auto expect_blank = [&](std::size_t start, std::size_t end) {
    for (std::size_t i = start; i < end; ++i) {
      EXPECT_TRUE(text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r')) << "byte " << i;
    }
  };
  std::size_t last = 0;
  for (const ByteRange& p : SplitIntoPassages(text)) {
    EXPECT_LE(last, p.start);
    EXPECT_LT(p.start, p.end);
    expect_blank(last, p.start);
    last = p.end;
    passages.push_back(text.substr(p.start, p.end - p.start));
    EXPECT_LE(passages.back().size(), 4000u);
  }
  expect_blank(last, text.size());
  return passages;
}

std::string Repeat(const std::string& piece, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += piece;
  return text;
}

TEST(SplitIntoPassages, LeavesShortTextsWhole) {
  EXPECT_THAT(Passages("  One paragraph.\n\nAnother. \n"),
              ElementsAre("One paragraph.\n\nAnother."));
  EXPECT_THAT(Passages(""), IsEmpty());
  EXPECT_THAT(Passages(" \n\t\n"), IsEmpty());
}

TEST(SplitIntoPassages, StartsAtHeadingsAndKeepsThemWithTheirText) {
  const std::string body = Repeat("Some words of a section. ", 20);
  const auto passages = Passages("# One\n\n" + body + "\n\n## Two\n### Two and a half\n\n" + body +
                                 "\n\nThree\n=====\n" + body);
  ASSERT_EQ(passages.size(), 3u);
  EXPECT_THAT(passages[0], StartsWith("# One\n\nSome"));
  EXPECT_THAT(passages[1], StartsWith("## Two\n### Two and a half\n\nSome"));
  EXPECT_THAT(passages[2], StartsWith("Three\n=====\nSome"));
}

TEST(SplitIntoPassages, KeepsALineThatNamesAParagraphWithIt) {
  const std::string body = Repeat("Some words of a meaning. ", 30);
  const auto passages = Passages("lamp\n\n" + body + "\n\n--quiet\n\n-q\n\n" + body);
  ASSERT_EQ(passages.size(), 2u);
  EXPECT_THAT(passages[0], StartsWith("lamp\n\nSome"));
  EXPECT_THAT(passages[1], StartsWith("--quiet\n\n-q\n\nSome"));
}

TEST(SplitIntoPassages, CutsLongParagraphsAtSentences) {
  const auto passages = Passages(Repeat("This is sentence number 3.14 of many. ", 200));
  ASSERT_GT(passages.size(), 3u);
  for (const std::string& p : passages) {
    EXPECT_THAT(p, StartsWith("This is"));
    EXPECT_EQ(p.back(), '.');
  }
  for (const std::string& p : Passages(Repeat("这是许多句子中的一句。", 300))) {
    EXPECT_THAT(p, StartsWith("这是"));
  }
}

TEST(SplitIntoPassages, KeepsTablesAndCodeWholeWhenTheyFit) {
  const std::string words = Repeat("Words before it. ", 50);
  const std::string table = Repeat("| key | value |\n", 60);
  const std::string code = "```\n" + Repeat("call();\n\n", 100) + "```\n";
  bool whole_table = false, whole_code = false;
  for (const std::string& p : Passages(words + "\n\n" + table + "\n\n" + code)) {
    whole_table = whole_table || p.find(table.substr(0, table.size() - 1)) != std::string::npos;
    whole_code = whole_code || p.find(code.substr(0, code.size() - 1)) != std::string::npos;
  }
  EXPECT_TRUE(whole_table);
  EXPECT_TRUE(whole_code);
  for (const std::string& p : Passages(Repeat("| key | value |\n", 1000))) {
    EXPECT_THAT(p, StartsWith("| key"));
  }
}

TEST(SplitIntoPassages, IsLinearAndExactOnHostileText) {
  EXPECT_GT(Passages(std::string(4 << 20, 'x')).size(), 1000u);
  EXPECT_GT(Passages(std::string(4 << 20, '.')).size(), 1000u);
  EXPECT_GT(Passages(Repeat("中", 1 << 20)).size(), 1000u);
  EXPECT_GT(Passages(Repeat("a\n\n", 1 << 20)).size(), 100u);
  EXPECT_GT(Passages(Repeat("# h\n", 1 << 18)).size(), 10u);
  EXPECT_GT(Passages(Repeat("```\n", 1 << 18)).size(), 10u);
  EXPECT_GT(Passages(Repeat("|\n", 1 << 20)).size(), 10u);
  for (const std::string& p : Passages(Repeat("é中🙂", 1 << 16))) {
    EXPECT_TRUE(inference::IsValidUtf8(p));
  }
  Passages(std::string("ab\xFF\x80 c\0d", 9));
}

}  // namespace
}  // namespace citeseek::indexer
