// Contract: one suite an interface, run on the local object and through gRPC.
//
// Each suite is parameterised by Place; a fixture gives the fake itself or a client of a server
// around it. What holds for one place must hold for the other.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
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

// Of a few tries the fastest counts: a busy machine may hold up any one of them.
inline constexpr int kTries = 5;

// `call` blocks in `script`; it must return kCancelled, and the bottom be free again, within 100 ms
// of its stop token.
inline void ExpectCancelsWithin100Ms(Script& script,
                                     const std::function<absl::Status(std::stop_token)>& call) {
  absl::Duration fastest = absl::InfiniteDuration();
  for (int i = 1; i <= kTries && fastest >= absl::Milliseconds(100); ++i) {
    std::stop_source stop;
    absl::Time stopped;
    std::jthread stopper([&] {
      script.AwaitBlocked();
      stopped = absl::Now();
      stop.request_stop();
    });
    const absl::Status status = call(stop.get_token());
    stopper.join();
    script.AwaitReleased(i);
    ASSERT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
    fastest = std::min(fastest, absl::Now() - stopped);
  }
  EXPECT_LT(fastest, absl::Milliseconds(100));
}

// `call` blocks until its deadline; it must return kDeadlineExceeded, not later than 100 ms after.
inline void ExpectKeepsDeadline(const std::function<absl::Status(absl::Time deadline)>& call) {
  absl::Duration fastest = absl::InfiniteDuration();
  for (int i = 0; i < kTries && fastest >= absl::Milliseconds(100); ++i) {
    const absl::Time deadline = absl::Now() + absl::Milliseconds(200);
    const absl::Status status = call(deadline);
    ASSERT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
    fastest = std::min(fastest, absl::Now() - deadline);
  }
  EXPECT_LT(fastest, absl::Milliseconds(100));
}

}  // namespace citeseek::testing
