// ChatPrompter: turns messages into the token ids that a chat model was trained to continue.
//
// Through the model's chat template; texts of messages never become control tokens. Immutable and
// thread-safe; borrows tokenizer and template. Errors: kInvalidArgument (no messages, a text that
// is not UTF-8, or the template's own refusal).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/generator.h"
#include "inference/model/chat_template.h"
#include "inference/model/tokenizer.h"
#include "inference/text/reply.h"

namespace citeseek::inference {

struct ChatPrompt {
  std::vector<std::int32_t> ids;
  bool in_thought = false;  // it ends with an open <think>, be that a token or plain text
};

class ChatPrompter {
 public:
  ChatPrompter(const Tokenizer& tokenizer, const ChatTemplate& chat);

  // thinking false: by the template's own switch (enable_thinking, or thinking), and where it has
  // none by a thought that is closed before it begins.
  absl::StatusOr<ChatPrompt> Make(std::span<const Message> messages, bool thinking) const;

  ThinkTokens think() const { return think_; }
  // What ends a thought early: "\n</think>\n\n"; empty if the model has no thoughts.
  const std::vector<std::int32_t>& close_thought() const { return close_thought_; }

 private:
  absl::StatusOr<RenderedPrompt> Render(std::span<const Message> messages, bool thinking) const;

  const Tokenizer& tokenizer_;
  const ChatTemplate& chat_;
  ThinkTokens think_;
  std::vector<std::int32_t> close_thought_;
};

}  // namespace citeseek::inference
