#include "inference/model/model_files.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "inference/model/gguf_model.h"
#include "inference/model/mapped_file.h"

namespace citeseek::inference {
namespace {

// "license: mit" of the front matter of a folder's README.md.
std::string FolderLicense(const std::string& folder) {
  const auto file = MappedFile::Open((std::filesystem::path(folder) / "README.md").string());
  if (!file.ok() || !file->text().starts_with("---")) return "";
  constexpr absl::string_view kKey = "license:";
  constexpr std::size_t kMaxFrontMatter = 1 << 16;
  const std::string text(file->text().substr(3, kMaxFrontMatter));
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::StripAsciiWhitespace(line) == "---") return "";
    if (absl::StartsWith(line, kKey)) {
      return std::string(absl::StripAsciiWhitespace(line.substr(kKey.size())));
    }
  }
  return "";
}

absl::Status ReadFolder(const std::string& folder, ModelFiles& files) {
  auto config = ReadModelConfig(folder);
  if (!config.ok()) return config.status();
  files.config = *std::move(config);
  auto weights = Weights::OpenFolder(folder);
  if (!weights.ok()) return weights.status();
  files.weights = *std::move(weights);
  auto tokenizer = Tokenizer::OpenFolder(folder);
  if (tokenizer.ok()) {
    files.tokenizer = *std::move(tokenizer);
  } else if (!absl::IsNotFound(tokenizer.status())) {
    return tokenizer.status();
  }
  auto chat = ChatTemplate::OpenFolder(folder);
  if (chat.ok()) {
    files.chat_template = *std::move(chat);
  } else if (!absl::IsNotFound(chat.status())) {
    return chat.status();
  }
  auto pooling = ReadPoolingConfig(folder);
  if (!pooling.ok()) return pooling.status();
  files.pooling = *std::move(pooling);
  auto generation = ReadGenerationDefaults(folder);
  if (!generation.ok()) return generation.status();
  files.generation = *generation;
  files.license = FolderLicense(folder);
  return absl::OkStatus();
}

absl::Status ReadGguf(const std::string& path, ModelFiles& files) {
  auto gguf = OpenGguf(path);
  if (!gguf.ok()) return gguf.status();
  files.config = std::move(gguf->config);
  files.weights = std::move(gguf->weights);
  const Json& metadata = gguf->metadata;
  if (HasGgufTokenizer(metadata)) {
    auto spec = GgufTokenizer(metadata, path);
    if (!spec.ok()) return spec.status();
    auto tokenizer = Tokenizer::Make(*std::move(spec));
    if (!tokenizer.ok()) return tokenizer.status();
    files.tokenizer = *std::move(tokenizer);
  }
  if (const std::string source = GgufChatTemplate(metadata); !source.empty()) {
    std::vector<std::pair<std::string, std::string>> tokens;
    for (const auto& [kind, name] :
         {std::pair("bos", "bos_token"), std::pair("eos", "eos_token"),
          std::pair("unknown", "unk_token"), std::pair("padding", "pad_token")}) {
      if (const std::string text = GgufTokenText(metadata, kind); !text.empty()) {
        tokens.emplace_back(name, text);
      }
    }
    auto chat = ChatTemplate::Compile(source, std::move(tokens));
    if (!chat.ok()) return chat.status();
    files.chat_template = *std::move(chat);
  }
  files.pooling = GgufPooling(metadata);
  for (const char* kind : {"eot", "eom"}) {
    const Json* id = metadata.Find(absl::StrCat("tokenizer.ggml.", kind, "_token_id"));
    if (id != nullptr && id->Int() != nullptr) files.config.eos_token_ids.push_back(*id->Int());
  }
  const Json* license = metadata.Find("general.license");
  if (license != nullptr && license->String() != nullptr) files.license = *license->String();
  return absl::OkStatus();
}

// The control token that the template puts right behind what an assistant said, if it does.
std::optional<std::int32_t> EndOfTurn(const Tokenizer& tokenizer, const ChatTemplate& chat) {
  const auto conversation = ParseJson(
      R"([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}])", "turn");
  const auto prompt = chat.Render({.messages = *conversation, .add_generation_prompt = false});
  if (!prompt.ok() || prompt->user.empty()) return std::nullopt;
  const auto ids =
      tokenizer.Encode(prompt->text.substr(prompt->user.back().end), {.parse_special = true});
  if (ids.empty() || !tokenizer.IsControl(ids[0])) return std::nullopt;
  return ids[0];
}

// Ids that the tokenizer can make must have a row in the network.
absl::Status CheckVocabulary(const ModelFiles& files) {
  const int rows = files.config.vocabulary_size;
  if (files.tokenizer != nullptr && files.tokenizer->VocabularySize() > rows) {
    return absl::InvalidArgumentError(absl::StrCat(
        files.path, ": the tokenizer has ids up to ", files.tokenizer->VocabularySize() - 1,
        ", the network only ", rows, " tokens; they do not belong together"));
  }
  for (const std::int64_t id : files.config.eos_token_ids) {
    if (id < 0 || id >= rows) {
      return absl::InvalidArgumentError(
          absl::StrCat(files.path, ": eos_token_id ", id, " is not in [0, ", rows - 1, "]"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ModelFiles> OpenModel(const std::string& path) {
  std::error_code error;
  const std::filesystem::path clean = std::filesystem::path(path).lexically_normal();
  const bool folder = std::filesystem::is_directory(path, error);
  ModelFiles files;
  files.path = path;
  files.name = clean.extension() == ".gguf" ? clean.stem().string()
               : clean.has_filename()       ? clean.filename().string()
                                            : clean.parent_path().filename().string();
  if (absl::Status status = folder ? ReadFolder(path, files) : ReadGguf(path, files);
      !status.ok()) {
    return status;
  }
  if (absl::Status status = CheckVocabulary(files); !status.ok()) return status;
  const auto add = [&](std::int64_t id) {
    const auto small = static_cast<std::int32_t>(id);
    if (std::find(files.stop_ids.begin(), files.stop_ids.end(), small) == files.stop_ids.end()) {
      files.stop_ids.push_back(small);
    }
  };
  for (const std::int64_t id : files.config.eos_token_ids) add(id);
  if (files.tokenizer != nullptr && files.chat_template.has_value()) {
    if (const auto id = EndOfTurn(*files.tokenizer, *files.chat_template)) add(*id);
  }
  return files;
}

}  // namespace citeseek::inference
