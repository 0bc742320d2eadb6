#include "services/gateway/concurrency_limit.h"

#include <gtest/gtest.h>

#include <functional>
#include <queue>
#include <random>
#include <vector>

namespace citeseek::gateway {
namespace {

// A model server on a clock of its own, that is always asked as much as the limit allows.
class Server {
 public:
  int slots = 8;
  bool refuses = false;  // calls beyond its slots, instead of letting them wait
  absl::Duration prefill = absl::Milliseconds(300);
  absl::Duration whole = absl::Seconds(10);
  double noise = 0.3;  // of the prefill, up or down
  int demand = 1000;   // calls that would run at once

  // Lets `time` pass; returns the mean of the limit.
  double Run(ConcurrencyLimit* limit, absl::Duration time) {
    const absl::Time end = now_ + time;
    double sum = 0;
    int steps = 0;
    while (now_ < end) {
      while (running_ < std::min(limit->limit(), demand)) Begin();
      sum += limit->limit();
      ++steps;
      const Happening next = next_.top();
      next_.pop();
      now_ = std::max(now_, next.at);
      if (next.ends) {
        --running_;
      } else {
        limit->Note(now_, next.first_token, next.running);
      }
    }
    return sum / steps;
  }

 private:
  // A call's first token, or its end.
  struct Happening {
    absl::Time at;
    bool ends;
    absl::Duration first_token = {};
    int running = 0;
    bool operator>(const Happening& other) const { return at > other.at; }
  };

  void Begin() {
    const int running = ++running_;
    free_.resize(static_cast<std::size_t>(slots), now_);
    if (refuses && running > slots) {
      next_.push({now_ + absl::Milliseconds(1), false, absl::InfiniteDuration(), running});
      next_.push({now_ + absl::Milliseconds(2), true});
      return;
    }
    absl::Time& slot = *std::min_element(free_.begin(), free_.end());
    const absl::Time start = std::max(now_, slot);
    const double factor = 1 + noise * (2 * static_cast<double>(random_() % 1000) / 1000 - 1);
    slot = start + whole * factor;
    const absl::Time first = start + prefill * factor;
    next_.push({first, false, first - now_, running});
    next_.push({slot, true});
  }

  absl::Time now_ = absl::UnixEpoch();
  std::vector<absl::Time> free_;
  std::priority_queue<Happening, std::vector<Happening>, std::greater<>> next_;
  int running_ = 0;
  std::mt19937 random_{7};
};

TEST(ConcurrencyLimit, FindsTheSlotsOfAServer) {
  for (const int slots : {1, 2, 8, 32}) {
    ConcurrencyLimit limit({});
    Server server;
    server.slots = slots;
    server.Run(&limit, absl::Minutes(20));
    const double found = server.Run(&limit, absl::Hours(2));
    EXPECT_GE(found, 0.8 * slots) << slots;
    EXPECT_LE(found, 1.3 * slots + 1) << slots;
  }
}

TEST(ConcurrencyLimit, FindsThemInTheTimeOfAFewFirstTokens) {
  ConcurrencyLimit limit({});
  Server server;
  server.slots = 32;
  server.Run(&limit, absl::Seconds(2));  // the first calls take 10
  EXPECT_GE(limit.limit(), 24);
}

TEST(ConcurrencyLimit, WhatWasTooMuchIsTakenBackAtOnce) {
  ConcurrencyLimit limit({});
  Server server;
  server.slots = 6;
  server.Run(&limit, absl::Seconds(60));
  EXPECT_LE(limit.limit(), 9);
}

TEST(ConcurrencyLimit, FollowsAServerThatIsGivenMoreOrFewer) {
  ConcurrencyLimit limit({});
  Server server;
  server.slots = 4;
  server.Run(&limit, absl::Minutes(30));
  server.slots = 16;
  server.Run(&limit, absl::Minutes(30));
  EXPECT_GE(server.Run(&limit, absl::Hours(1)), 12);
  server.slots = 4;
  server.Run(&limit, absl::Minutes(30));
  EXPECT_LE(server.Run(&limit, absl::Hours(1)), 7);
}

TEST(ConcurrencyLimit, ALastingQueueIsNotTakenForTheUsual) {
  ConcurrencyLimit limit({.start = 32});  // from the first call on more than there are slots
  Server server;
  server.slots = 4;
  server.Run(&limit, absl::Hours(1));
  EXPECT_LE(server.Run(&limit, absl::Hours(3)), 7);
}

TEST(ConcurrencyLimit, LongerPromptsAreNoQueue) {
  ConcurrencyLimit limit({});
  Server server;
  server.Run(&limit, absl::Minutes(30));
  server.prefill = absl::Milliseconds(1500);
  server.Run(&limit, absl::Hours(1));  // at first they look like one
  EXPECT_GE(server.Run(&limit, absl::Hours(1)), 6);
}

TEST(ConcurrencyLimit, AServerThatRefusesIsAskedLess) {
  ConcurrencyLimit limit({});
  Server server;
  server.refuses = true;
  server.Run(&limit, absl::Minutes(20));
  const double found = server.Run(&limit, absl::Hours(1));
  EXPECT_GE(found, 6);
  EXPECT_LE(found, 11);
}

TEST(ConcurrencyLimit, WhoLeavesAfterALongWaitTellsOfAQueueAndWhoLeavesAtOnceOfNothing) {
  ConcurrencyLimit limit({.start = 8});
  const absl::Time now = absl::UnixEpoch();
  limit.NoteLeft(now, absl::Hours(1), 8);  // nothing is known yet
  for (int i = 0; i < 8; ++i) limit.Note(now, absl::Milliseconds(100), 8);
  EXPECT_EQ(limit.limit(), 16);
  for (int i = 0; i < 100; ++i) limit.NoteLeft(now, absl::Milliseconds(20), 16);
  EXPECT_EQ(limit.limit(), 16);
  for (int i = 0; i < 100; ++i) limit.NoteLeft(now, absl::Seconds(1), 16);
  EXPECT_LT(limit.limit(), 12);
}

TEST(ConcurrencyLimit, WhatIsNotUsedSaysNothing) {
  ConcurrencyLimit limit({.start = 12});
  Server server;
  server.demand = 3;
  server.Run(&limit, absl::Hours(1));
  EXPECT_EQ(limit.limit(), 12);
}

TEST(ConcurrencyLimit, AServerWithRoomForAllIsAskedForTheMost) {
  ConcurrencyLimit limit({.most = 40});
  Server server;
  server.slots = 1000;
  server.Run(&limit, absl::Minutes(30));
  EXPECT_EQ(limit.limit(), 40);
}

TEST(ConcurrencyLimit, OneIsTheLeastWhateverHappens) {
  ConcurrencyLimit limit({});
  absl::Time now = absl::UnixEpoch();
  for (int i = 0; i < 200; ++i) limit.Note(now, absl::InfiniteDuration(), 4);
  EXPECT_EQ(limit.limit(), 1);
  for (int i = 0; i < 200; ++i) limit.Note(now, absl::ZeroDuration(), limit.limit());
  EXPECT_GE(limit.limit(), 4);
}

}  // namespace
}  // namespace citeseek::gateway
