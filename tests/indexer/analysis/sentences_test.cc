#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "indexer/analyzer.h"
#include "inference/utf8.h"

namespace citeseek::indexer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Sentences(std::string_view text) {
  std::vector<std::string> sentences;
  std::uint32_t last = 0;
  for (const ByteRange& s : SplitSentences(text)) {
    EXPECT_LE(last, s.start);
    EXPECT_LT(s.start, s.end);
    EXPECT_LE(s.end, text.size());
    last = s.end;
    sentences.emplace_back(text.substr(s.start, s.end - s.start));
  }
  return sentences;
}

TEST(SplitSentences, EndsAtMarksAndKeepsThem) {
  EXPECT_THAT(Sentences("  One fish. Two fish! Is it three? Yes...  "),
              ElementsAre("One fish.", "Two fish!", "Is it three?", "Yes..."));
}

TEST(SplitSentences, ADotBetweenChineseCharactersEndsASentenceOnlyWhereNoOtherStopsAre) {
  EXPECT_THAT(Sentences("按“主版本.次版本”编排。新的在后。"),
              ElementsAre("按“主版本.次版本”编排。", "新的在后。"));
  EXPECT_THAT(Sentences("我去了.他也去了."), ElementsAre("我去了.", "他也去了."));
}

TEST(SplitSentences, KeepsAbbreviationsWhole) {
  EXPECT_THAT(Sentences("Dr. Smith met Mr. J. K. Brown of the U.S. Army. He left."),
              ElementsAre("Dr. Smith met Mr. J. K. Brown of the U.S. Army.", "He left."));
  EXPECT_THAT(Sentences("See No. 5 and Fig. 2, e.g. Apples. I said no. It ended."),
              ElementsAre("See No. 5 and Fig. 2, e.g. Apples.", "I said no.", "It ended."));
  EXPECT_THAT(Sentences("Made by Acme Inc. in 1990. It was sold to Foo Ltd. The end."),
              ElementsAre("Made by Acme Inc. in 1990.", "It was sold to Foo Ltd.", "The end."));
  EXPECT_THAT(Sentences("He moved to the U.S. The year was 1950."),
              ElementsAre("He moved to the U.S.", "The year was 1950."));
}

TEST(SplitSentences, KeepsDecimalsVersionsAndAddressesWhole) {
  EXPECT_THAT(
      Sentences("Pi is 3.14. Version v2.3.1 is at https://a.example/x?y=1. Get std.io now."),
      ElementsAre("Pi is 3.14.", "Version v2.3.1 is at https://a.example/x?y=1.",
                  "Get std.io now."));
}

TEST(SplitSentences, TakesClosingQuotesAlong) {
  EXPECT_THAT(Sentences("He said \"Stop.\" Then (it was late.) “No!” she cried."),
              ElementsAre("He said \"Stop.\"", "Then (it was late.)", "“No!” she cried."));
  EXPECT_THAT(Sentences("他说：“不。”然后走了。真的（是吗？）对"),
              ElementsAre("他说：“不。”", "然后走了。", "真的（是吗？）", "对"));
}

TEST(SplitSentences, CutsChinese) {
  EXPECT_THAT(Sentences("今天下雨。明天呢？晴！一；二……三"),
              ElementsAre("今天下雨。", "明天呢？", "晴！", "一；", "二……", "三"));
  EXPECT_THAT(Sentences("电影《你好！》上映了。价格是3.5元。"),
              ElementsAre("电影《你好！》上映了。", "价格是3.5元。"));
}

TEST(SplitSentences, GivesHeadingsItemsAndRowsTheirOwn) {
  EXPECT_THAT(Sentences("# A title\nText here\n\n- first item\n- second. Two parts.\n\n"
                        "Under\n=====\n| a | b |\n|---|---|\n| 1 | 2 |\n1. numbered\n"),
              ElementsAre("A title", "Text here", "first item", "second.", "Two parts.", "Under",
                          "| a | b |", "| 1 | 2 |", "numbered"));
}

TEST(SplitSentences, JoinsWrappedLines) {
  EXPECT_THAT(Sentences("This sentence is wrapped\nat some column. Next\none."),
              ElementsAre("This sentence is wrapped\nat some column.", "Next\none."));
  EXPECT_THAT(Sentences("第一行\n第二行"), ElementsAre("第一行", "第二行"));
  EXPECT_THAT(Sentences("Name\nAddress"), ElementsAre("Name", "Address"));
}

TEST(SplitSentences, LeavesOutWhatHoldsNoWord) {
  EXPECT_THAT(Sentences("---\n...\n\n***\n。。。\n```\n"), IsEmpty());
  EXPECT_THAT(Sentences(""), IsEmpty());
}

TEST(SplitSentences, NeverSplitsACodePointAndIsLinearOnHostileText) {
  EXPECT_EQ(Sentences(std::string(4 << 20, 'x')).size(), 1u);
  EXPECT_THAT(Sentences(std::string(4 << 20, '.')), IsEmpty());
  std::string mixed;
  for (int i = 0; i < 200000; ++i) mixed += i % 3 == 0 ? "。" : i % 3 == 1 ? "a. (" : "é\n>";
  for (const std::string& s : Sentences(mixed)) EXPECT_TRUE(inference::IsValidUtf8(s));
  std::string bad = "ab\xFF\xE4\xB8. Cd\x80.";
  EXPECT_EQ(Sentences(bad).size(), 2u);
}

}  // namespace
}  // namespace citeseek::indexer
