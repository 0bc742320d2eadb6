// Metrics: counts calls for Prometheus: rate, errors and duration of each RPC.
//
// Thread-safe. Names are listed in docs/operations.md.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace citeseek::services {

struct CallRecord;

class Metrics {
 public:
  // Serves /metrics at "host:port" until destroyed. kUnavailable if the address is taken.
  static absl::StatusOr<std::unique_ptr<Metrics>> Serve(const std::string& address);
  ~Metrics();

  void RecordCall(const CallRecord& record);

 private:
  struct State;
  explicit Metrics(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace citeseek::services
