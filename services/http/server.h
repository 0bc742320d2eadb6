// Server: turns HTTP/1.1 on a socket into requests to routes and their outcomes into replies.
//
// A few threads run all connections; handlers run on one bounded pool of threads, work that waits
// for its turn on another. A connection costs some KiB and no thread. A client that goes away
// fires the stop token of its request; one that closes its sending side is answered. Thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/call_record.h"
#include "services/http/message.h"

namespace citeseek::services {
class TlsContext;
}  // namespace citeseek::services

namespace citeseek::http {

class Keys;

struct ServerOptions {
  std::string listen;  // HOST:PORT; port 0 takes a free one
  std::vector<Route> routes;
  Keys* keys = nullptr;                 // outlives the server; null: nobody needs one
  services::TlsContext* tls = nullptr;  // outlives the server; null: connections are plain
  std::vector<std::string> cors;        // origins whose pages may call; "*": all
  int workers = 16;                     // of work that runs at once
  int line_workers = 16;          // of work that waits in a line of its own; see Work::in_line
  std::size_t queue_limit = 256;  // that waits behind each of them
  std::size_t max_connections = 12000;
  std::size_t max_body_bytes = 4 << 20;
  absl::Duration header_timeout = absl::Seconds(10);  // from its first byte to its last
  absl::Duration body_timeout = absl::Seconds(60);
  absl::Duration idle_timeout = absl::Seconds(75);   // between requests
  absl::Duration write_timeout = absl::Seconds(30);  // of a reader that takes nothing
  absl::Duration heartbeat = absl::Seconds(10);      // of a silent stream
  absl::Duration deadline = absl::Seconds(600);      // of a request
  std::function<void(const services::CallRecord&)> observer = [](const services::CallRecord&) {};
};

class Server {
 public:
  // kUnavailable names the address and why it cannot be used.
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options);
  ~Server();  // Shutdown(now)

  std::string address() const;  // with the real port

  // No new connections and requests; idle connections are closed.
  void Drain();
  // Drains, lets the running requests finish until `deadline`, then cancels them.
  void Shutdown(absl::Time deadline);

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace citeseek::http
