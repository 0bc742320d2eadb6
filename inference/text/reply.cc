#include "inference/text/reply.h"

#include <utility>

namespace citeseek::inference {

Reply::Reply(const Tokenizer& tokenizer, ThinkTokens think, bool in_thought,
             std::vector<std::string> stop_strings)
    : tokenizer_(tokenizer),
      think_(think),
      stops_(std::move(stop_strings)),
      thinking_(in_thought),
      decoder_(tokenizer.Stream(true)) {}

void Reply::Emit(std::string text, std::vector<Piece>& out) {
  if (trim_) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin == std::string::npos) return;
    text.erase(0, begin);
    trim_ = false;
  }
  if (!thinking_) text = stops_.Push(text);
  if (text.empty()) return;
  out.push_back(
      {.kind = thinking_ ? Piece::Kind::kThought : Piece::Kind::kText, .text = std::move(text)});
}

void Reply::SetThinking(bool thinking, std::vector<Piece>& out) {
  Finish(out);
  thinking_ = thinking;
  trim_ = true;
  decoder_.emplace(tokenizer_.Stream(true));
}

void Reply::Push(std::int32_t id, std::vector<Piece>& out) {
  if (stopped()) return;
  if (think_.known() && id == (thinking_ ? think_.end : think_.begin)) {
    SetThinking(!thinking_, out);
  } else {
    Emit(decoder_->Push(id), out);
  }
}

void Reply::Finish(std::vector<Piece>& out) {
  Emit(decoder_->Finish(), out);
  if (thinking_) return;
  if (std::string held = stops_.Finish(); !held.empty()) {
    out.push_back({.kind = Piece::Kind::kText, .text = std::move(held)});
  }
}

}  // namespace citeseek::inference
