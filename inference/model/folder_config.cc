#include "inference/model/folder_config.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/model/json.h"
#include "inference/model/mapped_file.h"

namespace citeseek::inference {
namespace {

// The JSON of a file, nullopt if there is none.
absl::StatusOr<std::optional<Json>> ReadOptional(const std::string& folder, std::string_view file) {
  const std::string path = (std::filesystem::path(folder) / file).string();
  const auto mapped = MappedFile::Open(path);
  if (absl::IsNotFound(mapped.status())) return std::nullopt;
  if (!mapped.ok()) return mapped.status();
  auto json = ParseJson(mapped->text(), path);
  if (!json.ok()) return json.status();
  return *std::move(json);
}

absl::Status ReadPoolingModule(const std::string& folder, const std::string& module,
                               PoolingConfig& config) {
  const std::string file = module + "/config.json";
  const auto json = ReadOptional(folder, file);
  if (!json.ok()) return json.status();
  if (!*json) return absl::InvalidArgumentError(absl::StrCat(folder, " lacks ", file));
  JsonReader reader(**json, file);
  const bool cls = reader.Bool("pooling_mode_cls_token", false);
  const bool mean = reader.Bool("pooling_mode_mean_tokens", false);
  const bool last = reader.Bool("pooling_mode_lasttoken", false);
  for (const std::string_view other :
       {"pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens",
        "pooling_mode_weightedmean_tokens"}) {
    if (reader.Bool(other, false)) reader.Fail(other, "is unknown; known are cls, mean, lasttoken");
  }
  if (cls + mean + last != 1) reader.Fail("pooling_mode", "must be one of cls, mean, lasttoken");
  config.kind = cls    ? PoolingConfig::Kind::kCls
                : last ? PoolingConfig::Kind::kLastToken
                       : PoolingConfig::Kind::kMean;
  return reader.status();
}

absl::Status ReadPrompts(const std::string& folder, PoolingConfig& config) {
  const auto json = ReadOptional(folder, "config_sentence_transformers.json");
  if (!json.ok()) return json.status();
  const Json* prompts = *json ? (*json)->Find("prompts") : nullptr;
  if (prompts == nullptr || prompts->IsNull()) return absl::OkStatus();
  JsonReader reader(*prompts, "config_sentence_transformers.json prompts");
  if (!reader.status().ok()) return reader.status();
  config.query_prompt = reader.String("query", "");
  config.passage_prompt = reader.String("document", reader.String("passage", ""));
  return reader.status();
}

}  // namespace

absl::StatusOr<std::optional<PoolingConfig>> ReadPoolingConfig(const std::string& folder) {
  const auto modules = ReadOptional(folder, "modules.json");
  if (!modules.ok()) return modules.status();
  if (!*modules) return std::nullopt;
  if ((*modules)->Array() == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(folder, "/modules.json is not an array"));
  }
  PoolingConfig config;
  for (const Json& module : *(*modules)->Array()) {
    JsonReader reader(module, "modules.json");
    if (!reader.status().ok()) return reader.status();
    const std::string type = reader.String("type", "");
    const std::string path = reader.String("path", "");
    if (path.find("..") != std::string::npos || path.starts_with('/')) {
      reader.Fail("path", "leaves the folder");
    }
    if (!reader.status().ok()) return reader.status();
    if (type.ends_with(".Pooling")) {
      const absl::Status status = ReadPoolingModule(folder, path, config);
      if (!status.ok()) return status;
    } else if (type.ends_with(".Normalize")) {
      config.normalize = true;
    } else if (!type.ends_with(".Transformer")) {
      return absl::InvalidArgumentError(absl::StrCat(folder, "/modules.json: module \"", type,
                                                     "\" is unknown; known are Transformer, ",
                                                     "Pooling, Normalize"));
    }
  }
  const auto limits = ReadOptional(folder, "sentence_bert_config.json");
  if (!limits.ok()) return limits.status();
  if (*limits) {
    JsonReader reader(**limits, "sentence_bert_config.json");
    config.max_tokens = reader.Int("max_seq_length", 0, 0, std::int64_t{1} << 30);
    if (!reader.status().ok()) return reader.status();
  }
  const absl::Status status = ReadPrompts(folder, config);
  if (!status.ok()) return status;
  return config;
}

absl::StatusOr<std::int64_t> ReadTokenLimit(const std::string& folder) {
  const auto json = ReadOptional(folder, "tokenizer_config.json");
  if (!json.ok()) return json.status();
  const Json* limit = *json ? (*json)->Find("model_max_length") : nullptr;
  // A float, such as 1e30, is how these files write that there is none.
  return limit == nullptr || limit->Int() == nullptr ? 0 : std::max<std::int64_t>(*limit->Int(), 0);
}

absl::StatusOr<GenerationDefaults> ReadGenerationDefaults(const std::string& folder) {
  GenerationDefaults defaults;
  const auto json = ReadOptional(folder, "generation_config.json");
  if (!json.ok()) return json.status();
  if (!*json) return defaults;
  JsonReader reader(**json, "generation_config.json");
  const auto number = [&](const char* name, double least, double most) -> std::optional<double> {
    const Json* value = (*json)->Find(name);
    if (value == nullptr || value->IsNull()) return std::nullopt;
    return reader.Number(name, 0, least, most);
  };
  constexpr double kAboveZero = 1e-6;
  defaults.temperature = number("temperature", 0, 100);
  if (!reader.Bool("do_sample", true)) defaults.temperature = 0;
  defaults.top_p = number("top_p", kAboveZero, 1);
  if (const auto top_k = number("top_k", -1, 1 << 24)) {  // -1: off, for some
    defaults.top_k = std::max(0, static_cast<int>(*top_k));
  }
  defaults.min_p = number("min_p", 0, 1 - kAboveZero);
  defaults.repetition_penalty = number("repetition_penalty", kAboveZero, 100);
  if (!reader.status().ok()) return reader.status();
  return defaults;
}

}  // namespace citeseek::inference
