#include "services/http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "services/http/error.h"
#include "tests/support/http_harness.h"
#include "tests/support/shortest.h"

namespace citeseek::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Cancellation reaches the bottom within 100 ms.
constexpr absl::Duration kSoon = absl::Milliseconds(100);
constexpr char kBlockWhole[] = R"({"question":"block","stream":false})";
constexpr char kBlock[] = R"({"question":"block"})";
constexpr char kAbcKey[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(HttpServer, OneConnectionServesRequestsThatComeAtOnce) {
  HttpHarness http;
  HttpClient client(http.address());
  client.Request("GET", "/healthz");
  client.Request("GET", "/nope");
  client.Request("POST", "/api/v1/ask", R"({"question":"q","stream":false})");
  client.Request("GET", "/readyz");
  EXPECT_EQ(client.ReadReply().status, 200);
  EXPECT_EQ(client.ReadReply().status, 404);
  EXPECT_THAT(client.ReadReply().body, HasSubstr("It is so [1]."));
  EXPECT_THAT(client.ReadReply().body, HasSubstr("ready"));
}

TEST(HttpServer, ReadinessSaysWhatIsWrong) {
  HttpHarness http;
  http.ready = absl::InternalError("no disk");
  const HttpReply reply = http.Get("/readyz");
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, HasSubstr("no disk"));
  EXPECT_EQ(http.Get("/healthz").status, 200);
}

TEST(HttpServer, UnknownPathsAndMethodsAreNamed) {
  HttpHarness http;
  const HttpReply path = http.Get("/a%20b\x01");
  EXPECT_EQ(path.status, 400);
  EXPECT_THAT(http.Get("/a%20b%0A").body, HasSubstr("no such path: /a b?"));
  const HttpReply method = Fetch(http.address(), "DELETE", "/api/v1/search");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.headers.at("allow"), "GET, POST");
  EXPECT_THAT(method.body, HasSubstr("method DELETE is not one of GET, POST"));
  const HttpReply openai = http.Get("/v1/nope");
  EXPECT_EQ(openai.status, 404);
  EXPECT_THAT(openai.body, HasSubstr(R"("type":"invalid_request_error")"));
}

TEST(HttpServer, WrongBodiesAreNamedWithTheirLimits) {
  HttpHarness http({.max_body_bytes = 1000});
  const HttpReply type = http.Post("/api/v1/ask", "question=x",
                                   {{"Content-Type", "application/x-www-form-urlencoded"}});
  EXPECT_EQ(type.status, 415);
  EXPECT_THAT(type.body, HasSubstr("'application/x-www-form-urlencoded' is not application/json"));
  const HttpReply big = http.Post("/api/v1/ask", std::string(1001, ' '));
  EXPECT_EQ(big.status, 413);
  EXPECT_THAT(big.body, HasSubstr("body of 1001 bytes is longer than the limit of 1000 bytes"));
  EXPECT_EQ(http.Post("/api/v1/ask", "{").status, 400);
  EXPECT_EQ(http.Post("/api/v1/ask", "").status, 400);

  HttpClient chunks(http.address());
  chunks.Send(
      "POST /api/v1/ask HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 11; ++i) chunks.Send("64\r\n" + std::string(100, ' ') + "\r\n");
  EXPECT_EQ(chunks.ReadReply().status, 413);

  HttpClient expects(http.address());
  expects.Send(
      "POST /api/v1/ask HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Content-Length: 5000000\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(expects.ReadReply().status, 413);  // before any of it is sent
}

TEST(HttpServer, ABodyIsAskedForWhenTheClientWaits) {
  HttpHarness http;
  HttpClient client(http.address());
  const std::string body = R"({"question":"q","stream":false})";
  client.Send(
      "POST /api/v1/ask HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Content-Length: " +
      std::to_string(body.size()) + "\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 100"));
  client.Send(body);
  EXPECT_EQ(client.ReadReply().status, 200);
}

TEST(HttpServer, WhatIsNoHttpIsRefusedAndClosed) {
  HttpHarness http;
  for (const char* bytes :
       {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "GET /\r\n\r\n",
        "GET / HTTP/1.1\r\nbad header\r\n\r\n"}) {
    HttpClient client(http.address());
    client.Send(bytes);
    EXPECT_EQ(client.ReadReply().status, 400) << bytes;
    EXPECT_TRUE(client.ClosedByServer());
  }
  HttpClient client(http.address());
  client.Send("GET / HTTP/1.1\r\nx: " + std::string(20000, 'y'));
  const HttpReply reply = client.ReadReply();
  EXPECT_EQ(reply.status, 431);
  EXPECT_THAT(reply.body, HasSubstr("longer than the limit of 16384"));
  EXPECT_EQ(http.Get("/healthz").status, 200);
}

TEST(HttpServer, ASlowHeaderOrBodyIsToldItsTime) {
  HttpHarness http({.header_timeout = absl::Milliseconds(30),
                    .body_timeout = absl::Milliseconds(40),
                    .idle_timeout = absl::Milliseconds(50)});
  HttpClient header(http.address());
  header.Send("GET /healthz HTTP/1.1\r\n");
  const HttpReply late = header.ReadReply();
  EXPECT_EQ(late.status, 408);
  EXPECT_THAT(late.body, HasSubstr("header of the request was not whole within 30ms"));
  HttpClient body(http.address());
  body.Send(
      "POST /api/v1/ask HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
      "Content-Length: 100\r\n\r\n{");
  EXPECT_THAT(body.ReadReply().body, HasSubstr("body of the request was not whole within 40ms"));
  HttpClient idle(http.address());
  EXPECT_TRUE(idle.ClosedByServer());
}

TEST(HttpServer, ADisconnectCancelsWithin100Milliseconds) {
  for (const char* body : {kBlock, kBlockWhole}) {
    const auto disconnect = [&] {
      HttpHarness http;
      HttpClient client(http.address());
      client.Request("POST", "/api/v1/ask", body);
      http.answerer.script.AwaitBlocked();
      const absl::Time left = absl::Now();
      client.Close();
      http.answerer.script.AwaitReleased();
      EXPECT_GE(http.answerer.script.stopped_at(), left);
      return http.answerer.script.stopped_at() - left;
    };
    EXPECT_LT(Shortest(kSoon, disconnect), kSoon);
  }
  HttpHarness http;
  HttpClient search(http.address());
  search.Request("GET", "/api/v1/search?q=block");
  http.retriever.script.AwaitBlocked();
  search.Close();
  http.retriever.script.AwaitReleased();
}

TEST(HttpServer, WhoHasClosedTheirSideIsStillAnswered) {
  HttpHarness http({.heartbeat = absl::Milliseconds(10)});
  HttpClient client(http.address());
  client.Request("GET", "/api/v1/search?q=x");
  client.Request("POST", "/api/v1/ask", R"({"question":"q","stream":false})");
  client.HalfClose();
  EXPECT_EQ(client.ReadReply().status, 200);
  EXPECT_THAT(client.ReadReply().body, HasSubstr("It is "));
  EXPECT_TRUE(client.ClosedByServer());
  // While it takes its time, there are signs by which one who has gone is found out.
  for (const char* body : {kBlock, kBlockWhole}) {
    const auto disconnect = [&] {
      HttpHarness slow({.heartbeat = absl::Milliseconds(10)});
      HttpClient waiting(slow.address());
      waiting.Request("POST", "/api/v1/ask", body);
      slow.answerer.script.AwaitBlocked();
      waiting.HalfClose();
      const bool whole = body == kBlockWhole;
      const char* sign = whole ? "HTTP/1.1 100 Continue\r\n\r\n" : ": ping\n\n";
      for (int i = 0; i < 3; ++i) EXPECT_THAT(waiting.ReadUntil(sign), HasSubstr(sign));
      EXPECT_EQ(slow.answerer.script.stopped_at(), absl::UnixEpoch());
      const absl::Time left = absl::Now();
      waiting.Close();
      slow.answerer.script.AwaitReleased();
      return slow.answerer.script.stopped_at() - left;
    };
    EXPECT_LT(Shortest(kSoon, disconnect), kSoon);
  }
}

TEST(HttpServer, ASilentStreamIsKeptOpenAndBytesSentAheadAreNoDisconnect) {
  HttpHarness http({.heartbeat = absl::Milliseconds(10)});
  HttpClient client(http.address());
  client.Request("POST", "/api/v1/ask", kBlock);
  http.answerer.script.AwaitBlocked();
  client.Request("GET", "/healthz");
  for (int i = 0; i < 3; ++i) EXPECT_THAT(client.ReadUntil(": ping\n\n"), HasSubstr(": ping"));
  EXPECT_EQ(http.answerer.script.stopped_at(), absl::UnixEpoch());
}

TEST(HttpServer, WhatWaitsForItsTurnHasAStreamAndWhatIsTooMuchIsTold) {
  HttpHarness http({.line_workers = 1, .queue_limit = 1, .heartbeat = absl::Milliseconds(10)});
  HttpClient running(http.address()), waiting(http.address());
  running.Request("POST", "/api/v1/ask", kBlock);
  http.answerer.script.AwaitBlocked();
  waiting.Request("POST", "/api/v1/ask", R"({"question":"q"})");
  EXPECT_THAT(waiting.ReadUntil(": ping"), StartsWith("HTTP/1.1 200 OK"));
  const HttpReply refused = http.Post(
      "/v1/chat/completions", R"({"model":"citeseek","messages":[{"role":"user","content":"q"}]})");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers.at("retry-after"), "1");
  EXPECT_THAT(refused.body, HasSubstr(R"("code":"overloaded")"));
  EXPECT_THAT(refused.body, HasSubstr("1 requests are waiting, the limit"));
  EXPECT_EQ(http.Get("/api/v1/search?q=x").status, 200);  // does not wait behind answers
  running.Close();
  EXPECT_THAT(waiting.ReadUntil("finished"), HasSubstr("It is "));
}

TEST(HttpServer, AReaderWhoTakesNothingIsCutAndCostsLittle) {
  http::ServerOptions options{.write_timeout = absl::Milliseconds(100)};
  std::atomic<int> pieces = 0;
  std::atomic<bool> ended = false;
  options.routes.push_back(
      {"GET", "/flood", &http::kApiDialect,
       [&](const http::Request&) -> absl::StatusOr<http::Outcome> {
         return http::Work{.stream_type = http::kSseType,
                           .run = [&](const http::Push& push) -> absl::StatusOr<std::string> {
                             while (push(std::string(16 << 10, 'x'))) ++pieces;
                             ended = true;
                             return absl::CancelledError("gone");
                           }};
       }});
  HttpHarness http(std::move(options));
  HttpClient client(http.address());
  client.Request("GET", "/flood");
  const std::string head = client.ReadUntil("\r\n\r\n");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200"));
  http.server->Shutdown(absl::Now() + absl::Seconds(10));
  EXPECT_TRUE(ended);
  // What the systems buffer on both sides, and our 64 KiB.
  EXPECT_LT(pieces, 10 << 6);
}

TEST(HttpServer, KeysAreAskedForWhereTheyAreSet) {
  const auto keys = *http::Keys::Make({{.name = "a", .sha256 = kAbcKey, .requests_per_minute = 2}});
  HttpHarness http({.keys = keys.get()});
  EXPECT_EQ(http.Get("/healthz").status, 200);
  const HttpReply none = http.Get("/v1/models");
  EXPECT_EQ(none.status, 401);
  EXPECT_THAT(none.body, HasSubstr(R"("code":"invalid_api_key")"));
  EXPECT_EQ(http.Get("/v1/models", {{"Authorization", "Bearer wrong"}}).status, 401);
  const HttpHeaders good = {{"Authorization", "Bearer abc"}};
  EXPECT_EQ(http.Get("/v1/models", good).headers.at("x-ratelimit-remaining-requests"), "1");
  EXPECT_EQ(http.Get("/v1/models", good).status, 200);
  const HttpReply limited = http.Get("/v1/models", good);
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.headers.at("retry-after"), "30");
  EXPECT_THAT(limited.body, HasSubstr(R"("code":"rate_limit_exceeded")"));
}

TEST(HttpServer, PagesOfNamedOriginsMayCall) {
  HttpHarness http({.cors = {"https://app.example"}});
  const HttpReply preflight =
      Fetch(http.address(), "OPTIONS", "/v1/chat/completions", "",
            {{"Origin", "https://app.example"},
             {"Access-Control-Request-Method", "POST"},
             {"Access-Control-Request-Headers", "authorization,x-stainless-os"}});
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.headers.at("access-control-allow-origin"), "https://app.example");
  EXPECT_EQ(preflight.headers.at("access-control-allow-headers"), "authorization,x-stainless-os");
  EXPECT_EQ(http.Get("/healthz", {{"Origin", "https://app.example"}})
                .headers.at("access-control-allow-origin"),
            "https://app.example");
  EXPECT_FALSE(http.Get("/healthz", {{"Origin", "https://evil.example"}})
                   .headers.contains("access-control-allow-origin"));
  EXPECT_FALSE(HttpHarness()
                   .Get("/healthz", {{"Origin", "https://app.example"}})
                   .headers.contains("access-control-allow-origin"));
}

TEST(HttpServer, RequestsAreObservedByRouteAndId) {
  HttpHarness http;
  EXPECT_EQ(http.Get("/api/v1/documents/none",
                     {{"X-Request-Id", "abc-1"},
                      {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}})
                .headers.at("x-request-id"),
            "abc-1");
  http.server->Shutdown(absl::Now() + absl::Seconds(10));
  ASSERT_EQ(http.records().size(), 1u);
  EXPECT_EQ(http.records()[0].method, "GET /api/v1/documents/*");
  EXPECT_EQ(http.records()[0].request_id, "abc-1");
  EXPECT_EQ(http.records()[0].trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_TRUE(absl::IsNotFound(http.records()[0].status));
}

TEST(HttpServer, ShutdownLetsAnswersFinishAndCancelsTheRest) {
  HttpHarness http;
  HttpClient idle(http.address()), running(http.address());
  idle.Request("GET", "/healthz");
  idle.ReadReply();
  running.Request("POST", "/api/v1/ask", kBlock);
  http.answerer.script.AwaitBlocked();
  http.server->Drain();
  EXPECT_TRUE(idle.ClosedByServer());
  const absl::Time start = absl::Now();
  http.server->Shutdown(start + absl::Milliseconds(50));
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(50));
  EXPECT_THAT(running.ReadUntil("event: error"), HasSubstr("queued"));
  EXPECT_EQ(Fetch(http.address(), "GET", "/healthz").status, 0);
}

TEST(HttpServer, ManyConnectionsNeedFewThreads) {
  HttpHarness http({.line_workers = 2, .queue_limit = 1000});
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<HttpClient>(http.address()));
    clients.back()->Request("POST", "/api/v1/ask", kBlock);
  }
  http.answerer.script.AwaitBlocked(2);
  const std::filesystem::directory_iterator threads("/proc/self/task");
  EXPECT_LT(std::distance(begin(threads), end(threads)), 40);
}

TEST(HttpServer, AnAddressInUseIsNamed) {
  HttpHarness http;
  const auto second = http::Server::Start({.listen = http.address()});
  EXPECT_TRUE(absl::IsUnavailable(second.status()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("another process listens there"));
  EXPECT_FALSE(http::Server::Start({.listen = "nowhere"}).ok());
}

}  // namespace
}  // namespace citeseek::testing
