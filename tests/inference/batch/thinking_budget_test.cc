#include "inference/batch/thinking_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace citeseek::inference {
namespace {

using testing::ElementsAre;
using Kind = AllowedTokens::Kind;

constexpr std::int32_t kBegin = 90;
constexpr std::int32_t kEnd = 91;

ThinkingLimits Limits(int budget, bool open = true) {
  return {
      .begin = kBegin, .end = kEnd, .close = {5, kEnd, 6}, .open = open, .budget_tokens = budget};
}

// Allows but one token, and remembers what it was told.
struct OnlySeven : TokenConstraint {
  AllowedTokens Next() override { return {Kind::kOnly, seven}; }
  void Accept(std::int32_t token) override { accepted.push_back(token); }
  std::vector<std::int32_t> seven = {7};
  std::vector<std::int32_t> accepted;
};

// What is forced from now on, each token accepted.
std::vector<std::int32_t> Forced(TokenConstraint& constraint) {
  std::vector<std::int32_t> out;
  for (AllowedTokens next = constraint.Next(); next.kind == Kind::kOnly && out.size() < 9;
       next = constraint.Next()) {
    EXPECT_EQ(next.tokens.size(), 1u);
    out.push_back(next.tokens[0]);
    constraint.Accept(out.back());
  }
  return out;
}

TEST(ThinkingBudgetTest, AThoughtIsClosedWhenItsTokensAreUsedUp) {
  ThinkingBudget budget(Limits(2));
  for (const std::int32_t token : {1, 2}) {
    EXPECT_EQ(budget.Next().kind, Kind::kAll);
    budget.Accept(token);
  }
  EXPECT_THAT(Forced(budget), ElementsAre(5, kEnd, 6));
  EXPECT_TRUE(budget.closed_early());
  EXPECT_EQ(budget.Next().kind, Kind::kAll);
}

TEST(ThinkingBudgetTest, AThoughtThatEndsInTimeIsLeftAlone) {
  ThinkingBudget budget(Limits(3));
  for (const std::int32_t token : {1, 2, kEnd, 3, 4, 5, 6}) {
    EXPECT_EQ(budget.Next().kind, Kind::kAll);
    budget.Accept(token);
  }
  EXPECT_FALSE(budget.closed_early());
}

TEST(ThinkingBudgetTest, AnswerNowClosesTheThoughtAtTheNextToken) {
  std::stop_source answer_now;
  ThinkingLimits limits = Limits(0);
  limits.answer_now = answer_now.get_token();
  ThinkingBudget budget(limits);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(budget.Next().kind, Kind::kAll);
    budget.Accept(1);
  }
  answer_now.request_stop();
  EXPECT_THAT(Forced(budget), ElementsAre(5, kEnd, 6));
  EXPECT_EQ(budget.Next().kind, Kind::kAll);  // said once
}

TEST(ThinkingBudgetTest, TheAnswersConstraintHoldsOutsideOfThoughtsAlone) {
  OnlySeven seven;
  ThinkingBudget budget(Limits(1, /*open=*/false), &seven);
  EXPECT_THAT(budget.Next().tokens, ElementsAre(7));
  budget.Accept(7);
  budget.Accept(kBegin);  // as if it had been allowed
  EXPECT_EQ(budget.Next().kind, Kind::kAll);
  budget.Accept(1);
  for (const std::int32_t token : {5, kEnd, 6}) {
    EXPECT_THAT(budget.Next().tokens, ElementsAre(token));
    budget.Accept(token);
  }
  EXPECT_THAT(budget.Next().tokens, ElementsAre(7));
  budget.Accept(7);
  EXPECT_THAT(seven.accepted, ElementsAre(7, 7));
}

}  // namespace
}  // namespace citeseek::inference
