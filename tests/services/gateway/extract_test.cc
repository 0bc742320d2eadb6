#include "services/gateway/extract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

retrieval::Hit MakeHit(std::string id, std::string title, std::string text) {
  return {.document_id = std::move(id), .title = std::move(title), .text = std::move(text)};
}

Extract Ask(const std::string& question, const std::vector<retrieval::Hit>& hits) {
  const auto analyzer = indexer::MakeAnalyzer();
  Evidence evidence(hits, *analyzer);
  return ExtractAnswer(question, ReadCues(question), &evidence);
}

TEST(Extract, ASecondSentenceThatAnswersNothingIsLeftOut) {
  const Extract extract = Ask(
      "青石茶厂是哪一年成立的？",
      {MakeHit("a", "青石茶厂",
               "青石茶厂成立于1956年3月，由六个合作社合并而成。2003年改制，现任厂长是陆文昭。")});
  ASSERT_EQ(extract.sentences.size(), 1u);
  EXPECT_THAT(extract.sentences[0].text, HasSubstr("1956"));
}

TEST(Extract, DatesInChineseNumeralsDisagreeWithDigits) {
  const Extract extract =
      Ask("青石茶厂是哪一年成立的？",
          {MakeHit("a", "青石茶厂概况", "青石茶厂成立于1956年3月，由六个合作社合并而成。"),
           MakeHit("b", "大事记", "一九五七年四月，青石茶厂正式成立，首任厂长是何广田。")});
  EXPECT_THAT(extract.disagreement, UnorderedElementsAre("1956年3月", "一九五七年四月"));
  EXPECT_EQ(extract.sentences.size(), 2u);
}

TEST(Extract, TheSameDateWrittenDifferentlyIsNoDisagreement) {
  const Extract extract =
      Ask("青石茶厂是哪一年成立的？",
          {MakeHit("a", "青石茶厂概况", "青石茶厂成立于1957年4月，由六个合作社合并而成。"),
           MakeHit("b", "大事记", "一九五七年四月，青石茶厂正式成立，首任厂长是何广田。")});
  EXPECT_THAT(extract.disagreement, ElementsAre());
}

TEST(Extract, TitlesAndTableHeadersAnswerNothing) {
  const Extract extract = Ask(
      "What is the ticket price?",
      {MakeHit("a", "Ticket price list", "Ticket price list\n\nTicket | Price\nAdult | 7.50\n")});
  for (const ExtractedSentence& sentence : extract.sentences) {
    EXPECT_EQ(sentence.text, "Ticket: Adult; Price: 7.50");
  }
}

TEST(Extract, TheLatestIsTheRowWithTheLastDate) {
  const Extract extract = Ask(
      "What is the latest version of Falcon?",
      {MakeHit("a", "Falcon releases",
               "Version numbers of Falcon have two parts.\n\nVersion | Released\n2.9 | 4 April "
               "2023\n2.10 | 3 June 2025\n2.8 | 1 May 2022\n\nStores written by 2.8 can be read "
               "by every later version.")});
  ASSERT_FALSE(extract.sentences.empty());
  EXPECT_THAT(extract.sentences[0].text, HasSubstr("2.10"));
}

TEST(Extract, AVersionThatNoPassageKnowsIsNotAnsweredByOthers) {
  const std::vector<retrieval::Hit> hits = {
      MakeHit("a", "Falcon releases",
              "Version | Released\n2.9 | 2023-04-01\n3.0.1 | 2023-11-15\n13.0 | 2024-02-02\n")};
  EXPECT_TRUE(Ask("When was Falcon 3.0 released?", hits).sentences.empty());
  EXPECT_FALSE(Ask("When was Falcon 2.9 released?", hits).sentences.empty());
  EXPECT_FALSE(Ask("When was Falcon 3.0.1 released?", hits).sentences.empty());
}

TEST(Extract, AColumnsHeadCarriesItsCharacters) {
  const Extract extract =
      Ask("青石红用多少度的水泡？",
          {MakeHit("a", "冲泡指南",
                   "| 茶类 | 茶量 | 水温 | 第一泡 |\n|---|---|---|---|\n| 青石毛峰 | 3 克 | "
                   "80 摄氏度 | 60 秒 |\n| 青石红 | 4 克 | 92 摄氏度 | 25 秒 |\n")});
  ASSERT_FALSE(extract.sentences.empty());
  EXPECT_THAT(extract.sentences[0].text, HasSubstr("92"));
}

TEST(Extract, ARowAnswersNothingByItsTitleAndColumnsAlone) {
  const std::vector<retrieval::Hit> hits = {
      MakeHit("a", "Falcon configuration",
              "| setting | default | meaning |\n|---|---|---|\n| `level` | 3 | how hard it tries "
              "|\n| `exclude` | empty | patterns |\n")};
  EXPECT_TRUE(Ask("What is the default port of Falcon?", hits).sentences.empty());
}

TEST(Extract, TheRowThatTheQuestionNamesAnswersByTheColumnThatItAsksFor) {
  const Extract extract = Ask(
      "What is the default of `level`?",
      {MakeHit("a", "Falcon configuration",
               "| setting | default | meaning |\n|---|---|---|\n| `level` | 3 | how hard it tries "
               "|\n| `exclude` | empty | patterns |\n| `levels` | 9 | of the store |\n")});
  ASSERT_FALSE(extract.sentences.empty());
  EXPECT_THAT(extract.sentences[0].text, HasSubstr("setting: level; default: 3"));
}

TEST(Extract, OtherWordsForWhatIsAskedAnswerToo) {
  const std::vector<retrieval::Hit> hits = {
      MakeHit("a", "Falcon",
              "Falcon keeps copies of files. It was begun in 2009 by Marta Lindqvist, and it is "
              "free software under the MPL 2.0. It runs on small computers.")};
  const Extract founded = Ask("Who founded Falcon?", hits);
  ASSERT_FALSE(founded.sentences.empty());
  EXPECT_THAT(founded.sentences[0].text, HasSubstr("Marta Lindqvist"));
  const Extract licence = Ask("What license does Falcon use?", hits);
  ASSERT_FALSE(licence.sentences.empty());
  EXPECT_THAT(licence.sentences[0].text, HasSubstr("MPL"));
}

TEST(Extract, OneCharacterOfAnotherWordForTheQuestionsIsNoDisagreement) {
  const Extract extract =
      Ask("青石茶厂什么时候成立？",
          {MakeHit("a", "青石茶厂概况", "青石茶厂成立于1956年3月，由六个合作社合并而成。"),
           MakeHit("b", "青石茶厂大事记", "二〇一六年，青石红茶生产线建成，第一年卖出二十三吨。")});
  EXPECT_THAT(extract.disagreement, ElementsAre());
}

TEST(Extract, WhatIsSaidOfAnotherVersionOrCodeDoesNotAnswer) {
  const std::string changes =
      "# Changelog\n\n"
      "- 2.3.0 (2025-08-19): webhooks carry an event number.\n"
      "- 2.2.0 (2025-02-04): parcels can be insured.\n"
      "- 2.1.0 (2024-09-30): webhooks are retried.\n";
  Extract extract = Ask("What changed in version 2.2.0?", {MakeHit("a", "Parcel API", changes)});
  ASSERT_EQ(extract.sentences.size(), 1u);
  EXPECT_THAT(extract.sentences[0].text, HasSubstr("insured"));
  const std::string faults = "故障代码\n\nE2:传感器异常,请清洁。\nE3:滤芯未安装到位。\n";
  extract = Ask("E3 是什么故障?", {MakeHit("b", "净化器说明书", faults)});
  ASSERT_EQ(extract.sentences.size(), 1u);
  EXPECT_THAT(extract.sentences[0].text, HasSubstr("未安装到位"));
}

TEST(Extract, WhatStandsUnderTheHeadingOfAnotherVersionDoesNotAnswer) {
  const Extract extract =
      Ask("What is new in release 4.1.0?",
          {MakeHit("a", "Falcon",
                   "## Release 4.2.0\n\nNew: the release has a dark theme.\n\n"
                   "## Release 4.1.0\n\nNew: the release can export tables.\n")});
  ASSERT_FALSE(extract.sentences.empty());
  EXPECT_THAT(extract.sentences[0].text, HasSubstr("export tables"));
  EXPECT_EQ(extract.sentences.size(), 1u);
}

TEST(Extract, HowToDoSomethingIsToldByTheInstructionsInTheirOrder) {
  const Extract extract =
      Ask("How do I reset the X200 router?",
          {MakeHit("a", "X200 router",
                   "## LEDs\n\n- Blinking amber: reset.\n\n"
                   "## Reset\n\nUnplug the cable. Hold the recessed button for ten seconds. Then "
                   "connect the cable again. All settings of the router are lost.\n")});
  ASSERT_EQ(extract.sentences.size(), 3u);
  EXPECT_THAT(extract.sentences[0].text, HasSubstr("Unplug"));
  EXPECT_THAT(extract.sentences[1].text, HasSubstr("Hold"));
  EXPECT_THAT(extract.sentences[2].text, HasSubstr("connect"));
}

TEST(Extract, WhatSomethingIsIsToldByItsDefinition) {
  const Extract extract =
      Ask("What is a workspace?",
          {MakeHit("a", "Dependencies",
                   "Dependencies can be inherited from a workspace. The workspace "
                   "of the workspace example has two members."),
           MakeHit("b", "Packages", "A workspace is a set of packages that share one lock file."),
           MakeHit("c", "Code", "const workspace = new Workspace(workspace);")});
  ASSERT_FALSE(extract.sentences.empty());
  EXPECT_THAT(extract.sentences[0].text, HasSubstr("set of packages"));
}

TEST(Extract, ALineLikeATitleStandsBackBehindASentence) {
  const Extract extract = Ask(
      "Who created Falcon?",
      {MakeHit(
          "a", "Handbook",
          "Intro.\nThe creator of Falcon\nNext\n\nFalcon's founder was Ada Marsh, in 1993.\n")});
  ASSERT_FALSE(extract.sentences.empty());
  EXPECT_THAT(extract.sentences[0].text, HasSubstr("Ada Marsh"));
}

TEST(Extract, ANumberedLineOverAParagraphIsAHeading) {
  const Extract extract =
      Ask("滤芯更换以后怎么复位?",
          {MakeHit("a", "净化器说明书",
                   "一、产品参数\n型号:K7。\n\n二、滤芯更换\n更换滤芯后长按复位键五秒。\n")});
  ASSERT_FALSE(extract.sentences.empty());
  for (const ExtractedSentence& sentence : extract.sentences) {
    EXPECT_THAT(sentence.text, Not(HasSubstr("二、")));
  }
}

TEST(Extract, WhatHappenedIsAnsweredByWhatBearsTheDate) {
  const Extract extract =
      Ask("1938年发生了什么?",
          {MakeHit("a", "古镇", "1938年,一场大火烧毁了东街的两百多间店铺。1952年建起了小学。")});
  ASSERT_EQ(extract.sentences.size(), 1u);
  EXPECT_THAT(extract.sentences[0].text, HasSubstr("大火"));
}

TEST(Extract, ASettingsDefaultIsWhatStandsBelowItsName) {
  const Extract extract =
      Ask("What is the default value of cache_limit?",
          {MakeHit(
              "a", "Settings",
              "cache_slots (integer)\n\nThe number of slots of the cache. The default setting of 7 "
              "keeps a slot for each part of cache_limit.\n\ncache_limit (integer)\n\nSets how "
              "much memory the cache may take. The default is 64 megabytes. It can only be set "
              "when the server starts.")});
  ASSERT_FALSE(extract.sentences.empty());
  EXPECT_EQ(extract.sentences[0].text, "The default is 64 megabytes.");
}

TEST(Extract, WhereOnlyAPlaceIsNamedADefinitionNeedNotNameIt) {
  const std::string others =
      "Larkspur copies each ledger at night. Larkspur lets you rename ledgers of Larkspur.";
  const Extract extract = Ask(
      "What is a ledger in Larkspur?",
      {MakeHit("a", "Names", "Larkspur requires that the word LEDGER opens the line. " + others),
       MakeHit("b", "Words", "A ledger is a list of changes that can be taken back."),
       MakeHit("c", "Copies", others)});
  ASSERT_FALSE(extract.sentences.empty());
  EXPECT_EQ(extract.sentences[0].text, "A ledger is a list of changes that can be taken back.");
}

TEST(Extract, ASentenceThatAnnouncesLinesBringsThem) {
  const Extract extract = Ask(
      "How do I list the files of a parcel?",
      {MakeHit("a", "Parcels",
               "To list the files of a parcel, run:\n\n    parcel -L name\n\nParcels are signed "
               "by whoever made them.")});
  ASSERT_EQ(extract.sentences.size(), 2u);
  EXPECT_EQ(extract.sentences[1].text, "parcel -L name");
}

TEST(Extract, AnOptionIsNamedBeforeWhatIsSaidOfIt) {
  const Extract extract = Ask(
      "How do I copy hidden files too?",
      {MakeHit(
          "a", "copier",
          "-x\n--extras\n\nWith this option, hidden files are copied too.\n\n-v\n\nTell of each "
          "file that is copied.")});
  ASSERT_EQ(extract.sentences.size(), 2u);
  EXPECT_EQ(extract.sentences[0].text, "-x");
  EXPECT_EQ(extract.sentences[1].text, "With this option, hidden files are copied too.");
}

TEST(Extract, AHeadingIsNamedBeforeWhatPointsBackToIt) {
  const Extract extract =
      Ask("Which directive sets the folder from which pages are served?",
          {MakeHit("a", "Reference",
                   "## PageRoot Directive\n\nThis directive sets the folder from which pages are "
                   "served.\n\n## PageLimit Directive\n\nThis directive sets how "
                   "many pages are kept.")});
  ASSERT_GE(extract.sentences.size(), 2u);
  EXPECT_EQ(extract.sentences[0].text, "PageRoot Directive");
  EXPECT_THAT(extract.sentences[1].text, HasSubstr("sets the folder"));
}

TEST(Extract, WhatOnlyPointsElsewhereStandsBack) {
  const Extract extract =
      Ask("What is the default colour of the lamp?",
          {MakeHit("a", "Lamp",
                   "See the default colour of the lamp for more on the colour of a lamp. The lamp "
                   "shines in amber, its default colour.")});
  ASSERT_FALSE(extract.sentences.empty());
  EXPECT_THAT(extract.sentences[0].text, HasSubstr("amber"));
}

TEST(Extract, AnAcronymIsTheWordsThatItStandsFor) {
  const Extract extract =
      Ask("What is LWS?",
          {MakeHit("a", "Guide", "LWS needs a motor on each side. The blinds of LWS are grey."),
           MakeHit("b", "Guide", "Later, choose the Long Window Shutter (LWS) from the list.")});
  ASSERT_FALSE(extract.sentences.empty());
  EXPECT_THAT(extract.sentences[0].text, HasSubstr("Long Window Shutter"));
}

TEST(Extract, NothingIsSaidWithoutPassages) {
  EXPECT_TRUE(Ask("When was the bridge opened?", {}).sentences.empty());
}

}  // namespace
}  // namespace citeseek::gateway
