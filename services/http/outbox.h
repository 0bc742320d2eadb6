// Outbox: carries the bytes of a reply from the thread that makes them to the loop that sends them.
//
// Thread-safe. One maker, which may block; one sender, which never does. At most kOutboxBytes wait,
// and one piece more, so that a slow reader costs bounded memory.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>

namespace citeseek::http {

inline constexpr std::size_t kOutboxBytes = 64 << 10;

class Outbox {
 public:
  // `wake` tells the sender, on the maker's thread, that there is something to take. `stall`: how
  // long the maker waits for a reader who takes nothing.
  Outbox(std::function<void()> wake, std::chrono::nanoseconds stall)
      : wake_(std::move(wake)), stall_(stall) {}

  // The maker's side. False once the reader is gone or stalled.
  bool Push(std::string bytes);
  // Nothing follows; what the maker wrote before is visible to who sees `ended`.
  void End();

  // The sender's side.
  struct Taken {
    std::string bytes;
    bool ended = false;
  };
  Taken Take();
  void Close();   // nobody reads any more
  void Reopen();  // for another maker, after the end of the first

 private:
  const std::function<void()> wake_;
  const std::chrono::nanoseconds stall_;
  std::mutex mutex_;
  std::condition_variable taken_;
  std::string bytes_;
  bool closed_ = false;
  bool ended_ = false;
};

}  // namespace citeseek::http
