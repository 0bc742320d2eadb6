#include "services/request_id.h"

#include <algorithm>
#include <cstdint>
#include <random>

#include "absl/strings/str_format.h"

namespace citeseek::services {

std::string RequestId(std::string_view given) {
  constexpr std::size_t kMaxBytes = 64;
  const bool printable =
      std::all_of(given.begin(), given.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (printable && !given.empty() && given.size() <= kMaxBytes) return std::string(given);
  // No generator a thread: thread-local bytes are taken from every thread's stack, and those that
  // serve the metrics page have little.
  std::random_device random;
  return absl::StrFormat("%08x%08x", random(), random());
}

}  // namespace citeseek::services
