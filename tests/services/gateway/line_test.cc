#include "services/gateway/line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <list>
#include <optional>
#include <thread>
#include <vector>

namespace citeseek::gateway {
namespace {

// A call on a thread of its own that waits, takes its turn, and keeps it until told.
class Caller {
 public:
  Caller(Line* line, LineEntry entry)
      : thread_([this, line, entry]() mutable {
          entry.stop = stop_.get_token();
          auto turn = line->Enter(entry, [this](int place, absl::Duration eta) {
            if (!told_first_) {
              told_first_ = true;
              told_.set_value({place, eta});
            }
            return true;
          });
          if (!told_first_) told_.set_value({0, absl::ZeroDuration()});
          result_.set_value(turn.status());
          done_.get_future().wait();
        }) {}
  ~Caller() { Done(); }

  // The first place and estimate, 0 for none.
  std::pair<int, absl::Duration> Told() { return told_.get_future().get(); }
  absl::Status Result() { return result_.get_future().get(); }
  void Stop() { stop_.request_stop(); }  // leaves the line, if it is in it
  void Done() {
    if (!thread_.joinable()) return;
    Stop();
    done_.set_value();
    thread_.join();
  }

 private:
  bool told_first_ = false;
  std::promise<std::pair<int, absl::Duration>> told_;
  std::promise<absl::Status> result_;
  std::promise<void> done_;
  std::stop_source stop_;
  std::thread thread_;
};

constexpr auto kIgnore = [](int, absl::Duration) { return true; };

class LineTest : public testing::Test {
 protected:
  void Open(int running, std::size_t waiting = 16) {
    line_.emplace(
        LineOptions{.running = running,
                    .waiting = waiting,
                    .speed = 10,
                    .place_interval = absl::Milliseconds(1),
                    .now = [this] { return absl::UnixEpoch() + absl::Nanoseconds(now_.load()); }});
  }

  void Pass(absl::Duration time) { now_ += absl::ToInt64Nanoseconds(time); }

  std::atomic<std::int64_t> now_ = 0;
  std::optional<Line> line_;
};

TEST_F(LineTest, CallsBelowTheLimitRunAtOnce) {
  Open(2);
  auto first = line_->Enter({}, kIgnore);
  auto second = line_->Enter({}, kIgnore);
  EXPECT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(line_->Stats().running, 2);
  EXPECT_EQ(line_->Stats().estimates, 0);
}

TEST_F(LineTest, CallsBeyondTheLimitTakeTheirTurnsInOrder) {
  Open(1);
  Caller first(&*line_, {});
  ASSERT_EQ(first.Told().first, 0);
  Caller second(&*line_, {});
  EXPECT_EQ(second.Told().first, 1);
  Caller third(&*line_, {});
  EXPECT_EQ(third.Told().first, 2);
  first.Done();
  EXPECT_TRUE(second.Result().ok());
  EXPECT_EQ(line_->Stats().waiting, 1u);
  second.Done();
  EXPECT_TRUE(third.Result().ok());
}

TEST_F(LineTest, MoreMayRunAtOnceAndFewerOnceTheyHaveEnded) {
  Open(1);
  Caller first(&*line_, {.cost = 10});
  first.Told();
  Caller second(&*line_, {.cost = 10});
  EXPECT_EQ(second.Told().first, 1);
  line_->SetRunning(2);
  EXPECT_TRUE(second.Result().ok());
  Caller third(&*line_, {.cost = 10});
  EXPECT_EQ(third.Told().first, 1);
  Pass(absl::Milliseconds(500));
  line_->SetRunning(1);
  EXPECT_EQ(line_->Stats().running, 2);
  EXPECT_EQ(line_->Wait(), absl::Milliseconds(1500));  // behind the third
  first.Done();
  EXPECT_EQ(line_->Stats().waiting, 1u) << "the place that fell free is no longer there";
  second.Done();
  EXPECT_TRUE(third.Result().ok());
}

TEST_F(LineTest, BatchCallsWaitBehindPeople) {
  Open(1);
  Caller first(&*line_, {});
  first.Told();
  Caller batch(&*line_, {.batch = true});
  EXPECT_EQ(batch.Told().first, 1);
  Caller person(&*line_, {});
  EXPECT_EQ(person.Told().first, 1);
  first.Done();
  EXPECT_TRUE(person.Result().ok());
  EXPECT_EQ(line_->Stats().waiting, 1u);
}

TEST_F(LineTest, ACallerWithManyQuestionsWaitsBehindItself) {
  Open(1);
  Caller first(&*line_, {});
  first.Told();
  Caller a1(&*line_, {.caller = "a", .cost = 10});
  a1.Told();
  Caller a2(&*line_, {.caller = "a", .cost = 10});
  EXPECT_EQ(a2.Told().first, 2);
  Caller a3(&*line_, {.caller = "a", .cost = 10});
  EXPECT_EQ(a3.Told().first, 3);
  Caller b1(&*line_, {.caller = "b", .cost = 10});
  EXPECT_EQ(b1.Told().first, 2);
}

TEST_F(LineTest, WaitsAreEstimatedFromCostsAndSpeed) {
  Open(2);
  auto first = line_->Enter({.cost = 10}, kIgnore);  // a second at speed 10
  Pass(absl::Milliseconds(400));
  auto second = line_->Enter({.cost = 20}, kIgnore);
  EXPECT_EQ(line_->Wait(), absl::Milliseconds(600));
  EXPECT_EQ(line_->Backlog(), absl::ZeroDuration());
  Caller third(&*line_, {.cost = 30});
  EXPECT_EQ(third.Told().second, absl::Milliseconds(600));
  EXPECT_EQ(line_->Backlog(), absl::Milliseconds(600));
  EXPECT_EQ(line_->Wait(), absl::Seconds(2));          // behind the second
  EXPECT_EQ(line_->Wait(3), absl::Milliseconds(900));  // behind a third that costs 3
  Pass(absl::Seconds(60));                             // all are late
  EXPECT_EQ(line_->Wait(), absl::ZeroDuration());
}

TEST_F(LineTest, InALongLinePlacesAreExactAndWaitsNearlySo) {
  Open(2, 300);
  auto first = line_->Enter({.cost = 10}, kIgnore);  // a second at speed 10
  auto second = line_->Enter({.cost = 10}, kIgnore);
  std::list<Caller> callers;
  for (int i = 0; i < 250; ++i) {
    callers.emplace_back(&*line_, LineEntry{.cost = 10});
    const auto [place, eta] = callers.back().Told();
    EXPECT_EQ(place, i + 1);
    EXPECT_LE(absl::AbsDuration(eta - absl::Seconds(1 + i / 2)), absl::Seconds(1)) << i;
  }
  EXPECT_LE(absl::AbsDuration(line_->Wait() - absl::Seconds(126)), absl::Seconds(1));
  EXPECT_LE(absl::AbsDuration(line_->Wait(1) - absl::Seconds(13.5)), absl::Seconds(1));
  for (Caller& caller : callers) caller.Stop();
  for (Caller& caller : callers) EXPECT_TRUE(absl::IsCancelled(caller.Result()));
  EXPECT_EQ(line_->Backlog(), absl::ZeroDuration());
}

TEST_F(LineTest, SpeedIsLearnedFromTurnsThatTeach) {
  Open(1);
  {
    auto turn = line_->Enter({.cost = 10}, kIgnore);
    Pass(absl::Seconds(100));
  }
  EXPECT_EQ(line_->Stats().speed, 10);
  for (int i = 0; i < 60; ++i) {
    auto turn = line_->Enter({.cost = 10}, kIgnore);
    Pass(absl::Seconds(1));
    turn->Learn(40);
  }
  EXPECT_NEAR(line_->Stats().speed, 40, 1);
}

TEST_F(LineTest, AFullLineSaysSo) {
  Open(1, 1);
  Caller first(&*line_, {});
  first.Told();
  Caller second(&*line_, {});
  second.Told();
  const auto third = line_->Enter({}, kIgnore);
  EXPECT_EQ(third.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(third.status().message(), "1 questions wait in line, the limit");
}

TEST_F(LineTest, WhoCancelsLeavesTheLine) {
  Open(1);
  Caller first(&*line_, {});
  first.Told();
  Caller second(&*line_, {});
  second.Told();
  second.Stop();
  EXPECT_EQ(second.Result().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(line_->Stats().waiting, 0u);
  EXPECT_EQ(line_->Stats().left, 1);
}

TEST_F(LineTest, WhoIsNoLongerThereWhenToldThePlaceLeavesTheLine) {
  Open(1);
  auto first = line_->Enter({}, kIgnore);
  const auto second = line_->Enter({}, [](int, absl::Duration) { return false; });
  EXPECT_EQ(second.status().code(), absl::StatusCode::kCancelled);
}

TEST_F(LineTest, ACallWhoseDeadlinePassesLeavesTheLine) {
  Open(1);
  auto first = line_->Enter({}, kIgnore);
  const auto second = line_->Enter({.deadline = absl::UnixEpoch()}, kIgnore);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(LineTest, ManyCallersAreAllServed) {
  Open(3, 64);
  std::vector<std::jthread> threads;
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  std::atomic<int> served = 0;
  for (int i = 0; i < 24; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 20; ++j) {
        auto turn = line_->Enter({.caller = std::to_string(i % 4), .batch = i % 5 == 0}, kIgnore);
        ASSERT_TRUE(turn.ok());
        const int now = ++running;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        ++served;
        --running;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(served, 480);
  EXPECT_LE(most, 3);
  EXPECT_EQ(line_->Stats().running, 0);
  EXPECT_EQ(line_->Stats().waiting, 0u);
}

}  // namespace
}  // namespace citeseek::gateway
