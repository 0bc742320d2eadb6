#include "inference/model/tokenizer/added_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace citeseek::inference {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Parts(const AddedTokens& tokens, std::string_view text,
                               std::vector<TextRange> closed = {}) {
  std::vector<std::string> parts;
  tokens.Split(text, closed, [&](std::string_view part, std::int32_t id) {
    parts.push_back((id < 0 ? "" : std::to_string(id) + "=") + std::string(part));
  });
  return parts;
}

TEST(AddedTokensTest, TheLongestOfTheLeftmostIsFound) {
  const AddedTokens tokens({{.id = 1, .content = "<a"}, {.id = 2, .content = "<a>"}});
  EXPECT_THAT(Parts(tokens, "x<a><ay"), ElementsAre("x", "2=<a>", "1=<a", "y"));
  EXPECT_THAT(Parts(tokens, ""), ElementsAre(""));
}

TEST(AddedTokensTest, BlanksBesideATokenBelongToItIfItSaysSo) {
  const AddedTokens tokens({{.id = 1, .content = "<m>", .lstrip = true, .rstrip = true}});
  EXPECT_THAT(Parts(tokens, "a \u3000<m> b"), ElementsAre("a", "1= \u3000<m> ", "b"));
}

TEST(AddedTokensTest, ASingleWordDoesNotTouchOtherWords) {
  const AddedTokens tokens({{.id = 1, .content = "go", .single_word = true}});
  EXPECT_THAT(Parts(tokens, "go goes go"), ElementsAre("1=go", " goes ", "1=go"));
  EXPECT_THAT(Parts(tokens, "\u00BDgo \u24D0go go\u200D"),
              ElementsAre("\u00BD", "1=go", " \u24D0go go\u200D"));
}

TEST(AddedTokensTest, NothingIsFoundThatTouchesAClosedRange) {
  const AddedTokens tokens({{.id = 1, .content = "<s>"}});
  EXPECT_THAT(Parts(tokens, "<s><s><s>", {{3, 6}}), ElementsAre("1=<s>", "<s>", "1=<s>"));
  EXPECT_THAT(Parts(tokens, "<s><s>", {{2, 4}}), ElementsAre("<s><s>"));
}

}  // namespace
}  // namespace citeseek::inference
