// OpenTinyChat: turns the tiny model's tokenizer_config.json into its tokenizer and chat template.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "inference/model/chat_template.h"
#include "inference/model/tokenizer.h"
#include "tests/support/tiny_model.h"

namespace citeseek::inference {

struct TinyChat {
  std::unique_ptr<Tokenizer> tokenizer;
  ChatTemplate chat;
};

inline absl::StatusOr<TinyChat> OpenTinyChat(const std::string& config) {
  auto tokenizer = Tokenizer::Parse(TinyTokenizerJson(), config, "tiny");
  if (!tokenizer.ok()) return tokenizer.status();
  const auto json = ParseJson(config, "config");
  if (!json.ok()) return json.status();
  auto chat = ChatTemplate::Compile(*json->Find("chat_template")->String(), {});
  if (!chat.ok()) return chat.status();
  return TinyChat{*std::move(tokenizer), *std::move(chat)};
}

}  // namespace citeseek::inference
