#include "services/http/connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <thread>
#include <unordered_set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/http/error.h"
#include "services/http/outbox.h"
#include "services/http/router.h"
#include "services/http/tls_bridge.h"
#include "services/trace.h"

namespace citeseek::http {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace bh = beast::http;
using boost::system::error_code;
using net::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr auto kAwait = net::as_tuple(net::use_awaitable);
constexpr int kHandlers = 8;
constexpr std::size_t kHandlerQueue = 1024;
constexpr std::size_t kMaxHeaderBytes = 16 << 10;
// What a client may send before its reply has come.
constexpr std::size_t kMaxAheadBytes = 16 << 10;
constexpr int kSendBufferBytes = 64 << 10;
// A stream tells that it has begun at the latest by then, even if it waits for its turn.
constexpr auto kPatience = std::chrono::seconds(1);
constexpr auto kLinger = std::chrono::seconds(1);
// Beyond what an outbox holds.
constexpr std::size_t kSlowestBytesPerSecond = 64 << 10;

std::chrono::nanoseconds Chrono(absl::Duration d) { return absl::ToChronoNanoseconds(d); }

// Between a connection and the worker that runs its request.
struct Exchange : std::enable_shared_from_this<Exchange> {
  Exchange(net::io_context& io, absl::Duration stall)
      : timer(io), outbox([this] { Wake(); }, Chrono(stall)) {}

  void Wake() {
    net::post(timer.get_executor(), [self = shared_from_this()] { self->timer.cancel(); });
  }
  void Stop() {
    stop.request_stop();
    outbox.Close();
    timer.cancel();
  }

  net::steady_timer timer;
  Outbox outbox;
  std::stop_source stop;
  // Written by the worker before it ends.
  absl::StatusOr<Outcome> outcome = absl::InternalError("the request was not handled");
  absl::StatusOr<std::string> last = absl::InternalError("the work was not done");
};

// The last guard against what a library throws on a worker thread.
template <typename Result, typename Work>
Result Guarded(const Work& work) {
  try {
    return work();
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("request failed: ", error.what()));
  }
}

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

// Lives as long as its coroutine; everything but the constructor runs on the loop's thread.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Core& core, net::io_context& io, std::unordered_set<Connection*>& all,
             tcp::socket socket, std::string peer)
      : core_(core),
        io_(io),
        all_(all),
        socket_(std::move(socket)),
        peer_(std::move(peer)),
        timer_(io) {}
  ~Connection() { --core_.connections; }

  net::awaitable<void> Run() {
    all_.insert(this);
    error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.set_option(net::socket_base::send_buffer_size(kSendBufferBytes), ignored);
    bool keep = true;
    while (keep) {
      keep = co_await AwaitRequest();
      if (keep) keep = co_await ServeOne();
    }
    all_.erase(this);
    socket_.close(ignored);
  }

  void Drain() {
    error_code ignored;
    if (idle_) socket_.cancel(ignored);
  }

  void Cancel() {
    if (exchange_ != nullptr) exchange_->Stop();
    Drain();
  }

  void Abort() {
    Cancel();
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  // Breaks off the running operation on the socket after that time.
  void Arm(std::chrono::nanoseconds wait) {
    timed_out_ = false;
    timer_.expires_after(std::chrono::duration_cast<Clock::duration>(wait));
    timer_.async_wait([this, self = shared_from_this(), tag = ++arm_](const error_code& error) {
      if (error || tag != arm_) return;
      timed_out_ = true;
      error_code ignored;
      socket_.cancel(ignored);
    });
  }
  void Disarm() {
    ++arm_;
    timer_.cancel();
  }
  void ArmWrite(std::size_t bytes) {
    const std::size_t more = bytes - std::min(bytes, 2 * kOutboxBytes);
    Arm(Chrono(core_.options.write_timeout) + std::chrono::seconds(more / kSlowestBytesPerSecond));
  }

  // True once there are bytes, or the end, to read.
  net::awaitable<bool> AwaitRequest() {
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

  net::awaitable<bool> ServeOne() {
    Current current;
    {
      const std::scoped_lock lock(core_.mutex);
      ++core_.requests;
    }
    const std::optional<Error> refused = co_await Read(current);
    bool linger = false;
    if (refused) {
      linger = !current.keep;
      Reply reply = current.dialect->reply(*refused);
      current.status = refused->status;
      co_await Write(current, reply);
    } else if (!current.gone) {
      co_await Answer(current);
    }
    const bool keep = current.keep && !current.gone;
    if (linger && !current.gone) co_await Linger();
    if (current.gone && current.status.ok()) current.status = absl::CancelledError("client left");
    if (current.route != nullptr) {
      core_.options.observer({absl::StrCat(current.route->method, " ", current.route->path),
                              current.request.id, current.request.trace_id, current.status,
                              absl::Now() - current.start});
    }
    {
      const std::scoped_lock lock(core_.mutex);
      --core_.requests;
    }
    core_.changed.notify_all();
    co_return keep;
  }

  // Reads one request, or says why it is refused; current.keep is false if bytes of it are left.
  net::awaitable<std::optional<Error>> Read(Current& current) {
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

  static Error TimedOut(const char* what, absl::Duration limit) {
    return {.status = absl::DeadlineExceededError(absl::StrCat(
                what, " of the request was not whole within ", absl::FormatDuration(limit))),
            .http = 408};
  }

  std::optional<Error> HeaderFault(const error_code& error, Current& current) const {
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

  // Runs the handler, and its work if there is some, and sends what they make.
  net::awaitable<void> Answer(Current& current) {
    const auto exchange = std::make_shared<Exchange>(io_, core_.options.write_timeout);
    exchange_ = exchange;
    current.request.stop = exchange->stop.get_token();
    current.request.deadline = current.start + core_.options.deadline;
    Watch();
    auto job = [x = exchange, route = current.route, request = current.request,
                trace = current.trace()]() mutable {
      const services::TraceScope scope(trace);
      x->outcome =
          Guarded<absl::StatusOr<Outcome>>([&] { return route->handle(std::move(request)); });
      x->outbox.End();
    };
    current.request.body = {};
    current.request.headers = {};
    if (core_.handlers.Submit(std::move(job))) {
      co_await Ended(*exchange);
    } else {
      exchange->outcome = Busy(kHandlerQueue);
    }
    auto* reply = exchange->outcome.ok() ? std::get_if<Reply>(&*exchange->outcome) : nullptr;
    auto* work = exchange->outcome.ok() ? std::get_if<Work>(&*exchange->outcome) : nullptr;
    if (work != nullptr) {
      co_await Await(current, *exchange, *work);
    } else if (reply != nullptr) {
      co_await Write(current, *reply);
    } else {
      co_await Fail(current, exchange->outcome.status());
    }
    Unwatch();
    exchange_ = nullptr;
  }

  static absl::Status Busy(std::size_t limit) {
    return absl::ResourceExhaustedError(absl::StrCat(limit, " requests are waiting, the limit"));
  }

  net::awaitable<void> Fail(Current& current, const absl::Status& status) {
    current.status = status;
    Reply reply = current.dialect->reply({.status = status});
    co_await Write(current, reply);
  }

  net::awaitable<void> Await(Current& current, Exchange& exchange, Work& work) {
    exchange.outbox.Reopen();
    const bool streams = !work.stream_type.empty();
    auto job = [x = exchange.shared_from_this(), run = std::move(work.run),
                trace = current.trace()] {
      const services::TraceScope scope(trace);
      x->last =
          x->stop.stop_requested()
              ? absl::CancelledError("the client left before its turn")
              : Guarded<absl::StatusOr<std::string>>([&] {
                  return run([&](std::string bytes) { return x->outbox.Push(std::move(bytes)); });
                });
      x->outbox.End();
    };
    services::WorkerPool& pool = work.in_line ? core_.line_workers : core_.workers;
    if (!pool.Submit(std::move(job))) {
      co_await Fail(current, Busy(core_.options.queue_limit));
    } else if (streams) {
      co_await Stream(current, exchange, work);
    } else {
      co_await Ended(exchange);
      if (!exchange.last.ok()) {
        co_await Fail(current, exchange.last.status());
      } else {
        Reply reply{.body = *std::move(exchange.last)};
        co_await Write(current, reply);
      }
    }
  }

  // Waits until the worker has ended.
  net::awaitable<void> Ended(Exchange& exchange) {
    while (!exchange.outbox.Take().ended) {
      exchange.timer.expires_at(Clock::time_point::max());
      co_await exchange.timer.async_wait(kAwait);
    }
  }

  net::awaitable<void> Stream(Current& current, Exchange& exchange, const Work& work) {
    const auto heartbeat =
        std::chrono::duration_cast<Clock::duration>(Chrono(core_.options.heartbeat));
    bool begun = false;
    Clock::time_point due = Clock::now() + std::min<Clock::duration>(heartbeat, kPatience);
    Outbox::Taken taken;
    while (true) {
      taken = exchange.outbox.Take();
      if (exchange.stop.stop_requested()) taken.bytes.clear();
      if (taken.ended) break;
      if (current.gone || exchange.stop.stop_requested()) {
        due = Clock::time_point::max();  // only the worker's end is awaited
      } else if (!taken.bytes.empty() || Clock::now() >= due) {
        if (taken.bytes.empty()) taken.bytes = work.heartbeat;
        if (!begun) co_await Begin(current, work);
        begun = true;
        co_await WriteSome(current, taken.bytes);
        taken.bytes = {};
        due = Clock::now() + heartbeat;
        continue;
      }
      exchange.timer.expires_at(due);
      co_await exchange.timer.async_wait(kAwait);
    }
    const absl::StatusOr<std::string>& last = exchange.last;
    current.status = last.status();
    if (!last.ok() && !begun && !current.dialect->only_in_stream) {
      co_return co_await Fail(current, last.status());
    }
    if (!begun) co_await Begin(current, work);
    taken.bytes += last.ok() ? *last : current.dialect->in_stream({.status = last.status()});
    co_await WriteSome(current, taken.bytes);
    if (!last.ok()) current.keep = false;
    if (current.gone || current.version < 11) co_return;
    ArmWrite(0);
    const auto [error, sent] = co_await net::async_write(socket_, bh::make_chunk_last(), kAwait);
    Sent(current, error);
  }

  void Sent(Current& current, const error_code& error) {
    Disarm();
    if (!error) return;
    current.gone = true;
    if (exchange_ != nullptr) exchange_->Stop();
  }

  template <typename Message>
  void SetHeaders(const Current& current, const std::string& type, Message& message) const {
    message.set(bh::field::content_type, type);
    message.set("X-Content-Type-Options", "nosniff");
    if (!current.request.id.empty()) message.set("X-Request-Id", current.request.id);
    for (const auto& [name, value] : current.headers) message.set(name, value);
    message.keep_alive(current.keep);
  }

  net::awaitable<void> Begin(Current& current, const Work& work) {
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

  net::awaitable<void> WriteSome(Current& current, const std::string& bytes) {
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

  net::awaitable<void> Write(Current& current, Reply& reply) {
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

  // Lets the client read our reply before the bytes that it still sends reset the connection.
  net::awaitable<void> Linger() {
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

  // While a request runs: notices that its client has gone, and keeps what it sends ahead.
  void Watch() { WatchOnce(++watch_); }
  void Unwatch() {
    ++watch_;
    error_code ignored;
    if (socket_.is_open()) socket_.cancel(ignored);
  }
  void WatchOnce(std::uint64_t tag) {
    socket_.async_wait(
        tcp::socket::wait_read, [this, self = shared_from_this(), tag](const error_code& failed) {
          if (tag != watch_) return;
          error_code error = failed;
          if (!error) {
            constexpr std::size_t kStep = 4096;
            const std::size_t read = socket_.read_some(buffer_.prepare(kStep), error);
            buffer_.commit(read);
          }
          if (error == net::error::operation_aborted) return;  // a write timed out
          if (error == net::error::would_block) error = {};
          if (error) return exchange_->Stop();
          if (buffer_.size() < kMaxAheadBytes) WatchOnce(tag);
        });
  }

  Core& core_;
  net::io_context& io_;
  std::unordered_set<Connection*>& all_;  // connections of the loop
  tcp::socket socket_;
  const std::string peer_;  // the client's address
  net::steady_timer timer_;
  beast::flat_buffer buffer_{kMaxHeaderBytes + kMaxAheadBytes};
  std::shared_ptr<Exchange> exchange_;  // while a request runs
  std::uint64_t arm_ = 0;
  std::uint64_t watch_ = 0;
  bool timed_out_ = false;
  bool idle_ = false;
};

}  // namespace

Core::Core(ServerOptions o)
    : options(std::move(o)),
      handlers(kHandlers, kHandlerQueue),
      workers(options.workers, options.queue_limit),
      line_workers(options.line_workers, options.queue_limit) {}

// The thread is stopped before what it touches goes.
struct Loop::State {
  explicit State(Core& c) : core(c) {}

  void ForEach(void (Connection::*act)()) {
    net::post(io, [this, act] {
      for (Connection* connection : connections) (connection->*act)();
    });
  }

  Core& core;
  std::unordered_set<Connection*> connections;  // touched on the thread only
  net::io_context io{1};
  net::executor_work_guard<net::io_context::executor_type> work{io.get_executor()};
  std::jthread thread;
};

Loop::Loop(Core& core) : state_(std::make_unique<State>(core)) {
  state_->thread = std::jthread([state = state_.get()] { state->io.run(); });
}

Loop::~Loop() {
  state_->io.stop();
  state_->thread.join();
}

void Loop::Take(int socket) {
  ++state_->core.connections;
  net::post(state_->io, [state = state_.get(), socket] {
    sockaddr_storage name{};
    socklen_t length = sizeof(name);
    getsockname(socket, reinterpret_cast<sockaddr*>(&name), &length);
    const tcp protocol = name.ss_family == AF_INET6 ? tcp::v6() : tcp::v4();
    tcp::socket taken(state->io, protocol, socket);
    error_code unknown;
    std::string peer = taken.remote_endpoint(unknown).address().to_string();
    const ServerOptions& options = state->core.options;
    if (options.tls != nullptr) {
      auto plain = BridgeTls(state->io, taken.release(unknown), options.tls->Current(),
                             options.header_timeout);
      if (!plain.ok()) {
        --state->core.connections;
        return;
      }
      taken = tcp::socket(state->io, protocol, *plain);
    }
    const auto connection = std::make_shared<Connection>(state->core, state->io, state->connections,
                                                         std::move(taken), std::move(peer));
    net::co_spawn(state->io, connection->Run(), [connection](const std::exception_ptr&) {});
  });
}

void Loop::Drain() { state_->ForEach(&Connection::Drain); }
void Loop::Cancel() { state_->ForEach(&Connection::Cancel); }
void Loop::Abort() { state_->ForEach(&Connection::Abort); }

}  // namespace citeseek::http
