#include "services/http/tls_bridge.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstring>
#include <exception>
#include <functional>

#include "absl/strings/str_cat.h"

namespace citeseek::http {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;
using Plain = net::local::stream_protocol;

constexpr auto kAwait = net::as_tuple(net::use_awaitable);
constexpr std::size_t kStep = 4096;
constexpr auto kGoodbye = std::chrono::seconds(1);

// Lives as long as its coroutines.
class Bridge : public std::enable_shared_from_this<Bridge> {
 public:
  Bridge(net::io_context& io, tcp::socket client, int plain,
         std::shared_ptr<net::ssl::context> context)
      : context_(std::move(context)),
        client_(std::move(client), *context_),
        plain_(io, Plain(), plain),
        timer_(io) {}

  net::awaitable<void> Run(std::chrono::nanoseconds patience) {
    error_code ignored;
    client_.lowest_layer().set_option(tcp::no_delay(true), ignored);
    Arm(patience);
    const auto [refused] = co_await client_.async_handshake(net::ssl::stream_base::server, kAwait);
    timer_.cancel();
    if (refused) co_return Close();
    net::co_spawn(timer_.get_executor(), Inwards(), Holding());
    co_await Outwards();
  }

  // Keeps the bridge until the coroutine that it is given to has ended.
  std::function<void(std::exception_ptr)> Holding() {
    return [self = shared_from_this()](const std::exception_ptr&) {};
  }

 private:
  void Arm(std::chrono::nanoseconds wait) {
    timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(wait));
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
      if (!error) self->Close();
    });
  }

  void Close() {
    error_code ignored;
    client_.lowest_layer().close(ignored);
    plain_.close(ignored);
  }

  net::awaitable<void> Inwards() {
    std::array<char, kStep> bytes;
    while (true) {
      const auto [ended, size] = co_await client_.async_read_some(net::buffer(bytes), kAwait);
      if (ended) break;
      const auto [gone, sent] =
          co_await net::async_write(plain_, net::buffer(bytes.data(), size), kAwait);
      if (gone) break;
    }
    error_code ignored;
    plain_.shutdown(Plain::socket::shutdown_send, ignored);
    // It may read on. One that has gone resets the connection at the next bytes.
    co_await client_.next_layer().async_wait(tcp::socket::wait_error, kAwait);
    Close();
  }

  net::awaitable<void> Outwards() {
    std::array<char, kStep> bytes;
    while (true) {
      const auto [ended, size] = co_await plain_.async_read_some(net::buffer(bytes), kAwait);
      if (ended) break;
      const auto [gone, sent] =
          co_await net::async_write(client_, net::buffer(bytes.data(), size), kAwait);
      if (gone) co_return Close();
    }
    Arm(kGoodbye);
    co_await client_.async_shutdown(kAwait);
    timer_.cancel();
    Close();
  }

  const std::shared_ptr<net::ssl::context> context_;
  net::ssl::stream<tcp::socket> client_;
  Plain::socket plain_;
  net::steady_timer timer_;
};

}  // namespace

absl::StatusOr<int> BridgeTls(net::io_context& io, int client,
                              std::shared_ptr<services::TlsContext::Context> context,
                              absl::Duration patience) {
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()) != 0) {
    const int error = errno;
    close(client);
    return absl::ResourceExhaustedError(absl::StrCat("no socket pair: ", std::strerror(error)));
  }
  sockaddr_storage name{};
  socklen_t length = sizeof(name);
  getsockname(client, reinterpret_cast<sockaddr*>(&name), &length);
  tcp::socket taken(io, name.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), client);
  const auto bridge = std::make_shared<Bridge>(io, std::move(taken), pair[1], std::move(context));
  net::co_spawn(io, bridge->Run(absl::ToChronoNanoseconds(patience)), bridge->Holding());
  return pair[0];
}

}  // namespace citeseek::http
