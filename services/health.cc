#include "services/health.h"

#include <grpcpp/health_check_service_interface.h>

#include <condition_variable>

#include "absl/time/clock.h"

namespace citeseek::services {

Health::Health(grpc::HealthCheckServiceInterface* service, std::vector<Canary> canaries, Log* log,
               absl::Duration period)
    : service_(service),
      canaries_(std::move(canaries)),
      log_(log),
      healthy_(canaries_.size(), true) {
  RunAll();
  thread_ = std::jthread([this, period](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    const auto never = [] { return false; };
    while (!changed.wait_for(lock, stop, absl::ToChronoNanoseconds(period), never) &&
           !stop.stop_requested()) {
      RunAll();
    }
  });
}

Health::~Health() { Stop(); }

void Health::Stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  service_->SetServingStatus(false);
  const std::scoped_lock lock(mutex_);
  status_ = absl::UnavailableError("the server is stopping");
}

absl::Status Health::status() const {
  const std::scoped_lock lock(mutex_);
  return status_;
}

void Health::RunAll() {
  absl::Status first;
  for (std::size_t i = 0; i < canaries_.size(); ++i) {
    const absl::Status status = canaries_[i].run(absl::Now() + absl::Seconds(5));
    service_->SetServingStatus(canaries_[i].service, status.ok());
    if (status.ok() != healthy_[i]) {
      log_->Write(status.ok() ? LogLevel::kInfo : LogLevel::kError, "health",
                  {{"service", canaries_[i].service},
                   {"healthy", status.ok() ? "yes" : "no"},
                   {"message", std::string(status.message())}});
    }
    healthy_[i] = status.ok();
    first.Update(status);
  }
  service_->SetServingStatus("", first.ok());
  const std::scoped_lock lock(mutex_);
  status_ = first;
}

}  // namespace citeseek::services
