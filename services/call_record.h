// CallRecord: what a finished call, of gRPC or HTTP, reports to logs and metrics.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace citeseek::services {

struct CallRecord {
  std::string method;  // "Retrieval.Search", "POST /v1/chat/completions"
  std::string request_id;
  std::string trace_id;
  absl::Status status;
  absl::Duration duration;
};

}  // namespace citeseek::services
