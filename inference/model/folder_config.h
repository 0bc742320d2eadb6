// Folder configuration: what a model's folder says beside its network: how to pool and prompt an
// embedder (sentence-transformers' files), how to sample a generator (generation_config.json).
//
// Missing files give the defaults below. Free functions are thread-safe. Errors: kInvalidArgument
// (damaged, wrong type, or a module that is unknown: named).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace citeseek::inference {

struct PoolingConfig {
  enum class Kind { kCls, kMean, kLastToken };
  Kind kind = Kind::kMean;
  bool normalize = false;       // the folder has a Normalize module
  std::int64_t max_tokens = 0;  // of one text, 0: what the network takes
  std::string query_prompt;     // put before a query
  std::string passage_prompt;   // put before a passage
};

// modules.json, 1_Pooling/config.json, sentence_bert_config.json,
// config_sentence_transformers.json; nullopt for a folder without modules.json.
absl::StatusOr<std::optional<PoolingConfig>> ReadPoolingConfig(const std::string& folder);

// model_max_length of tokenizer_config.json: the tokens of one text that the tokenizer was made to
// cut at; 0 if it does not say.
absl::StatusOr<std::int64_t> ReadTokenLimit(const std::string& folder);

// What a model's makers recommend; nullopt: the file does not say.
struct GenerationDefaults {
  std::optional<double> temperature;  // 0 where the file says not to sample
  std::optional<double> top_p;
  std::optional<int> top_k;
  std::optional<double> min_p;
  std::optional<double> repetition_penalty;
};
absl::StatusOr<GenerationDefaults> ReadGenerationDefaults(const std::string& folder);

}  // namespace citeseek::inference
