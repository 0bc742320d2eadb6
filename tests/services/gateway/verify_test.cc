#include "services/gateway/verify.h"

#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

class VerifyTest : public ::testing::Test {
 protected:
  Support Check(std::string_view sentence, int source = 0) {
    return Verifier(&evidence_, analyzer_.get()).Check(sentence, source);
  }
  std::string Quote(const Support& support) const {
    return hits_[static_cast<std::size_t>(support.source)].text.substr(
        support.range.start, support.range.end - support.range.start);
  }
  void ExpectVerdict(Verdict verdict, std::string_view sentence, int source = 0) {
    const Support support = Check(sentence, source);
    EXPECT_EQ(static_cast<int>(support.verdict), static_cast<int>(verdict))
        << sentence << ": " << support.score << " " << support.fault;
  }

  const std::vector<retrieval::Hit> hits_ = {
      {.title = "Halden Bridge",
       .text =
           "# Halden Bridge\n\nIt was designed by Agnes Halden, and it was opened to traffic on 14 "
           "May "
           "1887 by the county surveyor. Vehicles heavier than 26 tonnes may not cross. The deck "
           "was replaced in 1961 and the bearings in 1998.\n\nMeasure | Value\nTotal length | "
           "186.4 m\nWidth of the deck | 11.2 m\n"},
      {.title = "Museum of Mills",
       .text =
           "The museum stands in the former corn mill on Weir Lane. It is closed on Mondays. The "
           "annual pass costs 28.00."},
      {.title = "望月桥",
       .text = "望月桥横跨镜湖北口，是青石镇现存最古老的石拱桥。桥始建于明嘉靖二十三年（一五四四年"
               "），由本地"
               "商人顾望月出资。桥上禁止一切车辆通行。2024年游客超过31万人。"}};
  const std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
  const Evidence evidence_{hits_, *analyzer_};
};

TEST_F(VerifyTest, WhatThePassageSaysIsSupportedInOtherFormsToo) {
  for (const char* sentence :
       {"It was opened to traffic on 14 May 1887 by the county surveyor.",
        "Halden Bridge was opened to traffic on May 14, 1887.",
        "The bridge was designed by Agnes Halden.",
        "Vehicles heavier than 26 tons may not cross it.",
        "The total length of Halden Bridge is 186.4 m.", "The bearings were replaced in 1998."}) {
    ExpectVerdict(Verdict::kSupported, sentence);
  }
  for (const char* sentence : {"望月桥是青石镇现存最古老的石拱桥。", "望月桥始建于1544年。",
                               "桥由商人顾望月出资。", "2024年游客超过三十一万人。"}) {
    ExpectVerdict(Verdict::kSupported, sentence, 2);
  }
}

TEST_F(VerifyTest, ACapitalThatComesFromTheWordsPlaceIsNoName) {
  ExpectVerdict(Verdict::kSupported, "Mill: the former corn mill stands on Weir Lane.", 1);
  ExpectVerdict(Verdict::kSupported, "Bearings were replaced in 1998, and the deck in 1961.");
  ExpectVerdict(Verdict::kUnsupported, "Chicago closed the museum on Mondays.", 1);
}

TEST_F(VerifyTest, ASwappedNumberDateOrNameIsUnsupported) {
  for (const char* sentence :
       {"It was opened to traffic on 14 May 1888.", "It was opened to traffic on 14 June 1887.",
        "Vehicles heavier than 36 tonnes may not cross.",
        "Vehicles heavier than 26 kilograms may not cross.", "It was designed by Thomas Orrell.",
        "The total length of Halden Bridge is 11.2 m."}) {
    ExpectVerdict(Verdict::kUnsupported, sentence);
  }
  for (const char* sentence : {"望月桥始建于1545年。", "2024年游客超过32万人。"}) {
    ExpectVerdict(Verdict::kUnsupported, sentence, 2);
  }
  EXPECT_NE(static_cast<int>(Check("桥由商人陈望江出资。", 2).verdict),
            static_cast<int>(Verdict::kSupported));
}

TEST_F(VerifyTest, ADenialOnOneSideIsUnsupported) {
  ExpectVerdict(Verdict::kUnsupported, "Vehicles heavier than 26 tonnes may cross.");
  ExpectVerdict(Verdict::kUnsupported, "It was not opened to traffic on 14 May 1887.");
  ExpectVerdict(Verdict::kUnsupported, "望月桥不是青石镇现存最古老的石拱桥。", 2);
}

TEST_F(VerifyTest, AComparisonTheOtherWayRoundIsUnsupported) {
  ExpectVerdict(Verdict::kUnsupported, "2024年游客不足31万人。", 2);
}

TEST_F(VerifyTest, AnotherSourceDoesNotSupportIt) {
  ExpectVerdict(Verdict::kUnsupported, "It was opened to traffic on 14 May 1887.", 1);
}

TEST_F(VerifyTest, TheRightSourceIsFound) {
  Verifier verifier(&evidence_, analyzer_.get());
  EXPECT_EQ(verifier.CheckAll("The annual pass of the museum costs 28.00.").source, 1);
  EXPECT_EQ(verifier.CheckAll("望月桥禁止车辆通行。").source, 2);
  EXPECT_EQ(static_cast<int>(verifier.CheckAll("Elephants eat 300 bananas.").verdict),
            static_cast<int>(Verdict::kUnsupported));
}

TEST_F(VerifyTest, TheQuoteIsTheShortestStretch) {
  EXPECT_EQ(Quote(Check("The bridge was designed by Agnes Halden.")),
            "It was designed by Agnes Halden");
  EXPECT_EQ(Quote(Check("The annual pass costs 28.00.", 1)), "The annual pass costs 28.00.");
}

TEST_F(VerifyTest, OnlySentencesThatClaimSomethingStateFacts) {
  Verifier verifier(&evidence_, analyzer_.get());
  EXPECT_TRUE(verifier.StatesFact("It opened in 1887."));
  EXPECT_TRUE(verifier.StatesFact("望月桥横跨镜湖北口。"));
  EXPECT_FALSE(verifier.StatesFact("Here it is:"));
}

}  // namespace
}  // namespace citeseek::gateway
