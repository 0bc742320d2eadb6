// Contract: one suite an interface, run on the local object and through gRPC.
//
// Each suite is parameterised by Place; a fixture gives the fake itself or a client of a server
// around it. What holds for one place must hold for the other.
#pragma once

#include <gtest/gtest.h>

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

// `call` blocks in `script`; it must return kCancelled, both here and at the bottom, within 100 ms
// of its stop token.
inline void ExpectCancelsWithin100Ms(Script& script,
                                     const std::function<absl::Status(std::stop_token)>& call) {
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
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  EXPECT_LT(returned - stopped, absl::Milliseconds(100));
  EXPECT_LT(absl::Now() - stopped, absl::Milliseconds(100));
}

// `call` blocks until its deadline; it must return kDeadlineExceeded, not later than 100 ms after.
inline void ExpectKeepsDeadline(const std::function<absl::Status(absl::Time deadline)>& call) {
  const absl::Time deadline = absl::Now() + absl::Milliseconds(200);
  const absl::Status status = call(deadline);
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  EXPECT_EQ(status.message(), "blocked until the deadline");
  EXPECT_LT(absl::Now() - deadline, absl::Milliseconds(100));
}

}  // namespace citeseek::testing
