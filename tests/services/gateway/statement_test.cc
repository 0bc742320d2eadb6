#include "services/gateway/statement.h"

#include <gtest/gtest.h>

#include "services/gateway/contrasts.h"

namespace citeseek::gateway {
namespace {

class StatementTest : public ::testing::Test {
 protected:
  Statement Read(std::string_view text) const { return ReadStatement(text, *analyzer_); }

  // The first value of each is the same.
  bool SameFirst(std::string_view claimed, std::string_view source) const {
    const auto value = [&](std::string_view text) {
      for (const Token& token : Read(text).tokens) {
        if (token.kind == Token::Kind::kValue) return token;
      }
      ADD_FAILURE() << "no value in " << text;
      return Token{};
    };
    return SameValue(value(claimed), value(source));
  }

  const std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
};

TEST_F(StatementTest, AValueIsTheSameHoweverItIsWritten) {
  EXPECT_TRUE(SameFirst("on May 3, 1998", "1998年5月3日"));
  EXPECT_TRUE(SameFirst("on 3 May 1998", "on May 3, 1998"));
  EXPECT_TRUE(SameFirst("1,340 tonnes", "1340 tons"));
  EXPECT_TRUE(SameFirst("31支队伍", "三十一支队伍"));
  EXPECT_TRUE(SameFirst("eleven men", "11 men"));
  EXPECT_TRUE(SameFirst("3个", "三个"));
  EXPECT_FALSE(SameFirst("1,340 tonnes", "1,341 tonnes"));
  EXPECT_FALSE(SameFirst("on May 3, 1998", "on May 4, 1998"));
}

TEST_F(StatementTest, ASourceMayBeMoreExactThanTheClaimButNotLess) {
  EXPECT_TRUE(SameFirst("in 1998", "on May 3, 1998"));
  EXPECT_FALSE(SameFirst("on May 3, 1998", "in 1998"));
}

TEST_F(StatementTest, KnownUnitsMustAgree) {
  EXPECT_TRUE(SameFirst("120 km", "120 kilometres"));
  EXPECT_TRUE(SameFirst("120 km", "120公里"));
  EXPECT_FALSE(SameFirst("120 km", "120 miles"));
  EXPECT_FALSE(SameFirst("2.3 million", "2.3 billion"));
  EXPECT_TRUE(SameFirst("120 kangaroos", "120 animals"));  // no units
  EXPECT_FALSE(SameFirst("20 euros", "20 minutes"));
  EXPECT_FALSE(SameFirst("20毫米", "20厘米"));
  EXPECT_TRUE(SameFirst("20 mm", "20毫米"));
  EXPECT_FALSE(SameFirst("20 days", "20 per cent"));
  EXPECT_TRUE(SameFirst("20 days", "20 per crew"));
  EXPECT_TRUE(SameFirst("20 per cent", "20%"));
}

TEST_F(StatementTest, WhatMillionsAreCountedInMustAgreeToo) {
  EXPECT_TRUE(SameFirst("2 million euros", "200万欧元"));
  EXPECT_FALSE(SameFirst("2 million euros", "2 million dollars"));
  EXPECT_FALSE(SameFirst("12万元", "12万人"));
  EXPECT_TRUE(SameFirst("12万元", "120,000 yuan"));
}

TEST_F(StatementTest, ACurrencysSignIsItsUnit) {
  EXPECT_TRUE(SameFirst("$20", "20 dollars"));
  EXPECT_FALSE(SameFirst("$20", "€20"));
  EXPECT_FALSE(SameFirst("$20 million", "20 million euros"));
  EXPECT_TRUE(SameFirst("$20 million", "2000万美元"));
}

TEST_F(StatementTest, NegationReachesTheWordsBehindIt) {
  const auto negated = [&](std::string_view text) {
    std::string words;
    for (const Token& token : Read(text).tokens) {
      if (token.negated && token.content) words += token.text + " ";
    }
    return words;
  };
  EXPECT_EQ(negated("It was not opened in 1998"), "open 1998 ");
  EXPECT_EQ(negated("It wasn't red, but large"), "red ");
  EXPECT_EQ(negated("It was not only red"), "");
  EXPECT_EQ(negated("It was not red but large"), "red ");
  EXPECT_EQ(negated("他没有去北京"), "去 北 ");
  EXPECT_EQ(negated("他不去北京"), "去 北 ");
  EXPECT_EQ(negated("他不去，北京"), "去 ");
  EXPECT_EQ(negated("他不仅去北京"), "");
}

TEST_F(StatementTest, NamesAreCapitalsThatTheirPlaceDoesNotExplain) {
  std::string names;
  for (const Token& token :
       Read("Additionally, the bridge of Agnes Halden has L120 bolts.").tokens) {
    if (token.name) names += token.text + " ";
  }
  EXPECT_EQ(names, "agn halden l120 ");
}

TEST_F(StatementTest, WordsOfAComparisonHaveOppositeSides) {
  const auto side = [&](std::string_view text) {
    int sides = 0;
    for (const Token& token : Read(text).tokens) sides = token.side != 0 ? token.side : sides;
    return sides;
  };
  EXPECT_NE(side("more than ten"), 0);
  EXPECT_TRUE(AreOpposite(side("more than ten"), side("less than ten")));
  EXPECT_TRUE(AreOpposite(side("高于十"), side("低于十")));
  EXPECT_EQ(side("ten"), 0);
}

TEST_F(StatementTest, CharactersOfADictionaryWordShareIt) {
  const std::vector<Token> tokens = Read("他位于北京").tokens;
  ASSERT_EQ(tokens.size(), 5u);
  EXPECT_EQ(tokens[1].word, tokens[2].word);
  EXPECT_NE(tokens[2].word, tokens[3].word);
  EXPECT_TRUE(tokens[1].light);
  EXPECT_TRUE(tokens[3].name);
  EXPECT_FALSE(tokens[0].name);
}

TEST_F(StatementTest, AnyBytesAreRead) {
  for (const char* text : {"", "\xff\xfe", "不", "。，", "9.9.9.9.9", "\xe4\xb8"}) Read(text);
  EXPECT_LE(Read(std::string(5000, 'a') + std::string(100000, ' ') + "b").tokens.size(),
            kMaxTokens);
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "word ";
  EXPECT_EQ(Read(many).tokens.size(), kMaxTokens);
}

}  // namespace
}  // namespace citeseek::gateway
