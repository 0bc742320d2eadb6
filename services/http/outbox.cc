#include "services/http/outbox.h"

#include <utility>

namespace citeseek::http {

bool Outbox::Push(std::string bytes) {
  {
    std::unique_lock lock(mutex_);
    const bool room =
        taken_.wait_for(lock, stall_, [this] { return closed_ || bytes_.size() < kOutboxBytes; });
    if (!room) closed_ = true;
    if (closed_) return false;
    if (bytes_.empty()) {
      bytes_ = std::move(bytes);
    } else {
      bytes_ += bytes;
    }
  }
  wake_();
  return true;
}

void Outbox::End() {
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
  }
  wake_();
}

Outbox::Taken Outbox::Take() {
  Taken taken;
  {
    const std::scoped_lock lock(mutex_);
    taken = {std::exchange(bytes_, {}), ended_};
  }
  taken_.notify_all();
  return taken;
}

void Outbox::Close() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  taken_.notify_all();
}

void Outbox::Reopen() {
  const std::scoped_lock lock(mutex_);
  ended_ = false;
}

}  // namespace citeseek::http
