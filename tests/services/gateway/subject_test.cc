#include "services/gateway/subject.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Subject, NamesAreQuotedOrCapitalisedButNotDatesOrQuestionWords) {
  EXPECT_THAT(FindNames("When was Halden Bridge opened?"), ElementsAre("Halden Bridge"));
  EXPECT_THAT(FindNames("Did the Museum of Alderwick open on Monday, 3 May 1998?"),
              ElementsAre("Museum of Alderwick"));
  EXPECT_THAT(FindNames("Which is longer, Halden Bridge or Moon Bridge?"),
              ElementsAre("Halden Bridge", "Moon Bridge"));
  EXPECT_THAT(FindNames("What's new in Falcon 2.10?"), ElementsAre("Falcon 2.10"));
  EXPECT_THAT(FindNames("谁写了《望月》？"), ElementsAre("望月"));
  EXPECT_THAT(FindNames("how long do oat biscuits bake?"), IsEmpty());
}

TEST(Subject, IsWhatTheQuestionWasAbout) {
  EXPECT_EQ(FindSubject({.question = "When was Halden Bridge opened?"}).text, "Halden Bridge");
  EXPECT_EQ(FindSubject({.question = "望月桥全长多少米？"}).text, "望月桥");
  EXPECT_EQ(FindSubject({.question = "什么时候海州图书馆开放？"}).text, "海州图书馆");
  EXPECT_EQ(FindSubject({.question = "Larkspur 的默认端口是多少？"}).text, "Larkspur");
  // No name: what the question shares with the title of what it cited.
  EXPECT_EQ(FindSubject({.question = "How long do oat biscuits bake?",
                         .answer = "12 minutes.",
                         .citations = {{.title = "Oat biscuits"}}})
                .text,
            "oat biscuits");
  EXPECT_EQ(
      FindSubject({.question = "What does the ferry cost?", .answer = "The ferry costs 2."}).text,
      "the ferry");
}

TEST(Subject, AListedItemIsANameOfTheQuestionOrALineOfTheAnswer) {
  EXPECT_EQ(ListedItem({.question = "Halden Bridge or Moon Bridge?"}, 2), "Moon Bridge");
  const Turn list = {.question = "which teas?", .answer = "- Longjing tea [1]\n- Biluochun [2]\n"};
  EXPECT_EQ(ListedItem(list, 1), "Longjing");
  EXPECT_EQ(ListedItem(list, 0), "Biluochun");
  EXPECT_EQ(ListedItem(list, 3), "");
  EXPECT_EQ(
      ListedItem({.question = "有哪些茶？", .answer = "龙井茶产于杭州[1]。碧螺春在苏州[2]。"}, 2),
      "碧螺春");
}

}  // namespace
}  // namespace citeseek::gateway
