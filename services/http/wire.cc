#include "services/http/wire.h"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/http/outbox.h"

namespace citeseek::http {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace bh = beast::http;
using boost::system::error_code;
using net::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr auto kAwait = net::as_tuple(net::use_awaitable);
constexpr std::size_t kMaxHeaderBytes = 16 << 10;
// What a client may send before its reply has come.
constexpr std::size_t kMaxAheadBytes = 16 << 10;
constexpr int kSendBufferBytes = 64 << 10;
constexpr auto kLinger = std::chrono::seconds(1);
// Beyond what an outbox holds.
constexpr std::size_t kSlowestBytesPerSecond = 64 << 10;

std::chrono::nanoseconds Chrono(absl::Duration d) { return absl::ToChronoNanoseconds(d); }

Error TimedOut(const char* what, absl::Duration limit) {
  return {.status = absl::DeadlineExceededError(absl::StrCat(
              what, " of the request was not whole within ", absl::FormatDuration(limit))),
          .http = 408};
}

template <typename Message>
void SetHeaders(const Current& current, const std::string& type, Message& message) {
  message.set(bh::field::content_type, type);
  message.set("X-Content-Type-Options", "nosniff");
  if (!current.request.id.empty()) message.set("X-Request-Id", current.request.id);
  for (const auto& [name, value] : current.headers) message.set(name, value);
  message.keep_alive(current.keep);
}

}  // namespace

Wire::Wire(Core& core, tcp::socket socket, std::string peer, std::function<void()> on_gone,
           std::function<void()> on_half_closed)
    : core_(core),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      on_gone_(std::move(on_gone)),
      on_half_closed_(std::move(on_half_closed)),
      timer_(socket_.get_executor()),
      buffer_(kMaxHeaderBytes + kMaxAheadBytes) {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.set_option(net::socket_base::send_buffer_size(kSendBufferBytes), ignored);
}

void Wire::CloseIdle() {
  error_code ignored;
  if (idle_) socket_.cancel(ignored);
}

void Wire::Close() {
  error_code ignored;
  socket_.close(ignored);
}

void Wire::Arm(std::chrono::nanoseconds wait) {
  timed_out_ = false;
  timer_.expires_after(std::chrono::duration_cast<Clock::duration>(wait));
  timer_.async_wait([this, self = shared_from_this(), tag = ++arm_](const error_code& error) {
    if (error || tag != arm_) return;
    timed_out_ = true;
    error_code ignored;
    socket_.cancel(ignored);
  });
}

void Wire::Disarm() {
  ++arm_;
  timer_.cancel();
}

void Wire::ArmWrite(std::size_t bytes) {
  const std::size_t more = bytes - std::min(bytes, 2 * kOutboxBytes);
  Arm(Chrono(core_.options.write_timeout) + std::chrono::seconds(more / kSlowestBytesPerSecond));
}

net::awaitable<bool> Wire::AwaitRequest() {
  if (buffer_.size() > 0) co_return !core_.draining;
  buffer_.shrink_to_fit();
  if (core_.draining) co_return false;
  idle_ = true;
  Arm(Chrono(core_.options.idle_timeout));
  const auto [error] = co_await socket_.async_wait(tcp::socket::wait_read, kAwait);
  Disarm();
  idle_ = false;
  co_return !error;
}

net::awaitable<std::optional<Error>> Wire::Read(Current& current) {
  bh::request_parser<bh::string_body> parser;
  parser.header_limit(kMaxHeaderBytes);
  parser.body_limit(boost::none);
  Arm(Chrono(core_.options.header_timeout));
  const auto [error, header_bytes] =
      co_await bh::async_read_header(socket_, buffer_, parser, kAwait);
  Disarm();
  current.start = absl::Now();
  if (error) co_return HeaderFault(error, current);
  const auto& message = parser.get();
  Head head{.method = std::string(message.method_string()),
            .target = std::string(message.target()),
            .headers = {}};
  for (const auto& field : message) {
    head.headers.emplace_back(absl::AsciiStrToLower(std::string(field.name_string())),
                              std::string(field.value()));
  }
  current.version = message.version();
  const bool keep = message.keep_alive() && !core_.draining;
  const auto length = parser.content_length();
  const bool has_body = parser.chunked() || (length && *length > 0);
  Routed routed = RouteRequest(core_.options, std::move(head), has_body);
  current.route = routed.route;
  current.dialect = routed.dialect;
  current.request = std::move(routed.request);
  current.headers = std::move(routed.headers);
  if (current.request.caller.empty()) current.request.caller = peer_;
  current.keep = keep && !has_body;
  const std::size_t limit = core_.options.max_body_bytes;
  const auto too_long = [limit](const std::string& what) {
    return Error{.status = absl::InvalidArgumentError(absl::StrCat(
                     "body of ", what, " is longer than the limit of ", limit, " bytes")),
                 .http = 413};
  };
  if (routed.error) co_return std::move(routed.error);
  if (length && *length > limit) co_return too_long(absl::StrCat(*length, " bytes"));
  if (!has_body) co_return std::nullopt;
  parser.body_limit(limit);
  if (absl::EqualsIgnoreCase(std::string(message[bh::field::expect]), "100-continue")) {
    const bh::response<bh::empty_body> proceed(bh::status::continue_, current.version);
    ArmWrite(0);
    const auto [failed, sent] = co_await bh::async_write(socket_, proceed, kAwait);
    Disarm();
    current.gone = static_cast<bool>(failed);
    if (current.gone) co_return std::nullopt;
  }
  Arm(Chrono(core_.options.body_timeout));
  const auto [broken, body_bytes] = co_await bh::async_read(socket_, buffer_, parser, kAwait);
  Disarm();
  if (broken == bh::error::body_limit) co_return too_long("chunks");
  if (broken && timed_out_) {
    co_return TimedOut("body", core_.options.body_timeout);
  }
  if (broken && broken.category() == make_error_code(bh::error::bad_chunk).category() &&
      broken != bh::error::partial_message && broken != bh::error::end_of_stream) {
    co_return Error{.status = absl::InvalidArgumentError("body is no HTTP: " + broken.message())};
  }
  current.gone = static_cast<bool>(broken);
  current.keep = keep;
  current.request.body = std::move(parser.get().body());
  co_return std::nullopt;
}

std::optional<Error> Wire::HeaderFault(const error_code& error, Current& current) const {
  if (timed_out_) return TimedOut("header", core_.options.header_timeout);
  if (error == bh::error::header_limit || error == bh::error::buffer_overflow) {
    return Error{.status = absl::InvalidArgumentError(absl::StrCat(
                     "header of the request is longer than the limit of ", kMaxHeaderBytes)),
                 .http = 431};
  }
  const bool ended = error == bh::error::end_of_stream || error == bh::error::partial_message;
  if (!ended && error.category() == make_error_code(bh::error::bad_version).category()) {
    return Error{.status =
                     absl::InvalidArgumentError("request is no HTTP/1.1: " + error.message())};
  }
  current.gone = true;
  return std::nullopt;
}

void Wire::Sent(Current& current, const error_code& error) {
  Disarm();
  if (!error) return;
  current.gone = true;
  on_gone_();
}

net::awaitable<void> Wire::Begin(Current& current, const Work& work) {
  if (current.gone) co_return;
  if (current.version < 11) current.keep = false;
  bh::response<bh::empty_body> head(bh::status::ok, current.version);
  head.set(bh::field::cache_control, "no-cache, no-transform");
  head.set("X-Accel-Buffering", "no");
  SetHeaders(current, work.stream_type, head);
  if (current.version >= 11) head.chunked(true);
  bh::response_serializer<bh::empty_body> serializer(head);
  ArmWrite(0);
  const auto [error, sent] = co_await bh::async_write_header(socket_, serializer, kAwait);
  Sent(current, error);
}

net::awaitable<void> Wire::WriteSome(Current& current, const std::string& bytes) {
  if (current.gone || bytes.empty()) co_return;
  ArmWrite(bytes.size());
  if (current.version < 11) {
    const auto [error, sent] = co_await net::async_write(socket_, net::buffer(bytes), kAwait);
    co_return Sent(current, error);
  }
  const auto [error, sent] =
      co_await net::async_write(socket_, bh::make_chunk(net::buffer(bytes)), kAwait);
  Sent(current, error);
}

net::awaitable<void> Wire::Write(Current& current, Reply& reply) {
  if (current.gone) co_return;
  bh::response<bh::string_body> response;
  response.version(current.version);
  response.result(static_cast<unsigned>(reply.status));
  response.set(bh::field::cache_control, "no-store");
  SetHeaders(current, reply.type, response);
  for (const auto& [name, value] : reply.headers) response.set(name, value);
  response.body() = std::move(reply.body);
  if (reply.status != 204) response.prepare_payload();
  ArmWrite(response.body().size());
  const auto [error, sent] = co_await bh::async_write(socket_, response, kAwait);
  Sent(current, error);
}

net::awaitable<void> Wire::Linger() {
  error_code failed;
  socket_.shutdown(tcp::socket::shutdown_send, failed);
  Arm(kLinger);
  std::array<char, 4096> unread;
  while (!failed && !timed_out_) {
    const auto [error, bytes] = co_await socket_.async_read_some(net::buffer(unread), kAwait);
    failed = error;
  }
  Disarm();
}

net::awaitable<void> Wire::End(Current& current) {
  if (current.gone || current.version < 11) co_return;
  ArmWrite(0);
  const auto [error, sent] = co_await net::async_write(socket_, bh::make_chunk_last(), kAwait);
  Sent(current, error);
}

net::awaitable<void> Wire::Probe(Current& current) {
  if (current.gone) co_return;
  if (current.version < 11) {  // has no reply before the reply
    current.gone = true;
    co_return on_gone_();
  }
  // Any number of these may come before a reply (RFC 9110, 15.2).
  const bh::response<bh::empty_body> proceed(bh::status::continue_, current.version);
  ArmWrite(0);
  const auto [error, sent] = co_await bh::async_write(socket_, proceed, kAwait);
  Sent(current, error);
}

void Wire::Unwatch() {
  ++watch_;
  error_code ignored;
  if (socket_.is_open()) socket_.cancel(ignored);
}

void Wire::WatchOnce(std::uint64_t tag) {
  socket_.async_wait(tcp::socket::wait_read,
                     [this, self = shared_from_this(), tag](const error_code& failed) {
                       if (tag != watch_) return;
                       error_code error = failed;
                       if (!error) {
                         constexpr std::size_t kStep = 4096;
                         const std::size_t read = socket_.read_some(buffer_.prepare(kStep), error);
                         buffer_.commit(read);
                       }
                       if (error == net::error::operation_aborted) return;  // a write timed out
                       if (error == net::error::would_block) error = {};
                       if (error == net::error::eof) {
                         half_closed_ = true;
                         WatchForReset(tag);
                         return on_half_closed_();
                       }
                       if (error) return on_gone_();
                       if (buffer_.size() < kMaxAheadBytes) WatchOnce(tag);
                     });
}

void Wire::WatchForReset(std::uint64_t tag) {
  socket_.async_wait(tcp::socket::wait_error,
                     [this, self = shared_from_this(), tag](const error_code& error) {
                       if (tag == watch_ && error != net::error::operation_aborted) on_gone_();
                     });
}

}  // namespace citeseek::http
