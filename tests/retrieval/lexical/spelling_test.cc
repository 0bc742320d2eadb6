#include "retrieval/lexical/spelling.h"

#include <gtest/gtest.h>

#include "tests/support/memory_segment.h"

namespace citeseek::retrieval {
namespace {

class SpellingTest : public ::testing::Test {
 protected:
  SpellingTest() {
    int id = 0;
    for (const char* text : {"the population of alderwick", "population figures", "copulation"}) {
      documents_.push_back({.document = {.id = std::to_string(id++), .text = text}});
    }
    snapshot_.segments_ = {
        tests::MakeMemorySegment({.documents = documents_, .analyzer = analyzer_.get()})};
  }

  std::vector<std::string> Corrected(std::string_view query) {
    auto terms = CountTerms(*analyzer_, query);
    CorrectSpelling(snapshot_, *analyzer_, query, &terms);
    std::vector<std::string> texts;
    for (const QueryTerm& term : terms) texts.push_back(term.text);
    return texts;
  }

  const std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
  std::vector<indexer::StoredDocument> documents_;
  tests::MemorySnapshot snapshot_;
};

TEST_F(SpellingTest, AnUnknownWordBecomesTheMostFrequentNeighbour) {
  EXPECT_EQ(Corrected("opulation of alderwik"), (std::vector<std::string>{"popul", "alderwick"}));
}

TEST_F(SpellingTest, KnownWordsStay) {
  EXPECT_EQ(Corrected("copulation figures"), (std::vector<std::string>{"copul", "figur"}));
}

TEST_F(SpellingTest, WordsWithoutANeighbourStay) {
  EXPECT_EQ(Corrected("elephants"), (std::vector<std::string>{"eleph"}));
}

TEST_F(SpellingTest, AWordThatIsAskedForAlreadyIsNotAskedForTwice) {
  EXPECT_EQ(Corrected("population populaton"), (std::vector<std::string>{"popul", "populaton"}));
}

TEST_F(SpellingTest, FewWordsOfAQueryAreGuessed) {
  std::string query;
  for (int i = 0; i < 10; ++i) query += std::string(1, static_cast<char>('a' + i)) + "zzzzzz ";
  EXPECT_EQ(Corrected(query + "alderwik").back(), "alderwik");
}

}  // namespace
}  // namespace citeseek::retrieval
