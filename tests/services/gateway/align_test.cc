#include "services/gateway/align.h"

#include <gtest/gtest.h>

#include <memory>

namespace citeseek::gateway {
namespace {

class AlignTest : public ::testing::Test {
 protected:
  Difference::Kind Compare(std::string_view claim, std::string_view source) const {
    const auto a = ReadStatement(claim, *analyzer_).tokens;
    const auto b = ReadStatement(source, *analyzer_).tokens;
    return FindDifference(a, b, AlignTokens(a, b), {}).kind;
  }
  const std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
};
using Kind = Difference::Kind;

TEST_F(AlignTest, TheSameInAnotherOrderIsNoDifference) {
  EXPECT_EQ(Compare("In 1998 the bridge opened", "The bridge opened in 1998"), Kind::kNone);
  EXPECT_EQ(Compare("它于1998年在北京成立。", "1998年，它成立于北京。"), Kind::kNone);
  EXPECT_EQ(Compare("", ""), Kind::kNone);
  EXPECT_EQ(Compare("a b", "c d"), Kind::kNone);
}

TEST_F(AlignTest, AValueThatStandsElsewhereTooIsMissedAtItsOwnPlace) {
  EXPECT_EQ(
      Compare("between 2002 and 1984, extended in 2002", "between 1980 and 1984, extended in 2002"),
      Kind::kValue);
  EXPECT_EQ(Compare("可持续4至4周", "可持续2至4周"), Kind::kValue);
  EXPECT_EQ(Compare("Halden of Chicago runs the Halden school",
                    "University of Chicago runs the Halden school"),
            Kind::kName);
}

TEST_F(AlignTest, WhatOpensACopyIsMissedThereEvenIfTheSourceHoldsItElsewhere) {
  EXPECT_EQ(Compare("2004年的普查记录到740只", "2019年的普查记录到740只，而2004年为1150只"),
            Kind::kValue);
  EXPECT_NE(
      Compare("沙海明提议今年秋天更换锅炉", "唐若莎提议今年秋天更换锅炉，沙海明提议等到2027年"),
      Kind::kNone);
  EXPECT_EQ(Compare("She has lived in Leipzig since 1981",
                    "She was born in 1981 and has lived in Leipzig since 2006"),
            Kind::kValue);
}

TEST_F(AlignTest, ADenialPutIntoACopyOrLeftOutIsFoundWhateverItReaches) {
  EXPECT_EQ(Compare("开展定点检查和定时抽查等行动", "开展定点检查和不定时抽查等行动"),
            Kind::kDenial);
  EXPECT_EQ(Compare("更换保险杠花了多少钱，便同意私了", "更换保险杠花不了多少钱，便同意私了"),
            Kind::kDenial);
  EXPECT_EQ(Compare("开展不定时抽查等行动", "开展定点检查和不定时抽查等行动"), Kind::kNone);
}

TEST_F(AlignTest, OtherWordsCountWhereTheRestIsACopy) {
  EXPECT_EQ(Compare("该展览馆计划每年接待学生一万名", "该展览馆计划每年培训学生一万名"),
            Kind::kPlainWording);
  EXPECT_EQ(Compare("每年接待的都是学生", "展览馆每年培训一万名，其中多数是本市学生"),
            Kind::kReworded);
}

TEST_F(AlignTest, OppositesOnEitherSideAreADifference) {
  EXPECT_EQ(Compare("it rose at lower heat and fell at lower heat",
                    "it rose at higher heat and fell at lower heat"),
            Kind::kSide);
  EXPECT_EQ(Compare("营收减少2%，利润减少3%", "营收增加2%，利润减少3%"), Kind::kSide);
  EXPECT_EQ(Compare("it was not opened", "it was opened"), Kind::kDenial);
  EXPECT_EQ(Compare("大会没有举行", "大会举行"), Kind::kDenial);
  EXPECT_EQ(Compare("the flag is not given", "the flag is given"), Kind::kDenial);
}

TEST_F(AlignTest, AnotherNameBetweenTheSameCharactersIsADifference) {
  EXPECT_EQ(Compare("他出身于沪江国安队", "他出身于北京国安队"), Kind::kWording);
  EXPECT_EQ(Compare("它位于浙江省当代大学许村镇", "它位于浙江省嘉兴市许村镇"), Kind::kWording);
  EXPECT_EQ(Compare("他拍摄过《豪门》等剧", "他拍摄过《今朝》等剧"), Kind::kWording);
}

TEST_F(AlignTest, AnotherWordForTheSameIsNone) {
  EXPECT_EQ(Compare("大桥于五月竣工通车", "大桥于五月建成通车"), Kind::kNone);
  EXPECT_EQ(Compare("他在哈佛获得学位", "他在哈佛取得学位"), Kind::kNone);
}

TEST_F(AlignTest, ALongSentenceWithOneWordChangedWasChanged) {
  EXPECT_EQ(Compare("大桥横跨镜湖北口，由本地商人出资，于当年五月拆毁通车，至今仍可步行",
                    "大桥横跨镜湖北口，由本地商人出资，于当年五月建设通车，至今仍可步行"),
            Kind::kWording);
}

TEST_F(AlignTest, WhatWasMovedIsNoSwap) {
  EXPECT_EQ(Compare("the first American to win it was Paul Samuelson",
                    "Paul Samuelson, the first American to win it, Eugene Fama"),
            Kind::kNone);
}

}  // namespace
}  // namespace citeseek::gateway
