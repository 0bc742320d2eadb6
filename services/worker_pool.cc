#include "services/worker_pool.h"

#include <system_error>
#include <utility>

namespace citeseek::services {

WorkerPool::WorkerPool(int threads, std::size_t queue_limit)
    : max_threads_(static_cast<std::size_t>(threads)), queue_limit_(queue_limit) {}

WorkerPool::~WorkerPool() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
}

bool WorkerPool::Submit(std::function<void()> work) {
  {
    const std::scoped_lock lock(mutex_);
    // What an idle thread is about to take does not wait.
    const std::size_t free = idle_ + max_threads_ - threads_.size();
    if (queue_.size() >= queue_limit_ + free) return false;
    queue_.push_back(std::move(work));
    if (queue_.size() > idle_ && threads_.size() < max_threads_ && !AddThread()) {
      queue_.pop_back();
      return false;
    }
  }
  changed_.notify_one();
  return true;
}

bool WorkerPool::AddThread() {
  try {
    threads_.emplace_back([this] { Run(); });
    ++idle_;
  } catch (const std::system_error&) {  // the system has none left: the others must do
  }
  return !threads_.empty();
}

void WorkerPool::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    --idle_;
    std::function<void()> work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
    ++idle_;
  }
}

}  // namespace citeseek::services
