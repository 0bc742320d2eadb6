// Metrics: shows Prometheus rate, errors and duration of each call, the stages and verdicts of
// answers, and the numbers of line and engine.
//
// Thread-safe. Names are listed in docs/operations.md.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "inference/engine.h"
#include "services/gateway/admission.h"
#include "services/gateway/answer_cache.h"

namespace citeseek::services {

struct CallRecord;

class Metrics {
 public:
  // Serves /metrics at "host:port" until destroyed. kUnavailable if the address is taken.
  static absl::StatusOr<std::unique_ptr<Metrics>> Serve(const std::string& address);
  ~Metrics();

  std::string address() const;  // "host:port" with the real port

  void RecordCall(const CallRecord& record);
  void RecordAnswer(const gateway::Answer& answer);

  // Show these numbers at each look at the page, from its thread; until this object dies.
  void WatchEngine(std::function<inference::EngineStats()> stats);
  void WatchAdmission(std::function<gateway::AdmissionStats()> stats);
  void WatchAnswerCache(std::function<gateway::AnswerCacheStats()> stats);

 private:
  struct State;
  explicit Metrics(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace citeseek::services
