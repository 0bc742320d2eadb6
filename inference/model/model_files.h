// Model files: turns a path, a Hugging Face folder or a GGUF file, into all that the files hold.
//
// Weights stay on disk, memory-mapped, until a Decoder or an Encoder reads them:
//   auto files = OpenModel(path);
//   auto decoder = Decoder::Load(files->config, files->weights, backend, options);
// Free functions are thread-safe. Errors: kNotFound, kInvalidArgument (damaged, unknown
// architecture or type, tokenizer and network that do not belong together).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/model/chat_template.h"
#include "inference/model/config.h"
#include "inference/model/folder_config.h"
#include "inference/model/tokenizer.h"
#include "inference/model/weights.h"

namespace citeseek::inference {

struct ModelFiles {
  std::string path;
  std::string name;  // the folder's, or the file's without ".gguf"
  ModelConfig config;
  Weights weights;
  std::unique_ptr<Tokenizer> tokenizer;       // null: the files hold none
  std::optional<ChatTemplate> chat_template;  // nullopt: the files hold none
  std::optional<PoolingConfig> pooling;       // nullopt: the files tell nothing
  GenerationDefaults generation;
  // Any of them ends an answer: the files' eos, and what the chat template puts behind one.
  std::vector<std::int32_t> stop_ids;
  std::string license;  // as the files name it, "" if they do not
};

absl::StatusOr<ModelFiles> OpenModel(const std::string& path);

}  // namespace citeseek::inference
