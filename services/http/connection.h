// Connection: turns the bytes of one client into requests, and their outcomes into bytes.
//
// A Loop is one thread that runs many connections as coroutines; nothing on it blocks. Handlers and
// work run on Core's pools; they meet the connection in an Outbox. Loop's functions are
// thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "services/http/server.h"
#include "services/worker_pool.h"

namespace citeseek::http {

struct Core;

class Loop {
 public:
  explicit Loop(Core& core);
  ~Loop();  // stops the thread; connections that are left are closed

  void Take(int socket);  // a connected one, which becomes the loop's
  void Drain();           // closes idle connections
  void Cancel();          // stops what requests run
  void Abort();           // closes all connections

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What all connections of a server share. The loops outlive the pools, whose workers wake them.
struct Core {
  explicit Core(ServerOptions o);

  const ServerOptions options;
  std::atomic<bool> draining{false};
  std::atomic<std::size_t> connections{0};
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t requests = 0;  // that are being read or answered
  std::vector<std::unique_ptr<Loop>> loops;
  services::WorkerPool handlers;
  services::WorkerPool workers;
  services::WorkerPool line_workers;
};

}  // namespace citeseek::http
