// Memory: how much of it a model will take, and how much there is.
//
// Free functions, thread-safe. All numbers are bytes.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "inference/backend/backend.h"
#include "inference/model/config.h"
#include "inference/model/decoder.h"
#include "inference/model/encoder.h"
#include "inference/model/tokenizer.h"
#include "inference/model/weights.h"
#include "inference/model_options.h"

namespace citeseek::inference {

// What this process may still take: the least of what the system has available, what its control
// groups (versions 1 and 2) allow and what its address space limit leaves. `root` is "/", or a copy
// of the few files that are read, for tests.
std::int64_t FreeMemory(const std::string& root = "/");

// What is left where a backend allocates: on its device, or as above.
std::int64_t FreeMemory(const Backend& backend);

// What a model takes of its backend's memory.
struct ModelMemory {
  std::int64_t weights = 0;  // in the forms in which the backend keeps them
  std::int64_t cache = 0;    // of keys and values
  std::int64_t working = 0;  // what a step's numbers pass through, the backend's own among it
  std::int64_t Total() const { return weights + cache + working; }
};

// The model is loaded as with these options, but nothing is read nor kept, only counted.
// Errors: those of loading.
absl::StatusOr<ModelMemory> MemoryOf(const ModelConfig& config, const Weights& weights,
                                     const Backend& backend, const DecoderOptions& options);
absl::StatusOr<ModelMemory> MemoryOf(const ModelConfig& config, const Weights& weights,
                                     const Backend& backend, const EncoderOptions& options);

// Of a tokenizer that is loaded, its tables and its cache of words; 0 for none. About: a token
// takes 300 to 500 bytes, by the kind of the tokenizer.
std::int64_t TokenizerMemory(const Tokenizer* tokenizer);

// Of the logits that an engine keeps.
std::int64_t EngineMemory(const ModelConfig& config, int max_sequences);

std::string MemoryText(std::int64_t bytes);  // "1.5 GiB"

}  // namespace citeseek::inference
