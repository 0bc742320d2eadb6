#include "services/health.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <map>

#include "grpcpp/health_check_service_interface.h"
#include "services/log.h"

namespace citeseek::services {
namespace {

// Remembers what each service was said to be.
class Told final : public grpc::HealthCheckServiceInterface {
 public:
  void SetServingStatus(const std::string& service, bool serving) override {
    const std::scoped_lock lock(mutex_);
    serving_[service] = serving;
    changed_.notify_all();
  }
  void SetServingStatus(bool serving) override {
    const std::scoped_lock lock(mutex_);
    for (auto& [service, was] : serving_) was = serving;
  }
  void Shutdown() override {}

  bool Await(const std::string& service, bool serving) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10),
                             [&] { return serving_.at(service) == serving; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, bool> serving_;
};

TEST(Health, FollowsItsCanariesAndNamesWhatIsWrong) {
  Told told;
  Log log("off");
  std::atomic<bool> broken = true;
  Health health(&told,
                {{"index", [](absl::Time) { return absl::OkStatus(); }},
                 {"model",
                  [&](absl::Time deadline) {
                    EXPECT_LT(deadline, absl::Now() + absl::Minutes(1));
                    return broken ? absl::DeadlineExceededError("it says no token")
                                  : absl::OkStatus();
                  }}},
                &log, absl::Milliseconds(1));
  // Known as soon as it is made.
  EXPECT_EQ(health.status().message(), "it says no token");
  EXPECT_TRUE(told.Await("index", true));
  EXPECT_TRUE(told.Await("model", false));
  EXPECT_TRUE(told.Await("", false));
  broken = false;
  EXPECT_TRUE(told.Await("model", true));
  EXPECT_TRUE(told.Await("", true));
  health.Stop();
  EXPECT_EQ(health.status().message(), "the server is stopping");
  EXPECT_TRUE(told.Await("", false));
}

}  // namespace
}  // namespace citeseek::services
