// TlsBridge: turns a TLS connection into a plain one inside the process.
//
// Two coroutines on the caller's loop carry bytes between the client and one end of a socket pair;
// the connection that serves it has the other end and knows nothing of TLS. A client that ends its
// side, or breaks off, ends that end of the pair too; once the connection closes its end, the
// client gets TLS's own goodbye.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/tls.h"

namespace boost::asio {
class io_context;
}  // namespace boost::asio

namespace citeseek::http {

// The plain end, which is the caller's; `client`, a connected socket, is the bridge's, also if this
// fails (kResourceExhausted: no file descriptors). A handshake that takes longer than `patience` is
// broken off.
absl::StatusOr<int> BridgeTls(boost::asio::io_context& io, int client,
                              std::shared_ptr<services::TlsContext::Context> context,
                              absl::Duration patience);

}  // namespace citeseek::http
