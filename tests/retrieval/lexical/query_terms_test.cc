#include "retrieval/lexical/query_terms.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/memory_segment.h"

namespace citeseek::retrieval {
namespace {

TEST(QueryTerms, CountsRepeatedTermsOnceWithTheirNumber) {
  const auto terms = CountTerms(tests::WordAnalyzer(), "to be or not to be");
  ASSERT_EQ(terms.size(), 4U);
  EXPECT_EQ(terms[0].text, "to");
  EXPECT_EQ(terms[0].weight, 2);
  EXPECT_EQ(terms[1].text, "be");
  EXPECT_EQ(terms[1].weight, 2);
  EXPECT_EQ(terms[3].text, "not");
  EXPECT_EQ(terms[3].weight, 1);
}

TEST(QueryTerms, LeavesOutStopTermsUnlessThereIsNothingElse) {
  const auto terms = CountTerms(tests::WordAnalyzer(), "what is the harbour");
  ASSERT_EQ(terms.size(), 1U);
  EXPECT_EQ(terms[0].text, "harbour");
}

TEST(QueryTerms, KeepsTheFirstDistinctTermsOfAnEndlessQuery) {
  std::string query;
  for (int i = 0; i < 3000; ++i) query += "w" + std::to_string(i) + " ";
  const auto terms = CountTerms(tests::WordAnalyzer(), query + query);
  ASSERT_EQ(terms.size(), kMaxDistinctTerms);
  EXPECT_EQ(terms.front().text, "w0");
  EXPECT_EQ(terms.front().weight, 2);
  EXPECT_EQ(terms.back().text, "w1023");
}

}  // namespace
}  // namespace citeseek::retrieval
