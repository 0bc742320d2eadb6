// Engine: turns a model's files into a Generator of this process, and its work into numbers.
//
// Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "inference/generator.h"
#include "inference/model_options.h"

namespace citeseek::inference {

struct PriorityStats {
  std::int64_t waiting = 0;  // now: calls that hold no blocks
  std::int64_t running = 0;  // now
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t finished = 0;
  std::int64_t cancelled = 0;  // by the caller, its deadline or its stop token
  std::int64_t preemptions = 0;
};

// What an engine does now and has done.
struct EngineStats {
  // Now.
  std::int64_t waiting = 0;  // calls that hold no blocks
  std::int64_t running = 0;
  std::int64_t blocks_total = 0;   // of the KV cache
  std::int64_t blocks_free = 0;    // held by no call
  std::int64_t blocks_cached = 0;  // full blocks that a prompt may find
  // Since the start.
  std::int64_t steps = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;  // of prompt_tokens, those found in the cache
  std::int64_t completion_tokens = 0;
  std::int64_t preemptions = 0;
  std::int64_t finished = 0;
  std::int64_t cancelled = 0;  // by the caller, its deadline or its stop token
  // Speculation: completion_tokens / sampled_steps tokens come out of a call's step.
  std::int64_t sampled_steps = 0;    // steps of a call that brought it tokens
  std::int64_t drafted_tokens = 0;   // guessed and checked
  std::int64_t accepted_tokens = 0;  // of drafted_tokens, those that were right
  std::array<PriorityStats, kPriorities> by_priority;  // the totals above, by Priority
};

class Engine : public Generator {
 public:
  virtual std::string Name() const = 0;  // of the model
  virtual EngineStats Stats() const = 0;
  bool EndsThoughts() const override { return true; }
};

struct EngineOptions {
  ModelOptions model = {};
  std::int64_t kv_bytes = 0;      // of keys and values; 0: a quarter of memory_bytes, at most 1 GiB
  std::int64_t memory_bytes = 0;  // that all may take together; 0: what the system has free
  int max_context = 0;            // tokens of one call; 0: what the model and the cache hold
  int max_running = 16;           // calls in one step
  int max_waiting = 256;          // calls that wait behind them
};

// A Hugging Face folder or a GGUF file with a decoder, its tokenizer and its chat template. Nothing
// is read into memory before it is known to fit. Errors: kNotFound, kInvalidArgument (damaged,
// unknown, or no chat model), kResourceExhausted (does not fit: with the numbers).
absl::StatusOr<std::unique_ptr<Engine>> OpenEngine(const std::string& path,
                                                   const EngineOptions& options);

}  // namespace citeseek::inference
