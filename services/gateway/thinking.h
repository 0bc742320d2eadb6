// ThoughtSplitter: turns a model's streamed pieces into thoughts and answer text.
//
// Single-threaded; one per generation. Thoughts are pieces of kind kThought and what stands between
// <think> and </think> in text, with the tags cut anywhere by the stream. The templates of R1 and
// its kin open the tag in the prompt, so that the text starts inside a thought and only </think> is
// ever seen. The rule for Opening::kUnknown: text that begins as thoughts do ("Okay, so the user
// asks", "嗯，") is held back until a tag or a thought piece tells which it was; a reply that ends
// by itself without any was an answer; one that was cut off may have been a thought and counts as
// one. Text that begins otherwise is the answer and streams from its first word. Should a </think>
// follow after all, learned() keeps the next reply from the same mistake. Linear time; holds back
// at most 16 bytes otherwise.
#pragma once

#include <string>
#include <vector>

#include "inference/generator.h"

namespace citeseek::gateway {

class ThoughtSplitter {
 public:
  // How the text of this model starts.
  enum class Opening {
    kUnknown,  // nobody knows yet
    kAnswer,   // as answer; a thought shows its <think>
    kThought,  // inside a thought whose <think> is not sent
  };

  explicit ThoughtSplitter(Opening opening);

  // Append whole UTF-8 pieces, neither empty, to `out`.
  void Feed(const inference::Piece& piece, std::vector<inference::Piece>* out);
  // `whole`: the model ended its reply by itself, neither an error nor a limit did.
  void Finish(bool whole, std::vector<inference::Piece>* out);

  // After Finish: what this generation showed; kUnknown if it showed nothing.
  Opening learned() const { return learned_; }

 private:
  enum class State { kUndecided, kThought, kAnswer };

  void Emit(std::size_t length, std::vector<inference::Piece>* out);
  bool BeginsAsAnswer() const;

  Opening learned_ = Opening::kUnknown;
  State state_;
  bool trim_ = true;      // drop blanks before the first text of a thought or the answer
  std::string held_;      // not yet emitted
  std::size_t seen_ = 0;  // of held_, bytes searched for tags already
};

}  // namespace citeseek::gateway
