#include "inference/backend/cpu/thread_pool.h"

#include <algorithm>
#include <chrono>

namespace citeseek::inference {
namespace {

// Long enough to bridge the gap between two operations, short enough to leave the processor to
// others when the engine has nothing to do.
constexpr auto kSpin = std::chrono::microseconds(30);

// Spins, then sleeps, until value is no longer `old`.
template <typename T>
void WaitWhile(const std::atomic<T>& value, T old) {
  const auto give_up = std::chrono::steady_clock::now() + kSpin;
  while (value.load(std::memory_order_acquire) == old) {
    for (int i = 0; i < 64; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      __builtin_ia32_pause();  // leaves the core to the thread that shares it
    }
    if (std::chrono::steady_clock::now() > give_up) {
      value.wait(old, std::memory_order_acquire);
    }
  }
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int i = 1; i < std::max(threads, 1); ++i) {
    workers_.emplace_back([this, i] { Work(i); });
  }
}

ThreadPool::~ThreadPool() {
  stop_.store(true, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
}

void ThreadPool::Run(int parts, absl::FunctionRef<void(int, int)> part) {
  if (parts <= 1 || workers_.empty()) {
    for (int i = 0; i < parts; ++i) part(i, 0);
    return;
  }
  part_ = &part;
  parts_ = parts;
  next_.store(0, std::memory_order_relaxed);
  busy_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  TakeParts(0);
  for (int busy = busy_.load(std::memory_order_acquire); busy != 0;
       busy = busy_.load(std::memory_order_acquire)) {
    WaitWhile(busy_, busy);
  }
}

void ThreadPool::Work(int thread) {
  std::uint32_t seen = 0;
  while (true) {
    WaitWhile(generation_, seen);
    seen = generation_.load(std::memory_order_acquire);
    if (stop_.load(std::memory_order_relaxed)) return;
    TakeParts(thread);
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
  }
}

void ThreadPool::TakeParts(int thread) {
  for (int i = next_.fetch_add(1, std::memory_order_relaxed); i < parts_;
       i = next_.fetch_add(1, std::memory_order_relaxed)) {
    (*part_)(i, thread);
  }
}

}  // namespace citeseek::inference
