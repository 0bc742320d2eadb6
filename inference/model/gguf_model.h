// GGUF models: turns a GGUF file into what a Hugging Face folder gives: configuration, weights
// under Hugging Face's names, tokenizer, chat template.
//
// Architectures: llama, qwen2, qwen3, qwen3moe, deepseek2, bert, modern-bert. Free functions are
// thread-safe. Errors: kNotFound, kInvalidArgument (damaged, unknown architecture or type: named).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "inference/model/config.h"
#include "inference/model/folder_config.h"
#include "inference/model/gguf.h"
#include "inference/model/tokenizer/spec.h"
#include "inference/model/weights.h"

namespace citeseek::inference {

struct GgufModel {
  ModelConfig config;
  Weights weights;
  Json metadata;
};

absl::StatusOr<GgufModel> OpenGguf(const std::string& path);

absl::StatusOr<ModelConfig> GgufConfig(const Gguf& gguf, std::string_view name);

// False where the file has ids only ("none").
bool HasGgufTokenizer(const Json& metadata);

// tokenizer.ggml.*: byte-level BPE, SentencePiece BPE, Unigram, WordPiece.
absl::StatusOr<TokenizerSpec> GgufTokenizer(const Json& metadata, std::string_view name);

// How an embedder pools, if the file says so.
std::optional<PoolingConfig> GgufPooling(const Json& metadata);

// The text of this token kind ("bos", "eos", ...), "" if there is none; for chat templates.
std::string GgufTokenText(const Json& metadata, std::string_view kind);

// tokenizer.chat_template, "" if there is none.
std::string GgufChatTemplate(const Json& metadata);

}  // namespace citeseek::inference
