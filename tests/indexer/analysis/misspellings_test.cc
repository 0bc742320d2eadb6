#include <gtest/gtest.h>

#include <algorithm>

#include "indexer/analyzer.h"

namespace citeseek::indexer {
namespace {

bool MayMean(const char* written, const char* term) {
  const auto analyzer = MakeAnalyzer();
  const auto terms = AnalyzeMisspelt(*analyzer, written);
  return std::any_of(terms.begin(), terms.end(), [&](const Term& t) { return t.text == term; });
}

TEST(AnalyzeMisspelt, KnowsALetterTooFewTooManyWrongOrSwapped) {
  for (const char* written : {"Alderwik", "Alderwicck", "Aldarwick", "Aldrewick", "lderwick"}) {
    EXPECT_TRUE(MayMean(written, "alderwick")) << written;
  }
  EXPECT_FALSE(MayMean("Aldrwik", "alderwick"));
}

TEST(AnalyzeMisspelt, GivesTheStemOfTheWordThatWasMeant) {
  EXPECT_TRUE(MayMean("populaton", "popul"));
  EXPECT_TRUE(MayMean("brdiges", "bridg"));
}

TEST(AnalyzeMisspelt, GuessesNothingForShortWordsNumbersAndOtherScripts) {
  const auto analyzer = MakeAnalyzer();
  for (const char* written : {"", "rivr", "12345678", "a-b-c-d-e", "望月桥望月桥", "größe",
                              "abcdefghijklmnopqrstuvwxyz"}) {
    EXPECT_TRUE(AnalyzeMisspelt(*analyzer, written).empty()) << written;
  }
}

TEST(AnalyzeMisspelt, GivesEachTermOnceAndNoStopTerms) {
  const auto analyzer = MakeAnalyzer();
  const auto terms = AnalyzeMisspelt(*analyzer, "theree");
  ASSERT_FALSE(terms.empty());
  for (const Term& term : terms) EXPECT_FALSE(IsStopTerm(term.text)) << term.text;
  for (std::size_t i = 1; i < terms.size(); ++i) EXPECT_LT(terms[i - 1].text, terms[i].text);
}

}  // namespace
}  // namespace citeseek::indexer
