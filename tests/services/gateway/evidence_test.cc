#include "services/gateway/evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

class EvidenceTest : public ::testing::Test {
 protected:
  const std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
};

TEST_F(EvidenceTest, TableRowsKnowTheirHeader) {
  const std::vector<retrieval::Hit> hits = {
      {.title = "Museum", .text = "## Prices\n\nTicket | Cost\nAdult | 7.50\n\nDogs are welcome."}};
  Evidence evidence(hits, *analyzer_);
  ASSERT_EQ(evidence.sentences().size(), 4u);
  const TermId prices = evidence.Terms("prices").at(0);
  EXPECT_FALSE(evidence.sentences()[0].answers);  // the heading
  EXPECT_TRUE(Holds(evidence.sentences()[2].context, prices));
  EXPECT_TRUE(Holds(evidence.sentences()[3].context, prices));
  const TermId cost = evidence.Terms("cost").at(0);
  EXPECT_FALSE(evidence.sentences()[1].answers);  // the table's header
  EXPECT_TRUE(evidence.sentences()[2].answers);
  EXPECT_TRUE(Holds(evidence.sentences()[2].context, cost));
  EXPECT_FALSE(Holds(evidence.sentences()[3].context, cost));
}

TEST_F(EvidenceTest, HeadingsGiveContextToWhatStandsBelowThem) {
  for (const char* text :
       {"# Fares\n\nA crossing costs 1.50.", "Fares\n=====\n\nA crossing costs 1.50.",
        "Fares. A crossing costs 1.50.", "二、门票 fares。A crossing costs 1.50."}) {
    const std::vector<retrieval::Hit> hits = {{.title = "Ferry", .text = text}};
    Evidence evidence(hits, *analyzer_);
    ASSERT_EQ(evidence.sentences().size(), 2u) << text;
    EXPECT_FALSE(evidence.sentences()[0].answers) << text;
    EXPECT_TRUE(evidence.sentences()[1].answers) << text;
    EXPECT_TRUE(Holds(evidence.sentences()[1].context, evidence.Terms("fares").at(0))) << text;
  }
}

TEST_F(EvidenceTest, ALineThatNamesAParagraphGivesItContext) {
  const std::vector<retrieval::Hit> hits = {
      {.text =
           "-q\n--quiet\n\nSay nothing of what is done.\n\n--force\n\nOverwrite what is there."}};
  const Evidence evidence(hits, *analyzer_);
  const auto holds = [&](std::size_t sentence, std::string_view word) {
    return HoldsAny(evidence.sentences()[sentence].context, evidence.KnownTerms(word));
  };
  const auto sentences = evidence.sentences();
  ASSERT_EQ(sentences.size(), 5u);
  EXPECT_TRUE(sentences[0].names && sentences[1].names && !sentences[2].names);
  EXPECT_TRUE(holds(2, "q") && holds(2, "quiet"));
  EXPECT_EQ(sentences[4].head, 3);
  EXPECT_TRUE(holds(4, "force"));
  EXPECT_FALSE(holds(4, "quiet"));
}

TEST_F(EvidenceTest, WhatStandsAboveAMarkdownTextAnswersNothing) {
  const std::vector<retrieval::Hit> hits = {
      {.text = "---\ntitle: Falcon\ntags: [backup]\n---\n\nFalcon keeps copies.\n\n---\n\nIt runs "
               "daily.\n"}};
  const Evidence evidence(hits, *analyzer_);
  std::vector<std::string> answers;
  for (const Sentence& sentence : evidence.sentences()) {
    if (sentence.answers) answers.emplace_back(evidence.Text(sentence));
  }
  EXPECT_THAT(answers, ::testing::ElementsAre("Falcon keeps copies.", "It runs daily."));
}

TEST_F(EvidenceTest, AHashInTheTextIsNoHeading) {
  const std::vector<retrieval::Hit> hits = {{.text = "Take bus #7 to the market square today."}};
  Evidence evidence(hits, *analyzer_);
  ASSERT_EQ(evidence.sentences().size(), 1u);
  EXPECT_TRUE(evidence.sentences()[0].answers);
}

TEST_F(EvidenceTest, AFirstLineThatIsASentenceMayAnswerThoughItIsTheTitle) {
  const auto first_answers = [&](const char* title, const char* text) {
    const std::vector<retrieval::Hit> hits = {{.title = title, .text = text}};
    return Evidence(hits, *analyzer_).sentences()[0].answers;
  };
  EXPECT_TRUE(
      first_answers("The lamp was lit in 1911.", "The lamp was lit in 1911.\n\nIt is red."));
  EXPECT_TRUE(first_answers("项目代号为蓝鲸。", "项目代号为蓝鲸。\n\n负责人是李雷。"));
  EXPECT_FALSE(first_answers("The lamp", "The lamp\n\nIt is red."));
}

TEST_F(EvidenceTest, ChineseNumeralsAreAlsoNumbers) {
  const std::vector<retrieval::Hit> hits = {{.text = "二〇二四年共有三十一支队伍。"}};
  Evidence evidence(hits, *analyzer_);
  for (const char* number : {"2024", "31"}) {
    EXPECT_TRUE(Holds(evidence.sentences()[0].terms, evidence.Terms(number).at(0))) << number;
  }
}

TEST_F(EvidenceTest, AChineseCharacterAloneIsOnlyAPartOfItsWord) {
  const std::vector<retrieval::Hit> hits = {{.text = "镇上有桥。"}};
  Evidence evidence(hits, *analyzer_);
  const auto slots = evidence.Slots("镇长");
  ASSERT_EQ(slots.size(), 2u);
  EXPECT_FALSE(slots[0].terms.empty());
  EXPECT_EQ(slots[0].weak, evidence.Terms("镇"));
}

TEST_F(EvidenceTest, WordsThatOnlyAskAreNoPartOfAnAnswer) {
  const std::vector<retrieval::Hit> hits = {{.text = "茶厂成立于1956年。"}};
  Evidence evidence(hits, *analyzer_);
  EXPECT_EQ(evidence.Slots("茶厂什么时候成立").size(), 4u);
  EXPECT_EQ(evidence.Slots("What year was the works founded?").size(), 2u);
}

TEST_F(EvidenceTest, RareTermsWeighMore) {
  const std::vector<retrieval::Hit> hits = {
      {.text = "The bridge is red. The bridge is long. The bridge has rivets."}};
  Evidence evidence(hits, *analyzer_);
  EXPECT_GT(evidence.Weight(evidence.Terms("rivets")), evidence.Weight(evidence.Terms("bridge")));
}

TEST_F(EvidenceTest, AMisspeltWordOfTheQuestionMeansAKnownOne) {
  const std::vector<retrieval::Hit> hits = {{.text = "Alderwick lies on the river."}};
  Evidence evidence(hits, *analyzer_);
  const TermSet known = evidence.Terms("alderwick");
  for (const char* written : {"Alderwik", "Aldrewick", "Alderwicks"}) {
    const auto slots = evidence.Slots(written);
    ASSERT_EQ(slots.size(), 1u) << written;
    EXPECT_EQ(slots[0].terms, known) << written;
  }
}

TEST_F(EvidenceTest, NumbersNamesAndQuotedWordsAreEntities) {
  const std::vector<retrieval::Hit> hits = {{.text = "text"}};
  Evidence evidence(hits, *analyzer_);
  const auto slots = evidence.Slots("Did Halden paint 26 \"green\" boats?");
  std::size_t entities = 0;
  for (const Slot& slot : slots) entities += slot.entity ? 1 : 0;
  EXPECT_EQ(entities, 3u);
}

TEST_F(EvidenceTest, AlignmentFindsTheSentenceThatCarriesTheClaim) {
  const std::vector<retrieval::Hit> hits = {{.text = "Cats sleep. The bridge opened in 1998."}};
  Evidence evidence(hits, *analyzer_);
  const Alignment alignment = Align(evidence, evidence.Terms("bridge opened 1998"), 0);
  ASSERT_NE(alignment.sentence, nullptr);
  EXPECT_EQ(evidence.Text(*alignment.sentence), "The bridge opened in 1998.");
  EXPECT_DOUBLE_EQ(alignment.coverage, 1);
}

}  // namespace
}  // namespace citeseek::gateway
