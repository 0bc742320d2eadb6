#include "services/http/tls_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include "tests/support/http_harness.h"
#include "tests/support/identity.h"
#include "tests/support/temp_directory.h"

namespace citeseek::http {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::HttpHarness;
using testing::Identity;
using ::testing::StartsWith;

class TlsBridgeTest : public ::testing::Test {
 protected:
  void Serve(const std::string& authority = "") {
    tls_ = *services::TlsContext::Make({.certificate = directory_.Write("crt", own_.certificate),
                                        .key = directory_.Write("key", own_.key),
                                        .authority = authority});
    harness_ = std::make_unique<HttpHarness>(ServerOptions{.tls = tls_.get()});
  }

  // What comes until the server ends the connection; empty if there is no handshake.
  std::string Exchange(const std::string& request, const Identity* client = nullptr,
                       error_code* end = nullptr) {
    net::ssl::context context(net::ssl::context::tls_client);
    context.add_certificate_authority(net::buffer(own_.certificate));
    context.set_verify_mode(net::ssl::verify_peer);
    if (client != nullptr) {
      context.use_certificate(net::buffer(client->certificate), net::ssl::context::pem);
      context.use_private_key(net::buffer(client->key), net::ssl::context::pem);
    }
    net::ssl::stream<tcp::socket> stream(io_, context);
    stream.set_verify_callback(net::ssl::host_name_verification("127.0.0.1"));
    Connect(stream.lowest_layer());
    error_code error;
    stream.handshake(net::ssl::stream_base::client, error);
    if (!error) net::write(stream, net::buffer(request), error);
    std::string reply;
    if (!error) net::read(stream, net::dynamic_buffer(reply), error);
    if (end != nullptr) *end = error;
    return reply;
  }

  template <typename Socket>
  void Connect(Socket& socket) {
    const std::string address = harness_->address();
    const std::size_t colon = address.rfind(':');
    net::connect(socket,
                 tcp::resolver(io_).resolve(address.substr(0, colon), address.substr(colon + 1)));
  }

  const TempDirectory directory_;
  const Identity own_ = testing::MakeIdentity();
  net::io_context io_;
  std::unique_ptr<services::TlsContext> tls_;
  std::unique_ptr<HttpHarness> harness_;
};

constexpr char kHealth[] = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

TEST_F(TlsBridgeTest, RequestsAndRepliesAreEncrypted) {
  Serve();
  error_code end;
  EXPECT_THAT(Exchange(kHealth, nullptr, &end), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(end, net::error::eof);  // TLS's own goodbye, not a broken connection
}

TEST_F(TlsBridgeTest, SeveralRequestsAndLongBodiesCross) {
  Serve();
  const std::string body =
      R"({"model":"citeseek","input":[")" + std::string(300000, 'a') + R"("]})";
  const std::string post =
      "POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Content-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  const std::string reply = Exchange(post + post + kHealth);
  std::size_t replies = 0;
  for (std::size_t at = 0; (at = reply.find("HTTP/1.1 ", at)) != std::string::npos; ++at) ++replies;
  EXPECT_EQ(replies, 3u) << reply.substr(0, 500);
}

TEST_F(TlsBridgeTest, TheCallerIsTheClientNotTheBridge) {
  Serve();
  Exchange(
      "POST /api/v1/ask HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
      "Content-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"question\":\"q\"}");
  EXPECT_EQ(harness_->answerer.last.caller, "127.0.0.1");
}

TEST_F(TlsBridgeTest, WithAnAuthorityClientsNeedACertificateOfIt) {
  const Identity authority = testing::MakeIdentity();
  Serve(directory_.Write("ca", authority.certificate));
  EXPECT_EQ(Exchange(kHealth), "");
  const Identity stranger = testing::MakeIdentity();
  EXPECT_EQ(Exchange(kHealth, &stranger), "");
  const Identity known = testing::MakeIdentity(&authority);
  EXPECT_THAT(Exchange(kHealth, &known), StartsWith("HTTP/1.1 200"));
}

TEST_F(TlsBridgeTest, WhatIsNoTlsIsClosedAndHarmsNobody) {
  Serve();
  tcp::socket plain(io_);
  Connect(plain);
  net::write(plain, net::buffer(std::string(kHealth)));
  std::string reply;
  error_code end;
  net::read(plain, net::dynamic_buffer(reply), end);
  EXPECT_TRUE(end);
  EXPECT_EQ(reply.find("HTTP/1.1 200"), std::string::npos);
  EXPECT_THAT(Exchange(kHealth), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace citeseek::http
