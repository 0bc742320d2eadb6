#include "tests/support/openai_server.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "tests/support/identity.h"

namespace citeseek::testing {
namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using net::ip::tcp;
using Json = nlohmann::json;

std::string Event(const Json& json) { return absl::StrCat("data: ", json.dump(), "\n\n"); }

std::string DeltaEvent(const std::string& field, const std::string& text) {
  return Event({{"id", "c1"},
                {"model", "test-model"},
                {"choices", {{{"index", 0}, {"delta", {{field, text}}}}}}});
}

// True if the peer closed, or the server is stopping, before `wait` was over.
bool GoneWithin(int fd, absl::Duration wait) {
  pollfd polled{.fd = fd, .events = POLLRDHUP};
  const bool forever = wait == absl::InfiniteDuration();
  return poll(&polled, 1, forever ? -1 : static_cast<int>(absl::ToInt64Milliseconds(wait))) > 0;
}

}  // namespace

struct OpenAiServer::Net {
  net::io_context io;
  tcp::acceptor acceptor{io, {net::ip::make_address("127.0.0.1"), 0}};
  net::ssl::context tls{net::ssl::context::tls_server};
};

OpenAiServer::OpenAiServer(Script script, bool tls)
    : script_(std::move(script)), tls_(tls), net_(std::make_unique<Net>()) {
  if (tls_) {
    const Identity identity = MakeIdentity();
    pem_ = identity.certificate;
    net_->tls.use_certificate(net::buffer(identity.certificate), net::ssl::context::pem);
    net_->tls.use_private_key(net::buffer(identity.key), net::ssl::context::pem);
  }
  acceptor_ = std::jthread([this] {
    while (true) {
      error_code error;
      tcp::socket socket = net_->acceptor.accept(error);
      const std::scoped_lock lock(mutex_);
      if (error || stopping_) return;
      const int fd = socket.native_handle();
      open_.push_back(fd);
      threads_.emplace_back([this, fd, moved = std::move(socket)]() mutable {
        if (tls_) {
          net::ssl::stream<tcp::socket&> stream(moved, net_->tls);
          error_code failed;
          stream.handshake(net::ssl::stream_base::server, failed);
          if (!failed) Serve(stream, fd);
        } else {
          Serve(moved, fd);
        }
        const std::scoped_lock done(mutex_);
        std::erase(open_, fd);
        error_code ignored;
        moved.close(ignored);
      });
    }
  });
}

OpenAiServer::~OpenAiServer() {
  std::vector<std::jthread> threads;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    shutdown(net_->acceptor.native_handle(), SHUT_RDWR);
    for (int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  acceptor_.join();
  threads.swap(threads_);
}

template <typename Stream>
void OpenAiServer::Serve(Stream& stream, int fd) {
  boost::beast::flat_buffer buffer;
  http::request<http::string_body> request;
  error_code error;
  http::read(stream, buffer, request, error);
  if (error) return;
  const SeenRequest seen{.method = std::string(request.method_string()),
                         .target = std::string(request.target()),
                         .authorization = std::string(request[http::field::authorization]),
                         .body = request.body()};
  {
    const std::scoped_lock lock(mutex_);
    requests_.push_back(seen);
  }
  const ServerReply reply = script_(seen);
  const auto gone = [&] {
    const std::scoped_lock lock(mutex_);
    if (!stopping_) closed_.push_back(absl::Now());
    changed_.notify_all();
  };
  const std::string head =
      absl::StrCat("HTTP/1.1 ", reply.status, " Whatever\r\ncontent-type: ", reply.content_type,
                   "\r\ntransfer-encoding: chunked\r\n\r\n");
  net::write(stream, net::buffer(head), error);
  for (const ReplyChunk& chunk : reply.chunks) {
    if (chunk.delay > absl::ZeroDuration() && GoneWithin(fd, chunk.delay)) return gone();
    const std::string framed =
        absl::StrCat(absl::Hex(chunk.bytes.size()), "\r\n", chunk.bytes, "\r\n");
    net::write(stream, net::buffer(framed), error);
    if (error) return gone();
  }
  switch (reply.end) {
    case ServerReply::End::kWhole:
      net::write(stream, net::buffer(std::string_view("0\r\n\r\n")), error);
      break;
    case ServerReply::End::kAbort:
      break;
    case ServerReply::End::kSilent:
      GoneWithin(fd, absl::InfiniteDuration());
      gone();
      break;
  }
}

std::string OpenAiServer::url() const {
  return absl::StrCat(tls_ ? "https" : "http",
                      "://127.0.0.1:", net_->acceptor.local_endpoint().port(), "/v1");
}

std::vector<SeenRequest> OpenAiServer::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

absl::Time OpenAiServer::AwaitClosedByClient(std::size_t n) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::seconds(10), [&] { return closed_.size() >= n; });
  return closed_.size() >= n ? closed_[n - 1] : absl::InfiniteFuture();
}

std::string TextEvent(const std::string& text) { return DeltaEvent("content", text); }

std::string ThoughtEvent(const std::string& text, const std::string& field) {
  return DeltaEvent(field, text);
}

std::string FinishEvent(const std::string& reason) {
  return Event(
      {{"model", "test-model"},
       {"choices", {{{"index", 0}, {"delta", Json::object()}, {"finish_reason", reason}}}}});
}

std::string UsageEvent(int prompt_tokens, int completion_tokens) {
  return Event(
      {{"choices", Json::array()},
       {"usage", {{"prompt_tokens", prompt_tokens}, {"completion_tokens", completion_tokens}}}});
}

ServerReply GoodReply(const std::vector<std::string>& texts) {
  ServerReply reply;
  for (const std::string& text : texts) reply.chunks.push_back({.bytes = TextEvent(text)});
  reply.chunks.push_back({.bytes = FinishEvent("stop")});
  reply.chunks.push_back({.bytes = UsageEvent(11, 7)});
  reply.chunks.push_back({.bytes = kDoneEvent});
  return reply;
}

}  // namespace citeseek::testing
