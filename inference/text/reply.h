// Reply: turns the tokens that a model says into pieces of thought and text.
//
// A model that thinks marks its thoughts with tokens of its own, <think> and </think>; they are
// left out, and so are the blanks that follow them. Text ends before a stop string; thoughts may
// hold one. Single-threaded; one per call; borrows the tokenizer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "inference/generator.h"
#include "inference/model/tokenizer.h"
#include "inference/text/stop_strings.h"

namespace citeseek::inference {

// -1: the model has no such tokens.
struct ThinkTokens {
  std::int32_t begin = -1;
  std::int32_t end = -1;
  bool known() const { return begin >= 0 && end >= 0; }
};

class Reply {
 public:
  // in_thought: the prompt ended inside a thought.
  Reply(const Tokenizer& tokenizer, ThinkTokens think, bool in_thought,
        std::vector<std::string> stop_strings);

  // Appends what is certain after this token: whole UTF-8, none empty.
  void Push(std::int32_t id, std::vector<Piece>& out);
  // Appends what is left.
  void Finish(std::vector<Piece>& out);
  // A stop string was met: there is nothing more to come.
  bool stopped() const { return stops_.stopped(); }

 private:
  void Emit(std::string text, std::vector<Piece>& out);
  void SetThinking(bool thinking, std::vector<Piece>& out);

  const Tokenizer& tokenizer_;
  const ThinkTokens think_;
  StopStrings stops_;
  bool thinking_;
  bool trim_ = false;  // drop blanks before the first text of what comes next
  std::optional<StreamDecoder> decoder_;
};

}  // namespace citeseek::inference
