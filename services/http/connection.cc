#include "services/http/connection.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <thread>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/http/error.h"
#include "services/http/outbox.h"
#include "services/http/tls_bridge.h"
#include "services/http/wire.h"
#include "services/trace.h"

namespace citeseek::http {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr auto kAwait = net::as_tuple(net::use_awaitable);
constexpr int kHandlers = 8;
constexpr std::size_t kHandlerQueue = 1024;
// A stream tells that it has begun at the latest by then, even if it waits for its turn.
constexpr auto kPatience = std::chrono::seconds(1);
// So long after a client has closed its side it is found out whether it still reads: what is
// answered sooner needs no sign before it.
constexpr auto kProbeAfter = std::chrono::milliseconds(25);

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

// Lives as long as its coroutine; everything but the constructor runs on the loop's thread.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Core& core, net::io_context& io, std::unordered_set<Connection*>& all,
             tcp::socket socket, std::string peer)
      : core_(core),
        io_(io),
        all_(all),
        wire_(std::make_shared<Wire>(
            core, std::move(socket), std::move(peer),
            [this] {
              if (exchange_ != nullptr) exchange_->Stop();
            },
            [this] {
              if (exchange_ != nullptr) exchange_->Wake();
            })) {}
  ~Connection() { --core_.connections; }

  net::awaitable<void> Run() {
    all_.insert(this);
    bool keep = true;
    while (keep) {
      keep = co_await wire_->AwaitRequest();
      if (keep) keep = co_await ServeOne();
    }
    all_.erase(this);
    wire_->Close();
  }

  void Drain() { wire_->CloseIdle(); }

  void Cancel() {
    if (exchange_ != nullptr) exchange_->Stop();
    Drain();
  }

  void Abort() {
    Cancel();
    wire_->Close();
  }

 private:
  net::awaitable<bool> ServeOne() {
    Current current;
    {
      const std::scoped_lock lock(core_.mutex);
      ++core_.requests;
    }
    const std::optional<Error> refused = co_await wire_->Read(current);
    bool linger = false;
    if (refused) {
      linger = !current.keep;
      Reply reply = current.dialect->reply(*refused);
      current.status = refused->status;
      co_await wire_->Write(current, reply);
    } else if (!current.gone) {
      co_await Answer(current);
    }
    const bool keep = current.keep && !current.gone;
    if (linger && !current.gone) co_await wire_->Linger();
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

  // Runs the handler, and its work if there is some, and sends what they make.
  net::awaitable<void> Answer(Current& current) {
    const auto exchange = std::make_shared<Exchange>(io_, core_.options.write_timeout);
    exchange_ = exchange;
    current.request.stop = exchange->stop.get_token();
    current.request.deadline = current.start + core_.options.deadline;
    wire_->Watch();
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
      co_await Ended(current, *exchange);
    } else {
      exchange->outcome = Busy(kHandlerQueue);
    }
    auto* reply = exchange->outcome.ok() ? std::get_if<Reply>(&*exchange->outcome) : nullptr;
    auto* work = exchange->outcome.ok() ? std::get_if<Work>(&*exchange->outcome) : nullptr;
    if (work != nullptr) {
      co_await Await(current, *exchange, *work);
    } else if (reply != nullptr) {
      co_await wire_->Write(current, *reply);
    } else {
      co_await Fail(current, exchange->outcome.status());
    }
    wire_->Unwatch();
    exchange_ = nullptr;
  }

  static absl::Status Busy(std::size_t limit) {
    return absl::ResourceExhaustedError(absl::StrCat(limit, " requests are waiting, the limit"));
  }

  net::awaitable<void> Fail(Current& current, const absl::Status& status) {
    current.status = status;
    Reply reply = current.dialect->reply({.status = status});
    co_await wire_->Write(current, reply);
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
      co_await Ended(current, exchange);
      if (!exchange.last.ok()) {
        co_await Fail(current, exchange.last.status());
      } else {
        Reply reply{.body = *std::move(exchange.last)};
        co_await wire_->Write(current, reply);
      }
    }
  }

  Clock::duration Heartbeat() const {
    return std::chrono::duration_cast<Clock::duration>(Chrono(core_.options.heartbeat));
  }

  // Waits until the worker has ended.
  net::awaitable<void> Ended(Current& current, Exchange& exchange) {
    Clock::time_point probe = Clock::time_point::max();
    while (!exchange.outbox.Take().ended) {
      const bool asks = wire_->half_closed() && !exchange.stop.stop_requested();
      if (asks && probe == Clock::time_point::max()) probe = Clock::now() + kProbeAfter;
      if (asks && Clock::now() >= probe) {
        co_await wire_->Probe(current);
        probe = Clock::now() + Heartbeat();
        continue;
      }
      exchange.timer.expires_at(asks ? probe : Clock::time_point::max());
      co_await exchange.timer.async_wait(kAwait);
    }
  }

  net::awaitable<void> Stream(Current& current, Exchange& exchange, const Work& work) {
    const Clock::duration heartbeat = Heartbeat();
    bool begun = false;
    bool probed = false;  // whether a client that has closed its side still reads
    Clock::time_point due = Clock::now() + std::min<Clock::duration>(heartbeat, kPatience);
    Outbox::Taken taken;
    while (true) {
      taken = exchange.outbox.Take();
      if (exchange.stop.stop_requested()) taken.bytes.clear();
      if (taken.ended) break;
      if (wire_->half_closed() && !std::exchange(probed, true)) {
        due = std::min<Clock::time_point>(due, Clock::now() + kProbeAfter);
      }
      if (current.gone || exchange.stop.stop_requested()) {
        due = Clock::time_point::max();  // only the worker's end is awaited
      } else if (!taken.bytes.empty() || Clock::now() >= due) {
        if (taken.bytes.empty()) taken.bytes = work.heartbeat;
        if (!begun) co_await wire_->Begin(current, work);
        begun = true;
        co_await wire_->WriteSome(current, taken.bytes);
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
    if (!begun) co_await wire_->Begin(current, work);
    taken.bytes += last.ok() ? *last : current.dialect->in_stream({.status = last.status()});
    co_await wire_->WriteSome(current, taken.bytes);
    if (!last.ok()) current.keep = false;
    co_await wire_->End(current);
  }

  Core& core_;
  net::io_context& io_;
  std::unordered_set<Connection*>& all_;  // connections of the loop
  const std::shared_ptr<Wire> wire_;      // its timers may outlive the connection
  std::shared_ptr<Exchange> exchange_;    // while a request runs
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
