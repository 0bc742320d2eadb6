#include "services/http/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/http/connection.h"

namespace citeseek::http {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;

constexpr auto kAwait = net::as_tuple(net::use_awaitable);
constexpr auto kAcceptPause = std::chrono::milliseconds(50);
constexpr absl::Duration kCancelGrace = absl::Seconds(2);
constexpr unsigned kMaxLoops = 4;

// Each connection is a file descriptor; systems give few unless they are asked.
void RaiseFileLimit() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= files.rlim_max) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

absl::StatusOr<tcp::acceptor> Listen(net::io_context& io, const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return absl::InvalidArgumentError("http address " + address + " is not HOST:PORT");
  }
  std::string host = address.substr(0, colon);
  if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
  error_code error;
  const auto found =
      tcp::resolver(io).resolve(host, address.substr(colon + 1), tcp::resolver::passive, error);
  tcp::acceptor acceptor(io);
  if (!error) {
    const tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(net::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(net::socket_base::max_listen_connections, error);
  }
  if (!error) return acceptor;
  const bool used = error == net::error::address_in_use;
  return absl::UnavailableError(absl::StrCat(
      "http address ", address, ": ", error.message(),
      used ? ": another process listens there; give --http another port, or port 0" : ""));
}

}  // namespace

struct Server::State {
  explicit State(ServerOptions options) : core(std::move(options)) {}

  net::awaitable<void> Accept() {
    net::steady_timer pause(io);
    for (std::size_t next = 0; acceptor.is_open();) {
      auto [error, socket] = co_await acceptor.async_accept(kAwait);
      if (!acceptor.is_open()) co_return;
      if (!error) core.loops[next++ % core.loops.size()]->Take(socket.release());
      // Out of file descriptors, or at our own limit: the system keeps those who knock waiting.
      while (error || core.connections >= core.options.max_connections) {
        error = {};
        pause.expires_after(kAcceptPause);
        co_await pause.async_wait(kAwait);
        if (!acceptor.is_open()) co_return;
      }
    }
  }

  void ForEachLoop(void (Loop::*act)()) {
    for (const auto& loop : core.loops) (loop.get()->*act)();
  }

  bool AwaitIdle(absl::Time deadline) {
    std::unique_lock lock(core.mutex);
    return core.changed.wait_until(lock, absl::ToChronoTime(deadline),
                                   [this] { return core.requests == 0; });
  }

  Core core;
  std::string address;
  net::io_context io{1};
  tcp::acceptor acceptor{io};  // touched on the thread only
  std::jthread thread;         // accepts
};

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options) {
  RaiseFileLimit();
  auto state = std::make_unique<State>(std::move(options));
  const std::string& listen = state->core.options.listen;
  auto acceptor = Listen(state->io, listen);
  if (!acceptor.ok()) return acceptor.status();
  state->acceptor = *std::move(acceptor);
  state->address = absl::StrCat(listen.substr(0, listen.rfind(':')), ":",
                                state->acceptor.local_endpoint().port());
  const unsigned loops = std::clamp(std::thread::hardware_concurrency(), 1u, kMaxLoops);
  for (unsigned i = 0; i < loops; ++i) {
    state->core.loops.push_back(std::make_unique<Loop>(state->core));
  }
  net::co_spawn(state->io, state->Accept(), net::detached);
  state->thread = std::jthread([state = state.get()] { state->io.run(); });
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() {
  Shutdown(absl::Now());
  state_->thread.join();
}

std::string Server::address() const { return state_->address; }

void Server::Drain() {
  if (state_->core.draining.exchange(true)) return;
  net::post(state_->io, [state = state_.get()] {
    error_code ignored;
    state->acceptor.close(ignored);
  });
  state_->ForEachLoop(&Loop::Drain);
}

void Server::Shutdown(absl::Time deadline) {
  Drain();
  if (state_->AwaitIdle(deadline)) return;
  state_->ForEachLoop(&Loop::Cancel);
  if (state_->AwaitIdle(absl::Now() + kCancelGrace)) return;
  state_->ForEachLoop(&Loop::Abort);
  state_->AwaitIdle(absl::Now() + kCancelGrace);
}

}  // namespace citeseek::http
