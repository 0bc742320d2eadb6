#include "inference/model/chat_template.h"

#include <filesystem>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/model/jinja/ast.h"
#include "inference/model/jinja/interpreter.h"
#include "inference/model/jinja/parser.h"
#include "inference/model/mapped_file.h"
#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

constexpr std::size_t kMaxSourceBytes = 1 << 20;

std::string Join(const std::string& folder, std::string_view file) {
  return (std::filesystem::path(folder) / file).string();
}

// A token of tokenizer_config.json: a text, or an object with the text in "content".
const std::string* TokenText(const Json* member) {
  if (member == nullptr) return nullptr;
  if (member->String() != nullptr) return member->String();
  const Json* content = member->Find("content");
  return content == nullptr ? nullptr : content->String();
}

// The template: a text, or a list of {"name", "template"} with one called "default".
const std::string* TemplateSource(const Json& config) {
  const Json* member = config.Find("chat_template");
  if (member == nullptr || member->Array() == nullptr) {
    return member == nullptr ? nullptr : member->String();
  }
  for (const Json& entry : *member->Array()) {
    const Json* name = entry.Find("name");
    const Json* source = entry.Find("template");
    if (name != nullptr && name->String() != nullptr && *name->String() == "default" &&
        source != nullptr) {
      return source->String();
    }
  }
  return nullptr;
}

}  // namespace

struct ChatTemplate::Parts {
  jinja::Block block;
  std::vector<std::pair<std::string, std::string>> tokens;
};

ChatTemplate::ChatTemplate(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

absl::StatusOr<ChatTemplate> ChatTemplate::Compile(
    std::string_view source, std::vector<std::pair<std::string, std::string>> tokens) {
  if (source.size() > kMaxSourceBytes || !IsValidUtf8(source)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "template of ", source.size(), " bytes is not UTF-8 of at most ", kMaxSourceBytes));
  }
  auto block = jinja::Parse(source);
  if (!block.ok()) return block.status();
  auto parts = std::make_unique<Parts>();
  parts->block = *std::move(block);
  parts->tokens = std::move(tokens);
  return ChatTemplate(std::move(parts));
}

absl::StatusOr<ChatTemplate> ChatTemplate::OpenFolder(const std::string& folder) {
  const std::string path = Join(folder, "tokenizer_config.json");
  const auto file = MappedFile::Open(path);
  if (!file.ok()) return file.status();
  const auto config = ParseJson(file->text(), path);
  if (!config.ok()) return config.status();
  std::vector<std::pair<std::string, std::string>> tokens;
  for (const char* name : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
                           "cls_token", "mask_token"}) {
    if (const std::string* text = TokenText(config->Find(name))) tokens.emplace_back(name, *text);
  }
  const auto separate = MappedFile::Open(Join(folder, "chat_template.jinja"));
  if (separate.ok()) return Compile(separate->text(), std::move(tokens));
  const std::string* source = TemplateSource(*config);
  if (source == nullptr) return absl::NotFoundError(absl::StrCat(path, " has no chat_template"));
  return Compile(*source, std::move(tokens));
}

absl::StatusOr<RenderedPrompt> ChatTemplate::Render(const ChatInput& input) const {
  jinja::Variables variables;
  auto& values = variables.values;
  for (const auto& [name, text] : parts_->tokens) values.emplace_back(name, jinja::MakeText(text));
  values.emplace_back("documents", jinja::Value{jinja::None{}});
  values.emplace_back("messages", jinja::FromJson(input.messages, true));
  values.emplace_back("tools", jinja::FromJson(input.tools, true));
  values.emplace_back("add_generation_prompt", jinja::MakeBool(input.add_generation_prompt));
  for (const auto& [name, json] : input.extra) {
    values.emplace_back(name, jinja::FromJson(json, true));
  }
  variables.strftime_now = input.strftime_now;
  auto text = jinja::Run(parts_->block, variables);
  if (!text.ok()) return text.status();
  RenderedPrompt prompt{.text = std::move(text->bytes)};
  for (const jinja::Range& range : text->user) prompt.user.push_back({range.begin, range.end});
  return prompt;
}

}  // namespace citeseek::inference
