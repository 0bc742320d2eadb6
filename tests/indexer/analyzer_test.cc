#include "indexer/analyzer.h"

#include <gmock/gmock.h>

#include <string>
#include <thread>
#include <vector>

#include "inference/utf8.h"

namespace citeseek::indexer {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Terms(std::string_view text) {
  static const std::unique_ptr<const Analyzer> analyzer = MakeAnalyzer();
  std::vector<std::string> terms;
  for (Term& term : analyzer->Analyze(text)) terms.push_back(std::move(term.text));
  return terms;
}

TEST(Analyzer, StemsEnglishAndFoldsCaseWidthAndAccents) {
  EXPECT_THAT(Terms("Running Dogs, naïve CAFÉS"), ElementsAre("run", "dog", "naiv", "cafe"));
  EXPECT_THAT(Terms("ＦＵＬＬ ｗｉｄｔｈ ﬁnd"), ElementsAre("full", "width", "find"));
  EXPECT_THAT(Terms("Straße Ångström Łódź"), ElementsAre("strass", "angstrom", "lodz"));
  EXPECT_THAT(Terms("e\u0301clair soft\u00ADware"), ElementsAre("eclair", "softwar"));
}

TEST(Analyzer, StripsPossessivesAndContractions) {
  EXPECT_THAT(Terms("the dog's bone, the dogs' bone"),
              ElementsAre("the", "dog", "bone", "the", "dog", "bone"));
  EXPECT_THAT(Terms("we’ll don't"), ElementsAre("we", "dont"));
  EXPECT_THAT(Terms("O'Brien"), ElementsAre("obrien", "brien"));
}

TEST(Analyzer, KeepsNumbersAndVersionsWholeAndInParts) {
  EXPECT_THAT(Terms("9.11"), ElementsAre("9.11", "9", "11"));
  EXPECT_THAT(Terms("v2.3.1"), ElementsAre("2.3.1", "v2", "3", "1"));
  EXPECT_THAT(Terms("1,234,567 1,23 2010,300"), ElementsAre("1234567", "1", "23", "2010", "300"));
}

TEST(Analyzer, KeepsIdentifiersWholeAndInParts) {
  EXPECT_THAT(Terms("std::vector<T>"), ElementsAre("std::vector", "std", "vector", "t"));
  EXPECT_THAT(Terms("snake_case"), ElementsAre("snake_case", "snake", "case"));
  EXPECT_THAT(Terms("__FILE__"), ElementsAre("__file", "file"));
  EXPECT_THAT(Terms("C++ and C#"), ElementsAre("c++", "c", "and", "c#", "c"));
  EXPECT_THAT(Terms("AT&T"), ElementsAre("at&t", "at", "t"));
  EXPECT_THAT(Terms("U.S. e.g."), ElementsAre("us", "eg"));
}

TEST(Analyzer, GivesChineseWordsAndBigrams) {
  EXPECT_THAT(Terms("上海市人民"),
              ElementsAre("上海市", "上海", "上", "海市", "海", "市人", "市", "人民", "人", "民"));
  EXPECT_THAT(Terms("水"), ElementsAre("水"));
  EXPECT_THAT(Terms("2021年，水。"), ElementsAre("2021", "年", "水"));
  EXPECT_THAT(Terms("C罗"), ElementsAre("c", "罗"));
}

TEST(Analyzer, DoesNotRepeatAWordThatIsABigram) {
  EXPECT_THAT(Terms("北京"), ElementsAre("北京", "北", "京"));
}

TEST(Analyzer, HandlesJapaneseKoreanAndThai) {
  EXPECT_THAT(Terms("ｶﾞｽ"), Contains("ガス"));
  EXPECT_THAT(Terms("東京に行く"), Contains("東京"));
  EXPECT_THAT(Terms("한국어 검색"),
              ElementsAre("한국어", "한국", "한", "국어", "국", "어", "검색", "검", "색"));
  EXPECT_THAT(Terms("ภาษาไทย"), ElementsAre("ภาษา", "ไทย"));
}

TEST(Analyzer, SourcesAreExactBytesOfTheOriginal) {
  const std::string text = "Caf\u00E9s ﬁnd 中文分词 v1.2 dog's";
  const auto analyzer = MakeAnalyzer();
  std::vector<std::string> sources;
  std::uint32_t last = 0;
  for (const Term& term : analyzer->Analyze(text)) {
    EXPECT_LE(last, term.source.start);
    last = term.source.start;
    sources.push_back(text.substr(term.source.start, term.source.end - term.source.start));
  }
  EXPECT_THAT(sources, ElementsAre("Cafés", "ﬁnd", "中文", "中", "文分", "文", "分词", "分", "词",
                                   "v1.2", "v1", "2", "dog"));
}

TEST(Analyzer, PositionsCountWords) {
  const auto analyzer = MakeAnalyzer();
  std::vector<std::pair<std::string, std::uint32_t>> terms;
  for (const Term& term : analyzer->Analyze("a 北京 b 9.11 c")) {
    terms.emplace_back(term.text, term.position);
  }
  using P = std::pair<std::string, std::uint32_t>;
  EXPECT_THAT(terms, ElementsAre(P("a", 0), P("北京", 1), P("北", 1), P("京", 1), P("b", 2),
                                 P("9.11", 3), P("9", 3), P("11", 4), P("c", 5)));
}

// Full-width text goes through the Unicode tables, ASCII does not: they must agree.
TEST(Analyzer, TheAsciiPathAgreesWithTheUnicodePath) {
  const std::string text =
      "It's C++20: std::map<K, V>::at() costs $1,234.50 in v2.3.1; __init__ AT&T's R&D (e.g. U.S.) "
      "snake_case don't O'Neil 1,2,3 ... a.b.c.d.e.f.g.h.i.j _ __ '' x' 'y 10,000,00 F#, a#b";
  std::string wide;
  for (const char c : text) {
    inference::AppendUtf8(
        c == ' ' ? U'\u3000' : static_cast<char32_t>(static_cast<unsigned char>(c)) + 0xFEE0, wide);
  }
  EXPECT_EQ(Terms(text), Terms(wide));
  EXPECT_GT(Terms(text).size(), 40u);
}

TEST(Analyzer, SurvivesBytesThatAreNotUtf8) {
  EXPECT_THAT(Terms("ab\xFFgd \xE4\xB8 \xF4\x90\x80\x80 \xC0\x80 ok"),
              ElementsAre("ab", "gd", "ok"));
  EXPECT_THAT(Terms(""), IsEmpty());
  EXPECT_THAT(Terms(" \t\n…—🙂"), IsEmpty());
}

TEST(Analyzer, IsLinearOnHostileText) {
  EXPECT_THAT(Terms(std::string(4 << 20, 'a')), ElementsAre(std::string(64, 'a')));
  std::string dots;
  for (int i = 0; i < 500000; ++i) dots += "a.";
  EXPECT_GT(Terms(dots).size(), 50000u);
  std::string han;
  for (int i = 0; i < 300000; ++i) han += "中";
  EXPECT_GT(Terms(han).size(), 299998u);
  EXPECT_THAT(Terms(std::string(2 << 20, '_')), IsEmpty());
}

TEST(Analyzer, ServesManyThreads) {
  const auto analyzer = MakeAnalyzer();
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        EXPECT_EQ(analyzer->Analyze("running 人民代表大会 dogs").size(), 13u);
      }
    });
  }
}

TEST(IsStopTerm, KnowsWordsThatAskNothing) {
  for (const char* term : {"the", "what", "doe", "的", "什么", "是什", "哪些", "多少"}) {
    EXPECT_TRUE(IsStopTerm(term)) << term;
  }
  for (const char* term : {"dog", "9", "北京", "c++", "人口"})
    EXPECT_FALSE(IsStopTerm(term)) << term;
}

}  // namespace
}  // namespace citeseek::indexer
