#include "inference/batch/thinking_budget.h"

#include <utility>

namespace citeseek::inference {

ThinkingBudget::ThinkingBudget(ThinkingLimits limits, TokenConstraint* answer)
    : limits_(std::move(limits)),
      answer_(answer),
      state_(limits_.open ? State::kThought : State::kAnswer) {}

AllowedTokens ThinkingBudget::Next() {
  if (state_ == State::kThought && !limits_.close.empty()) {
    const bool used_up = limits_.budget_tokens > 0 && thought_tokens_ >= limits_.budget_tokens;
    if (used_up || limits_.answer_now.stop_requested()) {
      state_ = State::kClosing;
      closed_early_ = true;
      closed_ = 0;
    }
  }
  switch (state_) {
    case State::kClosing:
      return {AllowedTokens::Kind::kOnly, std::span(limits_.close).subspan(closed_, 1)};
    case State::kThought:
      return {};
    case State::kAnswer:
      return answer_ == nullptr ? AllowedTokens{} : answer_->Next();
  }
  return {};
}

void ThinkingBudget::Accept(std::int32_t token) {
  switch (state_) {
    case State::kClosing:
      if (++closed_ == limits_.close.size()) state_ = State::kAnswer;
      break;
    case State::kThought:
      if (token == limits_.end) {
        state_ = State::kAnswer;
      } else {
        ++thought_tokens_;
      }
      break;
    case State::kAnswer:
      if (token == limits_.begin) {
        state_ = State::kThought;
      } else if (answer_ != nullptr) {
        answer_->Accept(token);
      }
      break;
  }
}

}  // namespace citeseek::inference
