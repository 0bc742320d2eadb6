#include "services/gateway/citations.h"

#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

class SentenceCiterTest : public ::testing::Test {
 protected:
  // "text{marker:quote}text", as it would be told.
  std::string Cite(const std::vector<MarkedText>& parts,
                   SentenceCiter::Tell tell = SentenceCiter::Tell::kFacts) {
    Evidence evidence(hits_, *analyzer_);
    Verifier verifier(&evidence, analyzer_.get());
    const std::vector<int> numbers = {1, 2, 3};
    SentenceCiter citer(
        [&](const MarkedSentence& sentence) { return Judge(sentence, numbers, &verifier); }, 0,
        tell);
    std::vector<CitedText> out;
    for (const MarkedText& part : parts) citer.Feed(part, &out);
    citer.Finish(&out);
    std::string told, answer;
    for (const CitedText& cited : out) {
      if (const auto* text = std::get_if<std::string>(&cited)) {
        told += *text;
        answer += *text;
        continue;
      }
      if (const auto* checked = std::get_if<CheckedSentence>(&cited)) {
        EXPECT_LE(checked->end, answer.size());
        checked_.push_back(*checked);
        continue;
      }
      const auto& citation = std::get<Citation>(cited);
      EXPECT_LE(citation.answer_end, answer.size());
      sentences_.push_back(
          answer.substr(citation.answer_start, citation.answer_end - citation.answer_start));
      told += "{" + std::to_string(citation.marker) + ":" + citation.quote + "}";
    }
    return told;
  }

  std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
  std::vector<retrieval::Hit> hits_ = {
      {.document_id = "a", .start = 100, .text = "Cats sleep a lot. Dogs bark at night."},
      {.document_id = "b", .text = "猫每天睡很久。狗在夜里叫。"},
      {.document_id = "c", .text = "Dr. Fox barks 3.5 times at night."}};
  std::vector<std::string> sentences_;
  std::vector<CheckedSentence> checked_;
};

TEST_F(SentenceCiterTest, QuotesTheSentenceThatCarriesTheClaim) {
  EXPECT_EQ(Cite({{"Dogs bark "}, {"[1]", 1}, {". Cats sleep "}, {"[1]", 1}, {"."}}),
            "Dogs bark [1]. {1:Dogs bark at night.}Cats sleep [1].{1:Cats sleep a lot.}");
  EXPECT_EQ(sentences_.at(0), "Dogs bark [1].");
}

TEST_F(SentenceCiterTest, MarkersBehindTheStopBelongToTheSentenceBefore) {
  EXPECT_EQ(Cite({{"狗在夜里叫。"}, {"[2]", 2}, {"完。"}}), "狗在夜里叫。[2]{2:狗在夜里叫。}完。");
  EXPECT_EQ(sentences_.at(0), "狗在夜里叫。[2]");
}

TEST_F(SentenceCiterTest, DotsInNumbersAndAbbreviationsEndNothing) {
  EXPECT_EQ(Cite({{"1. Dr. Fox barks 3.5 times at night "}, {"[3]", 3}, {"."}}),
            "1. Dr. Fox barks 3.5 times at night [3].{3:Dr. Fox barks 3.5 times at night.}");
  EXPECT_EQ(sentences_.at(0), "1. Dr. Fox barks 3.5 times at night [3].");
}

TEST_F(SentenceCiterTest, AWrongMarkerIsMovedToTheSourceThatSaysIt) {
  EXPECT_EQ(Cite({{"Cats sleep a lot "}, {"[2]", 2}, {". So."}}),
            "Cats sleep a lot [1]. {1:Cats sleep a lot.}So.");
  ASSERT_EQ(checked_.size(), 1u);
  EXPECT_EQ(checked_[0].verdict, Verdict::kSupported);
  EXPECT_EQ(checked_[0].problems,
            std::vector<std::string>{"[2] moved to [1], whose source says it"});
  EXPECT_EQ(sentences_.at(0), "Cats sleep a lot [1].");
}

TEST_F(SentenceCiterTest, AMarkerThatNoSourceJustifiesIsDroppedAndSaidSo) {
  EXPECT_EQ(Cite({{"Cats sleep 300 years "}, {"[1]", 1}, {" in Peru."}}),
            "Cats sleep 300 years in Peru.");
  ASSERT_EQ(checked_.size(), 1u);
  EXPECT_EQ(checked_[0].verdict, Verdict::kUnsupported);
  EXPECT_EQ(checked_[0].start, 0u);
  EXPECT_EQ(checked_[0].end, 29u);
  ASSERT_EQ(checked_[0].problems.size(), 1u);
  EXPECT_EQ(checked_[0].problems[0].rfind("[1] dropped", 0), 0u) << checked_[0].problems[0];
}

TEST_F(SentenceCiterTest, AFactWithoutAMarkerGetsThatOfItsSource) {
  EXPECT_EQ(Cite({{"Cats sleep a lot and dogs bark at night. 猫每天睡很久。\n"}}),
            "Cats sleep a lot and dogs bark at night. [1] {1:Cats sleep a lot. Dogs bark at "
            "night.}猫每天睡很久。[2]\n{2:猫每天睡很久。}");
  EXPECT_EQ(sentences_.at(1), "猫每天睡很久。[2]");
}

TEST_F(SentenceCiterTest, EachMarkerMayCarryThePartBeforeIt) {
  EXPECT_EQ(Cite({{"Dogs bark at night "}, {"[1]", 1}, {"而猫每天睡很久"}, {"[2]", 2}, {"。"}}),
            "Dogs bark at night [1]而猫每天睡很久[2]。{1:Dogs bark at night.}{2:猫每天睡很久。}");
  EXPECT_EQ(checked_.at(0).verdict, Verdict::kSupported);
}

TEST_F(SentenceCiterTest, CodeIsLeftAlone) {
  EXPECT_EQ(Cite({{"```\nint Cats = 9000;\n```\n"}}), "```\nint Cats = 9000;\n```\n");
  EXPECT_TRUE(checked_.empty());
}

TEST_F(SentenceCiterTest, UnderCheckEverySentenceIsToldAndTheTextStays) {
  EXPECT_EQ(Cite({{"Well. Cats sleep a lot "}, {"[2]", 2}, {"."}}, SentenceCiter::Tell::kAll),
            "Well. Cats sleep a lot [2].{1:Cats sleep a lot.}");
  ASSERT_EQ(checked_.size(), 2u);
  EXPECT_EQ(checked_[0].verdict, Verdict::kUnchecked);
  EXPECT_EQ(checked_[1].start, 6u);
}

TEST_F(SentenceCiterTest, HoldsBackNoMoreThanItsLimit) {
  std::vector<MarkedText> parts = {{"Cats sleep "}, {"[1]", 1}};
  for (int i = 0; i < 1000; ++i) parts.push_back({" words and more words"});
  const std::string told = Cite(parts);
  EXPECT_EQ(told.substr(told.size() - 10), "more words");
}

}  // namespace
}  // namespace citeseek::gateway
