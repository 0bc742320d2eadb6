#include "services/gateway/rewordings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace citeseek::gateway {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> WordsFor(std::string_view question, bool searched) {
  std::vector<std::string> words;
  for (const Rewording& rewording : FindRewordings(question)) {
    if (rewording.searched == searched) words.emplace_back(rewording.words);
  }
  return words;
}

TEST(Rewordings, AQuestionsPhraseGivesTheWordsOfAnswers) {
  EXPECT_THAT(WordsFor("How long is the bridge?", true), ElementsAre("length"));
  EXPECT_THAT(WordsFor("Who FOUNDED the club?", false), Contains(HasSubstr("established")));
  EXPECT_THAT(WordsFor("这家公司是哪年创办的？", false), Contains(HasSubstr("成立")));
}

TEST(Rewordings, OnlyWholeWordsCount) {
  EXPECT_THAT(WordsFor("Which costume did she wear?", true), IsEmpty());
  EXPECT_THAT(WordsFor("Which costume did she wear?", false), IsEmpty());
  EXPECT_THAT(WordsFor("What does it cost?", true), ElementsAre("price fare"));
}

TEST(Rewordings, TheRangeIsThatOfThePhrase) {
  const std::string question = "Which licence has it?";
  const auto found = FindRewordings(question);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(question.substr(found[0].range.start, found[0].range.end - found[0].range.start),
            "licence");
}

TEST(Rewordings, LightWordsAreFoundWhereverTheyStand) {
  const std::string question = "What is it called, and what was it called?";
  std::vector<std::string> words;
  for (const indexer::ByteRange range : LightWords(question)) {
    words.push_back(question.substr(range.start, range.end - range.start));
  }
  EXPECT_THAT(words, ElementsAre("called", "called"));
  EXPECT_THAT(LightWords(""), IsEmpty());
}

}  // namespace
}  // namespace citeseek::gateway
