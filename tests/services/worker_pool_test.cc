#include "services/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
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
  WorkerPool pool(4, 4);
  std::latch all(4);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(pool.Submit([&] { all.arrive_and_wait(); }));
  all.wait();
}

}  // namespace
}  // namespace citeseek::services
