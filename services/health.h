// Health: keeps gRPC's health service true by trying each service through its real path.
//
// Every period each canary runs on a thread of its own; its service, and the process as a whole,
// are SERVING only while it succeeds. Thread-safe.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/log.h"

namespace grpc {
class HealthCheckServiceInterface;
}  // namespace grpc

namespace citeseek::services {

struct Canary {
  std::string service;  // "citeseek.v1.Retrieval"
  std::function<absl::Status(absl::Time deadline)> run;
};

class Health {
 public:
  // Runs every canary once before it returns. `service` and `log` outlive it.
  Health(grpc::HealthCheckServiceInterface* service, std::vector<Canary> canaries, Log* log,
         absl::Duration period = absl::Seconds(5));
  ~Health();  // Stop()

  // Leaves everything NOT_SERVING.
  void Stop();
  // OK while every canary succeeds; else of the first that does not. kUnavailable after Stop.
  absl::Status status() const;

 private:
  void RunAll();

  grpc::HealthCheckServiceInterface* const service_;
  const std::vector<Canary> canaries_;
  Log* const log_;
  std::vector<bool> healthy_;
  mutable std::mutex mutex_;
  absl::Status status_;
  std::jthread thread_;
};

}  // namespace citeseek::services
