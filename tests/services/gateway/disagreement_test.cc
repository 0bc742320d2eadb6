#include "services/gateway/disagreement.h"

#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

using retrieval::Hit;

TEST(Disagreement, ADateIsAStampOrASourceSpeakingOfItself) {
  EXPECT_EQ(DateOf({.title = "Report 2021-05-03"}), "2021-05-03");
  EXPECT_EQ(DateOf({.uri = "https://example.org/2021/05/bridge.html"}), "2021-05");
  EXPECT_EQ(DateOf({.uri = "notes_2021.05.03.txt"}), "2021-05-03");
  EXPECT_EQ(DateOf({.text = "Bridge\nLast updated: 3 May 2021\nIt is long."}), "2021-05-03");
  EXPECT_EQ(DateOf({.text = "本页更新于2021年5月。"}), "2021-05");
  EXPECT_EQ(DateOf({.text = "It was built in 1931. Published in March 1950."}), "1950-03");
}

TEST(Disagreement, ADateThatASourceOnlySpeaksOfIsNotItsOwn) {
  EXPECT_EQ(DateOf({.title = "The flood of 3 May 1953", .uri = "flood-1953.md"}), "");
  EXPECT_EQ(DateOf({.text = "The bridge was opened on 3 May 1998."}), "");
  EXPECT_EQ(DateOf({.text = "The list was updated.\nThe bridge was opened on 3 May 1998."}), "");
  EXPECT_EQ(DateOf({.title = "Part 12345-06-07", .uri = "v9999/13/40"}), "");
  EXPECT_EQ(DateOf({.title = "2021-05-0"}), "");
}

Extract Sides() {
  Extract extract;
  extract.disagreement = {"1987", "1989"};
  extract.sentences = {{.source = 1}, {.source = 0}};
  return extract;
}

TEST(Disagreement, EachValueIsToldWithTheDateOfItsSource) {
  const std::vector<Hit> hits = {{.title = "List of 2021-05-03"}, {.title = "List"}};
  EXPECT_EQ(TellDisagreement(Sides(), hits, false),
            "The documents disagree (1987; 1989, dated 2021-05-03)");
  EXPECT_EQ(TellDisagreement(Sides(), hits, true),
            "各文档说法不一（1987；1989，资料日期 2021-05-03）");
}

TEST(Disagreement, IsOneOnlyWithAllItsSides) {
  Extract extract = Sides();
  EXPECT_TRUE(Disagrees(extract));
  extract.sentences.pop_back();
  EXPECT_FALSE(Disagrees(extract));
  EXPECT_FALSE(Disagrees({}));
}

TEST(Disagreement, ATextStatesAllSidesOrNot) {
  EXPECT_TRUE(StatesAllSides(Sides(), "One says 1989 [1], another 1987 [2]."));
  EXPECT_FALSE(StatesAllSides(Sides(), "It was in 1989 [1]."));
}

}  // namespace
}  // namespace citeseek::gateway
