// Wire: turns the bytes of one client's socket into requests, and replies into bytes.
//
// All that may last is a coroutine with a time limit of its own; whoever breaks it off, or sees the
// client go, is told by Current::gone. Single-threaded: lives on its loop's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/clock.h"
#include "services/http/connection.h"
#include "services/http/error.h"
#include "services/http/router.h"
#include "services/trace.h"

namespace citeseek::http {

// What a connection knows of the request that it serves.
struct Current {
  Request request;
  const Route* route = nullptr;
  const Dialect* dialect = &kApiDialect;
  Fields headers;  // of the reply, whatever it is
  unsigned version = 11;
  bool keep = false;
  bool gone = false;  // nobody waits for a reply
  absl::Time start = absl::Now();
  absl::Status status;

  services::Trace trace() const { return {request.id, request.trace_id}; }
};

class Wire : public std::enable_shared_from_this<Wire> {
 public:
  // `on_gone`: the client went while a request ran; `on_half_closed`: it will send nothing more,
  // and reads on or has gone. `peer`: its address. `core` outlives this.
  Wire(Core& core, boost::asio::ip::tcp::socket socket, std::string peer,
       std::function<void()> on_gone, std::function<void()> on_half_closed);

  // True once there are bytes, or the end, to read.
  boost::asio::awaitable<bool> AwaitRequest();
  // Reads one request, or says why it is refused; current.keep is false if bytes of it are left.
  boost::asio::awaitable<std::optional<Error>> Read(Current& current);

  boost::asio::awaitable<void> Write(Current& current, Reply& reply);
  // The head of a stream, its pieces, and its end.
  boost::asio::awaitable<void> Begin(Current& current, const Work& work);
  boost::asio::awaitable<void> WriteSome(Current& current, const std::string& bytes);
  boost::asio::awaitable<void> End(Current& current);
  // Lets the client read our reply before the bytes that it still sends reset the connection.
  boost::asio::awaitable<void> Linger();

  // While a request runs: notices that its client has gone, and keeps what it sends ahead.
  void Watch() { WatchOnce(++watch_); }
  void Unwatch();
  bool half_closed() const { return half_closed_; }
  // Of a client that has closed its side: one that has gone refuses these bytes, and is found out.
  boost::asio::awaitable<void> Probe(Current& current);

  void CloseIdle();  // if it waits for a request
  void Close();

 private:
  void Arm(std::chrono::nanoseconds wait);  // breaks off the running operation after that time
  void Disarm();
  void ArmWrite(std::size_t bytes);
  std::optional<Error> HeaderFault(const boost::system::error_code& error, Current& current) const;
  void Sent(Current& current, const boost::system::error_code& error);
  void WatchOnce(std::uint64_t tag);
  void WatchForReset(std::uint64_t tag);

  Core& core_;
  boost::asio::ip::tcp::socket socket_;
  const std::string peer_;
  const std::function<void()> on_gone_;
  const std::function<void()> on_half_closed_;
  boost::asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_;
  std::uint64_t arm_ = 0;
  std::uint64_t watch_ = 0;
  bool timed_out_ = false;
  bool idle_ = false;
  bool half_closed_ = false;
};

}  // namespace citeseek::http
