#include "services/inference/openai_client.h"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/inference/chat_completion.h"
#include "services/inference/sse.h"

namespace citeseek::services {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using net::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr auto kAwait = net::as_tuple(net::use_awaitable);
constexpr std::size_t kMaxReplyBytes = 64 << 20;
constexpr std::size_t kMaxErrorBytes = 64 << 10;
// After the finish_reason, for the usage and [DONE].
constexpr auto kTailTimeout = std::chrono::seconds(2);

struct Url {
  bool tls = false;
  std::string host;
  std::string port;
  std::string path;  // without a slash at its end
  std::string authority() const {
    const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return port == (tls ? "443" : "80") ? name : name + ":" + port;
  }
};

absl::StatusOr<Url> ParseUrl(const std::string& text) {
  const auto bad = [&](std::string_view why) {
    return absl::InvalidArgumentError(
        absl::StrCat("model server url ", text, " ", std::string(why)));
  };
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.tls = true;
  } else if (!rest.starts_with("http://")) {
    return bad("does not start with http:// or https://");
  }
  rest.remove_prefix(url.tls ? 8 : 7);
  if (rest.find_first_of("?#@ \t\r\n") != std::string_view::npos) {
    return bad("holds a query, fragment, user or blank");
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  url.path = std::string(rest.substr(slash));
  while (url.path.ends_with('/')) url.path.pop_back();
  url.port = url.tls ? "443" : "80";
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    url.port = std::string(authority.substr(colon + 1));
    int port = 0;
    if (!absl::SimpleAtoi(url.port, &port) || port < 1 || port > 65535) {
      return bad("has a port that is not in [1, 65535]");
    }
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) {
    authority = authority.substr(1, authority.size() - 2);
  }
  if (authority.empty()) return bad("names no host");
  url.host = std::string(authority);
  return url;
}

absl::Status StatusOfReply(unsigned code, const std::string& where, std::string_view body) {
  const std::string message =
      absl::StrCat("model server ", where, " answered ", code, ": ", ErrorMessageOf(body));
  switch (code) {
    case 400:
    case 413:
    case 422:
      return absl::InvalidArgumentError(message);
    case 401:
      return absl::UnauthenticatedError(message);
    case 403:
      return absl::PermissionDeniedError(message);
    case 404:
      return absl::NotFoundError(message);
    case 429:
      return absl::ResourceExhaustedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

// How long a server may say nothing: ten times what it took for as much of a prompt before, so that
// one that hangs is not waited for as long as one that is slow. Thread-safe.
class SilenceLimit {
 public:
  SilenceLimit(absl::Duration least, absl::Duration most)
      : least_(std::min(least, most)), most_(most) {}

  absl::Duration For(std::size_t prompt_bytes) const {
    const std::scoped_lock lock(mutex_);
    const absl::Duration usual = 10 * static_cast<double>(prompt_bytes) * by_byte_;
    return std::min(most_, slack_ * std::max(least_, usual));
  }
  // The longest silence of a whole answer.
  void Heard(absl::Duration silence, std::size_t prompt_bytes) {
    const absl::Duration by_byte = silence / static_cast<double>(prompt_bytes);
    const std::scoped_lock lock(mutex_);
    by_byte_ = by_byte_ == absl::InfiniteDuration() ? by_byte : std::max(by_byte, 0.9 * by_byte_);
    slack_ = 1;
  }
  // A server may have become slower than it was: the next call waits longer.
  void GaveUp() {
    const std::scoped_lock lock(mutex_);
    slack_ = std::min(2 * slack_, 64);
  }

 private:
  const absl::Duration least_, most_;
  mutable std::mutex mutex_;
  absl::Duration by_byte_ = absl::InfiniteDuration();  // until there is an answer
  int slack_ = 1;
};

// One call: everything runs on the caller's thread, inside io.run().
class Call {
 public:
  Call(const OpenAiOptions& options, const Url& url, net::ssl::context* tls,
       SilenceLimit* silence_limit, const inference::GenerateRequest& request,
       const inference::PieceSink& sink)
      : options_(options),
        url_(url),
        tls_(tls),
        silence_limit_(silence_limit),
        request_(request),
        sink_(sink) {}

  absl::StatusOr<inference::Finish> Run() {
    if (absl::Status status = Interrupted(); !status.ok()) return status;
    net::co_spawn(io_, Talk(), [this](std::exception_ptr thrown, absl::Status status) {
      result_ = thrown ? absl::InternalError("model server client failed") : std::move(status);
      thrown_ = thrown;
    });
    {
      // Runs on the thread that requests the stop; the socket is touched on ours only.
      const std::stop_callback on_stop(request_.stop,
                                       [this] { net::post(io_, [this] { Close(); }); });
      io_.run();
    }
    Close();
    if (thrown_) std::rethrow_exception(thrown_);  // of the sink
    if (result_.ok()) {
      silence_limit_->Heard(longest_silence_, prompt_bytes_);
      return reader_.finish();
    }
    if (absl::Status status = Interrupted(absl::Milliseconds(5)); !status.ok()) return status;
    if (gave_up_) silence_limit_->GaveUp();
    return result_;
  }

 private:
  // `slack`: timers run on another clock than deadlines.
  absl::Status Interrupted(absl::Duration slack = absl::ZeroDuration()) const {
    if (request_.stop.stop_requested()) return absl::CancelledError("generation cancelled");
    if (absl::Now() + slack >= request_.deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("model server ", where_, " did not finish before the deadline"));
    }
    return absl::OkStatus();
  }

  void Close() {
    resolver_.cancel();
    if (socket_ == nullptr) return;
    error_code ignored;
    socket_->socket().close(ignored);
  }

  // The next operation on the socket ends by then.
  void Expire(Clock::duration wait) {
    Clock::time_point end = Clock::now() + wait;
    if (request_.deadline != absl::InfiniteFuture()) {
      const auto left = absl::ToChronoNanoseconds(request_.deadline - absl::Now());
      end = std::min(end, Clock::now() + std::max(left, std::chrono::nanoseconds(0)));
    }
    socket_->expires_at(end);
  }

  absl::Status Broken(std::string_view doing, const error_code& error) const {
    const std::string name = absl::StrCat("model server ", where_);
    if (error == beast::error::timeout) {
      return absl::UnavailableError(absl::StrCat(name, " timed out while ", std::string(doing)));
    }
    if (error == http::error::end_of_stream || error == http::error::partial_message ||
        error == net::error::eof || error == net::error::connection_reset ||
        error == net::ssl::error::stream_truncated) {
      return absl::UnavailableError(
          absl::StrCat(name, " closed the connection while ", std::string(doing)));
    }
    return absl::UnavailableError(
        absl::StrCat(name, " failed while ", std::string(doing), ": ", error.message()));
  }

  net::awaitable<absl::Status> Talk() {
    std::vector<tcp::endpoint> endpoints;
    error_code error;
    const net::ip::address address = net::ip::make_address(url_.host, error);
    const auto port = static_cast<std::uint16_t>(std::stoi(url_.port));
    if (!error) {
      endpoints.emplace_back(address, port);  // spares the resolver's thread
    } else {
      auto [failed, found] = co_await resolver_.async_resolve(url_.host, url_.port, kAwait);
      if (failed) co_return Broken("looking up its name", failed);
      for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    }
    if (!url_.tls) {
      beast::tcp_stream stream(io_);
      co_return co_await Connected(stream, endpoints);
    }
    beast::ssl_stream<beast::tcp_stream> stream(io_, *tls_);
    if (error && SSL_set_tlsext_host_name(stream.native_handle(), url_.host.c_str()) != 1) {
      co_return absl::InternalError("tls refuses the host name " + url_.host);
    }
    stream.set_verify_callback(net::ssl::host_name_verification(url_.host));
    co_return co_await Connected(stream, endpoints);
  }

  template <typename Stream>
  net::awaitable<absl::Status> Connected(Stream& stream,
                                         const std::vector<tcp::endpoint>& endpoints) {
    // However this ends, nobody touches the socket of a stream that is gone.
    struct Guard {
      beast::tcp_stream** socket;
      ~Guard() { *socket = nullptr; }
    } guard{&socket_};
    socket_ = &beast::get_lowest_layer(stream);
    const auto connect_timeout = absl::ToChronoNanoseconds(options_.connect_timeout);
    Expire(connect_timeout);
    if (auto [error, endpoint] = co_await socket_->async_connect(endpoints, kAwait); error) {
      co_return Broken("connecting", error);
    }
    socket_->socket().set_option(tcp::no_delay(true));
    if constexpr (!std::is_same_v<Stream, beast::tcp_stream>) {
      Expire(connect_timeout);
      auto [error] = co_await stream.async_handshake(net::ssl::stream_base::client, kAwait);
      if (error) co_return Broken("agreeing on tls", error);
    }
    co_return co_await Exchange(stream);
  }

  template <typename Stream>
  net::awaitable<absl::Status> Exchange(Stream& stream) {
    http::request<http::string_body> post(http::verb::post, url_.path + "/chat/completions", 11);
    post.set(http::field::host, url_.authority());
    post.set(http::field::content_type, "application/json");
    post.set(http::field::accept, "text/event-stream, application/json");
    post.set(http::field::user_agent, "citeseek");
    post.set(http::field::connection, "close");
    if (!options_.api_key.empty()) {
      post.set(http::field::authorization, "Bearer " + options_.api_key);
    }
    post.body() = MakeChatRequest(request_, options_.model, options_.thinking_switch);
    post.prepare_payload();
    prompt_bytes_ = post.body().size();
    const absl::Duration most_silence = silence_limit_->For(prompt_bytes_);
    const auto idle = absl::ToChronoNanoseconds(most_silence);
    const auto broken = [&](const error_code& error) {
      gave_up_ = error == beast::error::timeout;
      return gave_up_ ? absl::UnavailableError(absl::StrCat("model server ", where_,
                                                            " said nothing for ",
                                                            absl::FormatDuration(most_silence)))
                      : Broken("answering", error);
    };
    Expire(idle);
    if (auto [error, sent] = co_await http::async_write(stream, post, kAwait); error) {
      co_return Broken("taking the request", error);
    }
    beast::flat_buffer buffer;
    http::response_parser<http::buffer_body> parser;
    parser.header_limit(64 << 10);
    parser.body_limit(boost::none);
    Clock::time_point heard = Clock::now();
    const auto listen = [&] {
      const Clock::time_point now = Clock::now();
      longest_silence_ = std::max(longest_silence_, absl::FromChrono(now - heard));
      heard = now;
    };
    Expire(idle);
    if (auto [error, read] = co_await http::async_read_header(stream, buffer, parser, kAwait);
        error) {
      co_return broken(error);
    }
    listen();
    const unsigned code = parser.get().result_int();
    const bool events =
        std::string_view(parser.get()[http::field::content_type]).find("text/event-stream") !=
        std::string_view::npos;
    const std::size_t limit = code == 200 ? kMaxReplyBytes : kMaxErrorBytes;
    std::array<char, 16 << 10> chunk;
    std::string body;  // of an error, or of a reply that is no stream
    std::size_t received = 0;
    while (!parser.is_done() && !reader_.done()) {
      parser.get().body().data = chunk.data();
      parser.get().body().size = chunk.size();
      Expire(reader_.finished() ? kTailTimeout : idle);
      auto [error, read] = co_await http::async_read_some(stream, buffer, parser, kAwait);
      listen();
      const std::string_view bytes(chunk.data(), chunk.size() - parser.get().body().size);
      received += bytes.size();
      if (code == 200 && events) {
        if (absl::Status status = Deliver(bytes); !status.ok()) co_return status;
      } else if (received <= limit) {
        body += bytes;
      }
      if (received > limit && code == 200) {
        co_return absl::ResourceExhaustedError(absl::StrCat(
            "model server ", where_, " sent more than the limit of ", limit, " bytes"));
      }
      if (error && error != http::error::need_buffer) {
        // An answer that is whole is not lost for a rude end of its connection.
        if (reader_.finished()) break;
        if (code != 200) co_return StatusOfReply(code, where_, body);
        co_return broken(error);
      }
      if (received > limit) break;  // enough of an error
    }
    if (code != 200) co_return StatusOfReply(code, where_, body);
    if (!events) {
      std::vector<inference::Piece> pieces;
      if (absl::Status status = reader_.ReadBody(body, &pieces); !status.ok()) co_return status;
      co_return Pass(pieces);
    }
    if (!reader_.finished()) {
      co_return absl::UnavailableError(
          absl::StrCat("model server ", where_, " ended its answer without a finish_reason"));
    }
    co_return absl::OkStatus();
  }

  absl::Status Deliver(std::string_view bytes) {
    std::vector<std::string> events;
    if (absl::Status status = sse_.Feed(bytes, &events); !status.ok()) return status;
    for (const std::string& event : events) {
      std::vector<inference::Piece> pieces;
      if (absl::Status status = reader_.ReadEvent(event, &pieces); !status.ok()) return status;
      if (absl::Status status = Pass(pieces); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status Pass(const std::vector<inference::Piece>& pieces) {
    for (const inference::Piece& piece : pieces) {
      if (absl::Status status = Interrupted(); !status.ok()) return status;
      if (!sink_(piece)) return absl::CancelledError("generation cancelled");
    }
    return absl::OkStatus();
  }

  const OpenAiOptions& options_;
  const Url& url_;
  net::ssl::context* tls_;
  SilenceLimit* silence_limit_;
  const inference::GenerateRequest& request_;
  const inference::PieceSink& sink_;
  const std::string where_ = url_.authority();
  net::io_context io_{1};
  tcp::resolver resolver_{io_};
  beast::tcp_stream* socket_ = nullptr;  // while there is one
  SseReader sse_;
  ChatReader reader_;
  std::size_t prompt_bytes_ = 1;
  absl::Duration longest_silence_;
  bool gave_up_ = false;  // as the server said nothing
  absl::Status result_;
  std::exception_ptr thrown_;
};

class OpenAiClient final : public inference::Generator {
 public:
  OpenAiClient(const OpenAiOptions& options, Url url)
      : options_(options),
        url_(std::move(url)),
        tls_(net::ssl::context::tls_client),
        silence_limit_(options.least_idle_timeout, options.idle_timeout) {}

  absl::Status LoadAuthorities() {
    if (!url_.tls) return absl::OkStatus();
    error_code error;
    if (options_.ca_file.empty()) {
      tls_.set_default_verify_paths(error);
    } else {
      tls_.load_verify_file(options_.ca_file, error);
    }
    if (error) {
      return absl::InvalidArgumentError(absl::StrCat("cannot read the certificates in ",
                                                     options_.ca_file, ": ", error.message()));
    }
    tls_.set_verify_mode(net::ssl::verify_peer, error);
    SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_2_VERSION);
    return absl::OkStatus();
  }

  absl::StatusOr<inference::Finish> Generate(const inference::GenerateRequest& request,
                                             const inference::PieceSink& sink) override {
    if (request.messages.empty()) return absl::InvalidArgumentError("prompt has no messages");
    auto finish = Call(options_, url_, &tls_, &silence_limit_, request, sink).Run();
    if (finish.ok() && finish->model.empty()) finish->model = options_.model;
    return finish;
  }

 private:
  const OpenAiOptions options_;
  const Url url_;
  net::ssl::context tls_;
  SilenceLimit silence_limit_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<inference::Generator>> ConnectOpenAi(const OpenAiOptions& options) {
  absl::StatusOr<Url> url = ParseUrl(options.url);
  if (!url.ok()) return url.status();
  if (options.model.empty()) return absl::InvalidArgumentError("model name is empty");
  if (options.api_key.find_first_of("\r\n") != std::string::npos) {
    return absl::InvalidArgumentError("api key holds a line break");
  }
  auto client = std::make_unique<OpenAiClient>(options, *std::move(url));
  if (absl::Status status = client->LoadAuthorities(); !status.ok()) return status;
  return client;
}

}  // namespace citeseek::services
