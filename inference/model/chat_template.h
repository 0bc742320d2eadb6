// ChatTemplate: turns a conversation into the text that a chat model was trained to continue.
//
// The Jinja of tokenizer_config.json, as transformers renders it. The rendered text tells which
// bytes came from messages and tools: the tokenizer never reads control tokens there. Immutable
// and thread-safe. Errors: kInvalidArgument (template damaged or unknown, raise_exception, bounds
// of time and size exceeded), kNotFound (no template in the folder).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/model/json.h"
#include "inference/model/text_range.h"

namespace citeseek::inference {

struct RenderedPrompt {
  std::string text;
  std::vector<TextRange> user;  // sorted, apart from one another
};

struct ChatInput {
  Json messages;  // [{"role", "content", ...}]
  Json tools;     // null or a list
  bool add_generation_prompt = true;
  // Other variables, such as enable_thinking.
  std::vector<std::pair<std::string, Json>> extra;
  std::function<std::string(std::string_view format)> strftime_now;  // empty: there is no clock
};

class ChatTemplate {
 public:
  // `tokens`: bos_token and the like, by their names in templates.
  static absl::StatusOr<ChatTemplate> Compile(
      std::string_view source, std::vector<std::pair<std::string, std::string>> tokens);
  // chat_template and the token names of tokenizer_config.json, or chat_template.jinja.
  static absl::StatusOr<ChatTemplate> OpenFolder(const std::string& folder);

  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  absl::StatusOr<RenderedPrompt> Render(const ChatInput& input) const;

 private:
  struct Parts;
  explicit ChatTemplate(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace citeseek::inference
