// Contract: one suite an interface, run on the local object and through gRPC.
//
// Each suite is parameterised by Place; a fixture gives the fake itself or a client of a server
// around it. What holds for one place must hold for the other.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "absl/time/clock.h"
#include "tests/support/fake_doors.h"
#include "tests/support/grpc_server.h"

namespace citeseek::testing {

enum class Place { kLocal, kGrpc };

inline std::string PlaceName(const ::testing::TestParamInfo<Place>& info) {
  return info.param == Place::kLocal ? "Local" : "Grpc";
}

inline void PrintTo(Place place, std::ostream* out) {  // for CTest
  *out << (place == Place::kLocal ? "Local" : "Grpc");
}

inline const auto kPlaces = ::testing::Values(Place::kLocal, Place::kGrpc);

// `call` must fail with each code and the message unchanged when told to by "fail N".
inline void ExpectEveryStatusCrosses(
    const std::function<absl::Status(const std::string& script)>& call) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status = call("fail " + std::to_string(code));
    EXPECT_EQ(status.raw_code(), code);
    EXPECT_EQ(status.message(), kFailMessage) << code;
  }
}

// Lateness: how late this machine runs a thread that is due, measured all the time by one that asks
// to be woken each millisecond. What the machine owes is no fault of the code under test.
class Lateness {
 public:
  // The longest delay so far, the one going on included.
  absl::Duration worst() const {
    const std::int64_t now = absl::ToUnixNanos(absl::Now());
    return absl::Nanoseconds(std::max(worst_.load(), now - due_.load()));
  }

 private:
  void Watch(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      due_ = absl::ToUnixNanos(absl::Now()) + 1'000'000;
      never.wait_for(lock, stop, std::chrono::milliseconds(1), [] { return false; });
      worst_ = std::max(worst_.load(), absl::ToUnixNanos(absl::Now()) - due_);
    }
  }

  std::atomic<std::int64_t> worst_{0};  // nanoseconds
  std::atomic<std::int64_t> due_ = absl::ToUnixNanos(absl::Now());
  std::jthread watcher_{[this](const std::stop_token& stop) { Watch(stop); }};
};

// What a machine as late as this may add to 100 ms: the word passes about six threads on its way
// from one end of a call to the other, client, two pollers, handler, and back.
inline absl::Duration Within100Ms(const Lateness& lateness) {
  return absl::Milliseconds(100) + 6 * lateness.worst();
}

// `call` blocks in `script`. Within 100 ms of its stop token the bottom must see that it fired, and
// the call must have returned kCancelled.
inline void ExpectCancelsWithin100Ms(Script& script,
                                     const std::function<absl::Status(std::stop_token)>& call) {
  const Lateness lateness;
  std::stop_source stop;
  absl::Time stopped;
  std::jthread stopper([&] {
    script.AwaitBlocked();
    stopped = absl::Now();
    stop.request_stop();
  });
  const absl::Status status = call(stop.get_token());
  const absl::Time returned = absl::Now();
  stopper.join();
  script.AwaitReleased();
  ASSERT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  EXPECT_LT(script.stopped_at() - stopped, Within100Ms(lateness));
  EXPECT_LT(returned - stopped, Within100Ms(lateness));
}

// `call` blocks until its deadline; it must return kDeadlineExceeded, not later than 100 ms after.
inline void ExpectKeepsDeadline(const std::function<absl::Status(absl::Time deadline)>& call) {
  const Lateness lateness;
  const absl::Time deadline = absl::Now() + absl::Milliseconds(200);
  const absl::Status status = call(deadline);
  const absl::Time returned = absl::Now();
  ASSERT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  EXPECT_LT(returned - deadline, Within100Ms(lateness));
}

}  // namespace citeseek::testing
