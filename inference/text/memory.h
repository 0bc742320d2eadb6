// Memory: how much of it a model will take, and how much there is.
//
// Free functions, thread-safe. All numbers are bytes.
#pragma once

#include <cstdint>
#include <string>

#include "inference/backend/backend.h"
#include "inference/model/config.h"
#include "inference/model/decoder.h"
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

// Of the weights once a decoder holds them, within some percent.
std::int64_t WeightMemory(const Weights& weights, Storage storage);

// Of a tokenizer that is loaded, its tables and its cache of words; 0 for none. About: a token
// takes 300 to 500 bytes, by the kind of the tokenizer.
std::int64_t TokenizerMemory(const Tokenizer* tokenizer);

// Of what a decoder needs besides weights and cache.
std::int64_t WorkingMemory(const ModelConfig& config, const DecoderOptions& options);

std::string MemoryText(std::int64_t bytes);  // "1.5 GiB"

}  // namespace citeseek::inference
