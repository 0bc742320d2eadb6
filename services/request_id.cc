#include "services/request_id.h"

#include <algorithm>

#include "services/gateway/answerer.h"

namespace citeseek::services {

std::string RequestId(std::string_view given) {
  const bool printable =
      std::all_of(given.begin(), given.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (printable && !given.empty() && given.size() <= gateway::kMaxRequestIdBytes) {
    return std::string(given);
  }
  return gateway::MakeRequestId();
}

}  // namespace citeseek::services
