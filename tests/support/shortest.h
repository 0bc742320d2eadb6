// Shortest: of up to five tries of something, how long the shortest took; no more tries once one
// took less than `enough`. What else a machine does makes single ones long.
#pragma once

#include <algorithm>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"

namespace citeseek::testing {

inline absl::Duration Shortest(absl::Duration enough, absl::FunctionRef<absl::Duration()> once) {
  absl::Duration shortest = absl::InfiniteDuration();
  for (int i = 0; i < 5 && shortest >= enough; ++i) shortest = std::min(shortest, once());
  return shortest;
}

}  // namespace citeseek::testing
