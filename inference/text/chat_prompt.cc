#include "inference/text/chat_prompt.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

constexpr std::string_view kBegin = "<think>";
constexpr std::string_view kEnd = "</think>";

std::int32_t ControlToken(const Tokenizer& tokenizer, std::string_view text) {
  const auto id = tokenizer.TokenId(text);
  return id.has_value() && tokenizer.IsControl(*id) ? *id : -1;
}

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kUser:
      return "user";
    case Role::kAssistant:
      return "assistant";
  }
  return "user";
}

// What the template itself wrote behind the last message.
std::string_view Tail(const RenderedPrompt& prompt) {
  const std::string_view text = prompt.text;
  return prompt.user.empty() ? text : text.substr(prompt.user.back().end);
}

bool EndsInThought(const RenderedPrompt& prompt) {
  const std::string_view tail = Tail(prompt);
  const std::size_t begin = tail.rfind(kBegin);
  if (begin == std::string_view::npos) return false;
  const std::size_t end = tail.rfind(kEnd);
  return end == std::string_view::npos || end < begin;
}

}  // namespace

ChatPrompter::ChatPrompter(const Tokenizer& tokenizer, const ChatTemplate& chat)
    : tokenizer_(tokenizer),
      chat_(chat),
      think_({ControlToken(tokenizer, kBegin), ControlToken(tokenizer, kEnd)}) {
  if (think_.known()) {
    close_thought_ = tokenizer.Encode("\n</think>\n\n", {.parse_special = true});
  }
}

absl::StatusOr<RenderedPrompt> ChatPrompter::Render(std::span<const Message> messages,
                                                    bool thinking) const {
  JsonArray list;
  for (const Message& message : messages) {
    if (!IsValidUtf8(message.text)) {
      return absl::InvalidArgumentError(absl::StrCat("message ", list.size(), " is not UTF-8"));
    }
    JsonObject fields;
    fields.emplace_back("role", Json{.value = std::string(RoleName(message.role))});
    fields.emplace_back("content", Json{.value = message.text});
    list.emplace_back().value = std::move(fields);
  }
  ChatInput input;
  input.messages.value = std::move(list);
  input.strftime_now = [](std::string_view format) {
    return absl::FormatTime(std::string(format), absl::Now(), absl::LocalTimeZone());
  };
  // Qwen3's name of the switch, and DeepSeek-V3.1's.
  for (const char* name : {"enable_thinking", "thinking"}) {
    input.extra.emplace_back(name, Json{.value = thinking});
  }
  return chat_.Render(input);
}

absl::StatusOr<ChatPrompt> ChatPrompter::Make(std::span<const Message> messages,
                                              bool thinking) const {
  if (messages.empty()) return absl::InvalidArgumentError("there are no messages");
  auto prompt = Render(messages, thinking);
  if (!prompt.ok()) return prompt.status();
  if (!thinking && think_.known()) {
    const auto with = Render(messages, true);
    if (with.ok() && with->text == prompt->text) {
      absl::StrAppend(&prompt->text, EndsInThought(*prompt) ? "" : "<think>\n", "\n</think>\n\n");
    }
  }
  return ChatPrompt{.ids = tokenizer_.EncodePrompt(prompt->text, prompt->user),
                    .in_thought = EndsInThought(*prompt)};
}

}  // namespace citeseek::inference
