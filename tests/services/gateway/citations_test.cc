#include "services/gateway/citations.h"

#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

class SentenceCiterTest : public ::testing::Test {
 protected:
  // "text{marker:quote}text", as it would be told.
  std::string Cite(const std::vector<MarkedText>& parts) {
    Evidence evidence(hits_, *analyzer_);
    SentenceCiter citer(&evidence, 0);
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
      {.document_id = "b", .text = "猫每天睡很久。狗在夜里叫。"}};
  std::vector<std::string> sentences_;
};

TEST_F(SentenceCiterTest, QuotesTheSentenceThatCarriesTheClaim) {
  EXPECT_EQ(Cite({{"Dogs bark "}, {"[1]", 1}, {". Cats sleep "}, {"[1]", 1}, {"."}}),
            "Dogs bark [1]. {1:Dogs bark at night.}Cats sleep [1].{1:Cats sleep a lot.}");
  EXPECT_EQ(sentences_[0], "Dogs bark [1].");
}

TEST_F(SentenceCiterTest, MarkersBehindTheStopBelongToTheSentenceBefore) {
  EXPECT_EQ(Cite({{"狗在夜里叫。"}, {"[2]", 2}, {"完。"}}), "狗在夜里叫。[2]{2:狗在夜里叫。}完。");
  EXPECT_EQ(sentences_[0], "狗在夜里叫。");
}

TEST_F(SentenceCiterTest, DotsInNumbersAndAbbreviationsEndNothing) {
  EXPECT_EQ(Cite({{"Dr. Dog barks 3.5 times at night "}, {"[1]", 1}, {"."}}),
            "Dr. Dog barks 3.5 times at night [1].{1:Dogs bark at night.}");
  EXPECT_EQ(sentences_[0], "Dr. Dog barks 3.5 times at night [1].");
}

}  // namespace
}  // namespace citeseek::gateway
