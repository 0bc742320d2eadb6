#include "services/gateway/thinking.h"

#include <algorithm>
#include <array>
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

// How reasoning models begin to think; in lower case. A word that goes on is another word.
constexpr auto kThoughtOpenings = std::to_array<std::string_view>(
    {"okay",   "ok,",      "ok.",       "ok ",      "alright",      "all right",  "hmm",
     "wait",   "well,",    "so ",       "so,",      "now ",         "now,",       "first ",
     "first,", "let me",   "let's",     "let us",   "i need",       "i should",   "i have",
     "i will", "i'll",     "i'm",       "i want",   "we need",      "we have",    "we are",
     "we're",  "the user", "the query", "the task", "the question", "looking at", "to answer",
     "嗯",     "好的",     "好，",      "好吧",     "首先",         "用户",       "让我",
     "我需要", "我现在",   "我要",      "我来",     "我得",         "我应该",     "我们需要",
     "现在",   "接下来",   "这个问题",  "问题是",   "看起来"});

}  // namespace

// True once the held text shows that it is no thought.
bool ThoughtSplitter::BeginsAsAnswer() const {
  std::string start = held_.substr(std::min(held_.find_first_not_of(kBlanks), held_.size()), 16);
  for (char& c : start) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return !start.empty() && std::none_of(kThoughtOpenings.begin(), kThoughtOpenings.end(),
                                        [&](std::string_view opening) {
                                          return start.starts_with(opening) ||
                                                 IsProperPrefix(start, opening);
                                        });
}

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
      if (state_ == State::kUndecided && at > 0 && BeginsAsAnswer()) state_ = State::kAnswer;
      if (state_ != State::kUndecided) Emit(at, out);
      return;
    } else {
      seen_ = at + 1;
    }
  }
  if (state_ == State::kUndecided && BeginsAsAnswer()) state_ = State::kAnswer;
  if (state_ == State::kUndecided) {
    seen_ = held_.size();
  } else {
    Emit(held_.size(), out);
  }
}

void ThoughtSplitter::Finish(bool whole, std::vector<Piece>* out) {
  if (state_ == State::kUndecided) state_ = whole ? State::kAnswer : State::kThought;
  const bool text = !trim_ || held_.find_first_not_of(kBlanks) != std::string::npos;
  if (whole && text && state_ == State::kAnswer && learned_ == Opening::kUnknown) {
    learned_ = Opening::kAnswer;
  }
  Emit(held_.size(), out);
}

}  // namespace citeseek::gateway
