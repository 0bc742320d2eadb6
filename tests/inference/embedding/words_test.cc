#include "inference/embedding/words.h"

#include <gmock/gmock.h>

#include <string>

#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Texts(std::string_view text) {
  const WordList list = ReadWords(text);
  std::vector<std::string> texts;
  for (const Word& word : list.words) {
    texts.emplace_back();
    for (const char32_t c : list.Text(word)) AppendUtf8(c, texts.back());
  }
  return texts;
}

float Idf(std::string_view text) { return ReadWords(text).words.at(0).idf; }

TEST(Words, AreFoldedRunsAndHanCharactersAndBigrams) {
  EXPECT_THAT(Texts("Naïve C4819, x"), ElementsAre("naive", "c4819", "x"));
  EXPECT_THAT(Texts("中文词 a 字"), ElementsAre("中", "文", "中文", "词", "文词", "a", "字"));
  EXPECT_THAT(Texts(" …"), ElementsAre());
}

TEST(Words, PriorRisesFromCommonToRare) {
  EXPECT_LT(Idf("the"), 0.01f);
  EXPECT_LT(Idf("the"), Idf("water"));
  EXPECT_LT(Idf("water"), Idf("cat"));
  EXPECT_LT(Idf("cat"), Idf("photosynthesis"));
  EXPECT_LT(Idf("的"), Idf("国"));
  EXPECT_LT(Idf("国"), Idf("鲸"));
}

TEST(Words, HashesAreTheSameOnEveryMachine) {
  EXPECT_EQ(HashCodePoints(std::u32string_view(U"whale"), 0), 3213604540313890234u);
  EXPECT_NE(HashCodePoints(std::u32string_view(U"whale"), 3),
            HashCodePoints(std::u32string_view(U"whale"), 4));
}

}  // namespace
}  // namespace citeseek::inference
