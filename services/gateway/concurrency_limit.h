// ConcurrencyLimit: finds out how many calls a model server takes at once.
//
// From the time to the first token alone: a server with a free slot begins a call at once, one
// without lets it wait, and that shows there first; how long whole calls take says little where a
// batch that grows makes each of them slower and all of them faster. The limit follows the gradient
// of that time (as in Netflix's Gradient2): it grows while calls begin as soon as without load, and
// shrinks by how much later they do. The time without load is learned whenever few calls run; under
// lasting load the limit is halved for a moment to learn it anew (as in Envoy's adaptive
// concurrency), so that a queue is not taken for the usual.
//
// Single-threaded. Deterministic: times are passed in.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/time/time.h"

namespace citeseek::gateway {

struct ConcurrencyLimitOptions {
  int start = 4;
  int most = 64;
  double tolerance = 2;  // a first token may take so many times as long as without load
  absl::Duration base_age = absl::Minutes(10);  // after which the time without load is probed
};

class ConcurrencyLimit {
 public:
  explicit ConcurrencyLimit(const ConcurrencyLimitOptions& options);

  // Calls that may run at once, from 1.
  int limit() const;

  // A call has ended whose first token came so long after its start, when `running` calls ran, it
  // included. InfiniteDuration: it failed.
  void Note(absl::Time now, absl::Duration first_token, int running);
  // One was left before its first token, after so long: says something only if that was long.
  void NoteLeft(absl::Time now, absl::Duration waited, int running);

 private:
  struct Sample {
    absl::Duration first_token;
    int running = 0;
  };

  void EndWindow(absl::Time now);

  const ConcurrencyLimitOptions options_;
  double limit_;
  bool doubling_ = true;  // until it was once too much
  bool probing_ = false;
  absl::Duration base_ = absl::InfiniteDuration();  // without load
  absl::Time based_ = absl::InfinitePast();
  std::vector<Sample> window_;
};

}  // namespace citeseek::gateway
