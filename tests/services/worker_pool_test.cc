#include "services/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <iterator>
#include <latch>

namespace citeseek::services {
namespace {

TEST(WorkerPool, RefusesWhatDoesNotFitAndRunsWhatItTook) {
  std::atomic<int> ran{0};
  std::latch started(1), release(1);
  {
    WorkerPool pool(1, 2);
    ASSERT_TRUE(pool.Submit([&] {
      started.count_down();
      release.wait();
      ++ran;
    }));
    started.wait();
    EXPECT_TRUE(pool.Submit([&] { ++ran; }));
    EXPECT_TRUE(pool.Submit([&] { ++ran; }));
    EXPECT_FALSE(pool.Submit([&] { ++ran; }));
    release.count_down();
  }
  EXPECT_EQ(ran, 3);
}

TEST(WorkerPool, AllThreadsWorkAtOnce) {
  std::latch all(4);  // outlives the pool: its threads touch it until they end
  WorkerPool pool(4, 4);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(pool.Submit([&] { all.arrive_and_wait(); }));
  all.wait();
}

std::ptrdiff_t ThreadsOfThisProcess() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

TEST(WorkerPool, ThreadsAreStartedForWorkOnly) {
  const auto before = ThreadsOfThisProcess();
  std::latch running(2), release(1), done(2);
  WorkerPool pool(16, 16);
  EXPECT_EQ(ThreadsOfThisProcess(), before);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(pool.Submit([&] {
      running.count_down();
      release.wait();
      done.count_down();
    }));
  }
  running.wait();
  EXPECT_EQ(ThreadsOfThisProcess(), before + 2);
  release.count_down();
  done.wait();
}

}  // namespace
}  // namespace citeseek::services
