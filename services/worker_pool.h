// WorkerPool: runs blocking work on a bounded number of threads behind a bounded queue.
//
// A thread is started when there is work that no idle one takes, so that an idle server has few.
// Each service has a pool of its own: with a shared one, calls that wait for another role could
// take the threads which that role needs to answer them. Thread-safe. The destructor runs what is
// queued, then joins.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace citeseek::services {

class WorkerPool {
 public:
  // At most `threads` run and `queue_limit` wait.
  WorkerPool(int threads, std::size_t queue_limit);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False, without running it, if the queue is full.
  bool Submit(std::function<void()> work);

  std::size_t queue_limit() const { return queue_limit_; }

 private:
  void Run();
  bool AddThread();  // false if there is no thread at all

  const std::size_t max_threads_;
  const std::size_t queue_limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  std::size_t idle_ = 0;  // of threads_, those that wait for work or are about to
  bool closing_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace citeseek::services
