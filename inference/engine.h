// EngineStats: what an engine does now and has done, as numbers to watch.
#pragma once

#include <cstdint>

namespace citeseek::inference {

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
};

}  // namespace citeseek::inference
