// ThreadPool: runs the parts of one operation on all its threads.
//
// Single-threaded from outside: the thread that calls Run is one of the workers. Between two
// operations of a step the workers spin for some microseconds, then sleep.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"

namespace citeseek::inference {

class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls part(i, thread) once for every i in [0, parts), in any order; thread in [0, threads())
  // tells which scratch memory to use. Returns when all are done.
  void Run(int parts, absl::FunctionRef<void(int, int)> part);

 private:
  void Work(int thread);
  void TakeParts(int thread);

  // What is run now; written before generation_ moves on, read after it was seen to move.
  const absl::FunctionRef<void(int, int)>* part_ = nullptr;
  int parts_ = 0;
  std::atomic<int> next_ = 0;
  std::atomic<int> busy_ = 0;  // workers that have not finished this generation
  std::atomic<std::uint32_t> generation_ = 0;
  std::atomic<bool> stop_ = false;
  std::vector<std::jthread> workers_;
};

}  // namespace citeseek::inference
