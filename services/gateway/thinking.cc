#include "services/gateway/thinking.h"

#include <string_view>
#include <utility>

namespace citeseek::gateway {
namespace {

using inference::Piece;

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";
constexpr std::string_view kBlanks = " \t\r\n";

bool IsProperPrefix(std::string_view part, std::string_view whole) {
  return part.size() < whole.size() && whole.substr(0, part.size()) == part;
}

}  // namespace

ThoughtSplitter::ThoughtSplitter(Opening opening)
    : state_(opening == Opening::kUnknown   ? State::kUndecided
             : opening == Opening::kThought ? State::kThought
                                            : State::kAnswer) {}

// Takes the first `length` bytes of held_ out as text of the current state.
void ThoughtSplitter::Emit(std::size_t length, std::vector<Piece>* out) {
  std::string_view text = std::string_view(held_).substr(0, length);
  if (trim_) text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  if (!text.empty()) {
    trim_ = false;
    const auto kind = state_ == State::kThought ? Piece::Kind::kThought : Piece::Kind::kText;
    out->push_back({.kind = kind, .text = std::string(text)});
  }
  held_.erase(0, length);
  seen_ = 0;
}

void ThoughtSplitter::Feed(const Piece& piece, std::vector<Piece>* out) {
  if (piece.kind == Piece::Kind::kThought) {
    // The model server tells thoughts apart by itself: all text is answer.
    if (learned_ == Opening::kUnknown) learned_ = Opening::kAnswer;
    state_ = State::kAnswer;
    Emit(held_.size(), out);
    if (!piece.text.empty()) out->push_back(piece);
    return;
  }
  held_ += piece.text;
  while (true) {
    const std::size_t at = held_.find('<', seen_);
    if (at == std::string::npos) break;
    const std::string_view rest = std::string_view(held_).substr(at);
    if (rest.substr(0, kOpen.size()) == kOpen) {
      if (learned_ == Opening::kUnknown) learned_ = Opening::kAnswer;
      if (state_ == State::kUndecided) state_ = State::kAnswer;
      Emit(at, out);
      held_.erase(0, kOpen.size());
      if (state_ == State::kAnswer) trim_ = true;
      state_ = State::kThought;
    } else if (rest.substr(0, kClose.size()) == kClose) {
      if (learned_ == Opening::kUnknown) learned_ = Opening::kThought;
      if (state_ == State::kUndecided) state_ = State::kThought;
      Emit(at, out);
      held_.erase(0, kClose.size());
      if (state_ == State::kThought) trim_ = true;
      state_ = State::kAnswer;
    } else if (IsProperPrefix(rest, kOpen) || IsProperPrefix(rest, kClose)) {
      if (state_ != State::kUndecided) Emit(at, out);
      return;
    } else {
      seen_ = at + 1;
    }
  }
  if (state_ == State::kUndecided) {
    seen_ = held_.size();
  } else {
    Emit(held_.size(), out);
  }
}

void ThoughtSplitter::Finish(bool whole, std::vector<Piece>* out) {
  if (state_ == State::kUndecided) {
    state_ = whole ? State::kAnswer : State::kThought;
    const bool text = held_.find_first_not_of(kBlanks) != std::string::npos;
    if (whole && text) learned_ = Opening::kAnswer;
  }
  Emit(held_.size(), out);
}

}  // namespace citeseek::gateway
