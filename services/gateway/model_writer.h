// Model writer: turns what a model says of the passages into thoughts and a cited, checked answer.
#pragma once

#include <atomic>

#include "services/gateway/asking.h"
#include "services/gateway/thinking.h"

namespace citeseek::gateway {

// How the generator's texts start, learned from what it has sent. Each mode for itself: templates
// may open the thought only where thoughts are asked for. Thread-safe.
struct Openings {
  std::atomic<ThoughtSplitter::Opening> quick{ThoughtSplitter::Opening::kUnknown};
  std::atomic<ThoughtSplitter::Opening> deep{ThoughtSplitter::Opening::kUnknown};
};

// In mode kQuick or kDeep. kCancelled with asking.enough: the thought was long enough, or took all
// the tokens, and has been left as it is. Other errors: those of Asking and of the generator, and
// kUnavailable for a model that gives no answer; what it has said until then stays.
absl::Status WriteByModel(Asking& asking, Openings* openings, Mode mode, Evidence* evidence);

}  // namespace citeseek::gateway
