#include "services/gateway/forms.h"

#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

TEST(Code, IsToldFromProse) {
  for (std::string_view code : {"const a = b(c);", "if (x) {", "}", "f(x)(y)[z];"}) {
    EXPECT_TRUE(LooksLikeCode(code)) << code;
  }
  for (std::string_view prose : {"The join() method joins paths.",
                                 "// faster than alloc() but unsafe", "let us go on", "", " "}) {
    EXPECT_FALSE(LooksLikeCode(prose)) << prose;
  }
}

TEST(Steps, TellSomebodyWhatToDo) {
  for (std::string_view step :
       {"Hold the button for ten seconds.", "3. Then press OK.", "- Run `citeseek up`.",
        "To save it, click Done.", "If it fails, restart the server.", "请更换滤芯。",
        "更换后长按复位键。"}) {
    EXPECT_TRUE(TellsStep(step)) << step;
  }
  for (std::string_view other :
       {"All settings are lost.", "verify_share | 2 | percent of the store",
        "The button resets it.", "In 1990, he moved.", "整机保修两年。", "", "To"}) {
    EXPECT_FALSE(TellsStep(other)) << other;
  }
}

TEST(TellsWhatItIs, TakesNoPassiveForADefinition) {
  const auto tells = [](std::string_view subject, std::string_view rest) {
    return TellsWhatItIs(std::string(subject) + std::string(rest), subject.size());
  };
  EXPECT_TRUE(tells("A submodule", " is a repository inside another one."));
  EXPECT_TRUE(tells("A submodule", " is defined as a repository."));
  EXPECT_FALSE(tells("A submodule", " is considered up to date."));
  EXPECT_FALSE(tells("Submodules", " are moved together."));
  EXPECT_TRUE(tells("GOsa", " 是一个管理工具。"));
  EXPECT_FALSE(tells("GOsa", " 的概览页面。"));
}

TEST(OpensSentence, LetsAnArticleComeFirst) {
  EXPECT_TRUE(OpensSentence("") && OpensSentence("A ") && OpensSentence("It ends. The `"));
  EXPECT_FALSE(OpensSentence("CREATE ") || OpensSentence("of the "));
}

TEST(SpellsOut, FindsTheWordsBehindAnAcronym) {
  EXPECT_TRUE(SpellsOut("the Logical Volume Manager, another approach", "LVM"));
  EXPECT_TRUE(SpellsOut("Multi-Processing Module", "MPM"));
  EXPECT_TRUE(SpellsOut("the Department of Ill Tempers", "DIT"));
  EXPECT_FALSE(SpellsOut("LVM allows you to", "LVM"));
}

}  // namespace
}  // namespace citeseek::gateway
