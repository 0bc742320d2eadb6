// ThinkingBudget: ends a call's thought after so many tokens, or as soon as somebody asks for it.
//
// A constraint (see there for threads): while the model thinks, everything is allowed until the
// budget is used up or `answer_now` is requested, from any thread; then `close` is all that is
// allowed, one token after the other; afterwards the answer's own constraint holds.
#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include "inference/batch/constraint.h"

namespace citeseek::inference {

struct ThinkingLimits {
  std::int32_t begin = -1;          // the token that opens a thought: <think>; -1: there is none
  std::int32_t end = -1;            // the token that ends it: </think>
  std::vector<std::int32_t> close;  // said to end it early; holds `end`, as in "\n</think>\n\n"
  bool open = false;                // the prompt ends within a thought
  int budget_tokens = 0;            // 0: no limit
  std::stop_token answer_now = {};
};

class ThinkingBudget : public TokenConstraint {
 public:
  // answer: what holds outside of thoughts, the caller's; null: nothing.
  explicit ThinkingBudget(ThinkingLimits limits, TokenConstraint* answer = nullptr);

  AllowedTokens Next() override;
  void Accept(std::int32_t token) override;

  bool closed_early() const { return closed_early_; }

 private:
  enum class State { kAnswer, kThought, kClosing };

  const ThinkingLimits limits_;
  TokenConstraint* const answer_;
  State state_;
  bool closed_early_ = false;
  int thought_tokens_ = 0;  // of all thoughts of the call
  std::size_t closed_ = 0;  // tokens of `close` that were said
};

}  // namespace citeseek::inference
