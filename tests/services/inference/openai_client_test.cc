#include "services/inference/openai_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/openai_server.h"
#include "tests/support/shortest.h"
#include "tests/support/temp_directory.h"

namespace citeseek::services {
namespace {

using inference::Piece;
using ::testing::AllOf;
using testing::GoodReply;
using ::testing::HasSubstr;
using testing::OpenAiServer;
using testing::ServerReply;

struct Said {
  absl::StatusOr<inference::Finish> finish = absl::UnknownError("not asked");
  std::string text, thought;
};

Said Ask(const OpenAiOptions& options, inference::GenerateRequest request = {}) {
  auto client = ConnectOpenAi(options);
  EXPECT_TRUE(client.ok()) << client.status();
  if (request.messages.empty()) request.messages = {{.text = "hello"}};
  Said said;
  said.finish = (*client)->Generate(request, [&](const Piece& piece) {
    (piece.kind == Piece::Kind::kThought ? said.thought : said.text) += piece.text;
    return true;
  });
  return said;
}

OpenAiOptions To(const OpenAiServer& server) {
  return {.url = server.url(), .model = "m", .api_key = "sk-1"};
}

TEST(OpenAiClient, StreamsTextAndThoughtsAndReportsTheUsage) {
  ServerReply reply = GoodReply({"Hel", "lo 汉"});
  reply.chunks.insert(reply.chunks.begin(), {.bytes = testing::ThoughtEvent("think ")});
  reply.chunks.insert(reply.chunks.begin(), {.bytes = testing::ThoughtEvent("hm, ", "reasoning")});
  const OpenAiServer server(reply);
  const Said said = Ask(To(server));
  ASSERT_TRUE(said.finish.ok()) << said.finish.status();
  EXPECT_EQ(said.text, "Hello 汉");
  EXPECT_EQ(said.thought, "hm, think ");
  EXPECT_EQ(said.finish->prompt_tokens, 11);
  EXPECT_EQ(said.finish->completion_tokens, 7);
  EXPECT_EQ(said.finish->model, "test-model");
  EXPECT_EQ(said.finish->reason, inference::FinishReason::kStop);
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].target, "/v1/chat/completions");
  EXPECT_EQ(requests[0].authorization, "Bearer sk-1");
  EXPECT_EQ(nlohmann::json::parse(requests[0].body)["messages"][0]["content"], "hello");
}

TEST(OpenAiClient, ReadsAStreamCutAnywhereWithAnyLineEnds) {
  std::string whole;
  for (const testing::ReplyChunk& chunk : GoodReply({"Gr", "üße 汉字"}).chunks) {
    whole += ": ping\r\n" + chunk.bytes;
  }
  for (std::size_t size : {1, 3, 7}) {
    ServerReply reply;
    for (std::size_t i = 0; i < whole.size(); i += size) {
      reply.chunks.push_back({.bytes = whole.substr(i, size)});
    }
    const OpenAiServer server(reply);
    EXPECT_EQ(Ask(To(server)).text, "Grüße 汉字");
  }
}

TEST(OpenAiClient, ReadsAReplyThatIsNotStreamed) {
  const OpenAiServer server(ServerReply{
      .content_type = "application/json",
      .chunks = {{.bytes = R"({"model":"x","choices":[{"message":{"content":"all",)"},
                 {.bytes = R"("reasoning_content":"t"},"finish_reason":"length"}]})"}}});
  const Said said = Ask(To(server));
  ASSERT_TRUE(said.finish.ok()) << said.finish.status();
  EXPECT_EQ(said.text, "all");
  EXPECT_EQ(said.thought, "t");
  EXPECT_EQ(said.finish->reason, inference::FinishReason::kLength);
}

TEST(OpenAiClient, PassesTheServersErrorsOn) {
  const std::pair<int, absl::StatusCode> kCodes[] = {
      {400, absl::StatusCode::kInvalidArgument},   {401, absl::StatusCode::kUnauthenticated},
      {403, absl::StatusCode::kPermissionDenied},  {404, absl::StatusCode::kNotFound},
      {429, absl::StatusCode::kResourceExhausted}, {500, absl::StatusCode::kUnavailable},
      {503, absl::StatusCode::kUnavailable}};
  for (const auto& [http, code] : kCodes) {
    const OpenAiServer server(ServerReply{.status = http,
                                          .content_type = "application/json",
                                          .chunks = {{R"({"error":{"message":"because"}})"}}});
    const Said said = Ask(To(server));
    EXPECT_EQ(said.finish.status().code(), code);
    EXPECT_THAT(
        std::string(said.finish.status().message()),
        AllOf(HasSubstr(std::to_string(http)), HasSubstr("because"), HasSubstr("127.0.0.1:")));
  }
}

TEST(OpenAiClient, AnEndlessErrorIsCutOff) {
  ServerReply reply{.status = 500, .end = ServerReply::End::kSilent};
  for (int i = 0; i < 8; ++i) reply.chunks.push_back({.bytes = std::string(20000, 'x')});
  const OpenAiServer server(reply);
  EXPECT_LT(Ask(To(server)).finish.status().message().size(), 1000u);
}

TEST(OpenAiClient, SaysWhenTheServerDiesMidStream) {
  const OpenAiServer server(ServerReply{.chunks = {{testing::TextEvent("half an ans")}},
                                        .end = ServerReply::End::kAbort});
  const Said said = Ask(To(server));
  EXPECT_EQ(said.text, "half an ans");
  EXPECT_EQ(said.finish.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(said.finish.status().message()), HasSubstr("closed the connection"));
  const OpenAiServer early(ServerReply{.chunks = {{testing::TextEvent("half")}}});
  EXPECT_THAT(std::string(Ask(To(early)).finish.status().message()),
              HasSubstr("without a finish_reason"));
}

TEST(OpenAiClient, SaysWhenNobodyListens) {
  std::string url;
  {
    const OpenAiServer server(ServerReply{});
    url = server.url();
  }
  const Said said = Ask({.url = url, .model = "m"});
  EXPECT_EQ(said.finish.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(said.finish.status().message()), HasSubstr("while connecting"));
}

TEST(OpenAiClient, GivesASilentServerUp) {
  const OpenAiServer server(ServerReply{.end = ServerReply::End::kSilent});
  OpenAiOptions options = To(server);
  options.idle_timeout = absl::Milliseconds(50);
  EXPECT_EQ(Ask(options).finish.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_LT(server.AwaitClosedByClient(), absl::InfiniteFuture());
  inference::GenerateRequest request{.deadline = absl::Now() + absl::Milliseconds(50)};
  EXPECT_EQ(Ask(To(server), request).finish.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_LT(server.AwaitClosedByClient(2), absl::InfiniteFuture());
}

TEST(OpenAiClient, AServerThatWasQuickIsNotWaitedForAsASlowOneIs) {
  std::atomic<bool> hangs = false;
  const OpenAiServer server([&](const testing::SeenRequest&) {
    return hangs ? ServerReply{.end = ServerReply::End::kSilent} : testing::GoodReply({"yes"});
  });
  OpenAiOptions options = To(server);
  options.idle_timeout = absl::Minutes(2);
  options.least_idle_timeout = absl::Milliseconds(50);
  auto client = ConnectOpenAi(options);
  ASSERT_TRUE(client.ok());
  const auto ask = [&] {
    return (*client)
        ->Generate({.messages = {{.text = "q"}}}, [](const Piece&) { return true; })
        .status();
  };
  ASSERT_TRUE(ask().ok());
  hangs = true;
  EXPECT_THAT(std::string(ask().message()), HasSubstr("said nothing for "));
}

TEST(OpenAiClient, CancellingClosesTheConnectionAtOnce) {
  constexpr absl::Duration kSoon = absl::Milliseconds(100);
  const auto cancel = [] {
    const OpenAiServer server(
        ServerReply{.chunks = {{testing::TextEvent("first")}}, .end = ServerReply::End::kSilent});
    auto client = ConnectOpenAi(To(server));
    std::stop_source stop;
    absl::Time stopped;
    std::jthread stopper;
    const auto finish = (*client)->Generate({.messages = {{.text = "q"}}, .stop = stop.get_token()},
                                            [&](const Piece&) {
                                              // From another thread, as callers do, while this call
                                              // waits for the next piece.
                                              stopper = std::jthread([&] {
                                                stopped = absl::Now();
                                                stop.request_stop();
                                              });
                                              return true;
                                            });
    const absl::Time returned = absl::Now();
    EXPECT_EQ(finish.status().code(), absl::StatusCode::kCancelled);
    stopper.join();
    return std::max(returned, server.AwaitClosedByClient()) - stopped;
  };
  EXPECT_LT(testing::Shortest(kSoon, cancel), kSoon);
}

TEST(OpenAiClient, ASinkThatLeavesCancels) {
  const OpenAiServer server(
      ServerReply{.chunks = {{testing::TextEvent("first")}}, .end = ServerReply::End::kSilent});
  auto client = ConnectOpenAi(To(server));
  const auto finish =
      (*client)->Generate({.messages = {{.text = "q"}}}, [](const Piece&) { return false; });
  EXPECT_EQ(finish.status().code(), absl::StatusCode::kCancelled);
  EXPECT_LT(server.AwaitClosedByClient(), absl::InfiniteFuture());
}

TEST(OpenAiClient, ServesManyCallsAtOnce) {
  const OpenAiServer server(GoodReply({"a", "b", "c"}));
  auto client = ConnectOpenAi(To(server));
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      std::string text;
      const auto finish =
          (*client)->Generate({.messages = {{.text = "q"}}}, [&](const Piece& piece) {
            text += piece.text;
            return true;
          });
      EXPECT_TRUE(finish.ok()) << finish.status();
      EXPECT_EQ(text, "abc");
    });
  }
}

TEST(OpenAiClient, VerifiesTheServersCertificate) {
  const OpenAiServer server([](const testing::SeenRequest&) { return GoodReply({"secret"}); },
                            /*tls=*/true);
  OpenAiOptions options = To(server);
  const Said unknown = Ask(options);  // self-signed, and not among the system's authorities
  EXPECT_EQ(unknown.finish.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(unknown.finish.status().message()), HasSubstr("certificate"));
  EXPECT_TRUE(server.requests().empty());
  const TempDirectory directory;
  options.ca_file = directory.Write("ca.pem", server.certificate());
  const Said trusted = Ask(options);
  EXPECT_TRUE(trusted.finish.ok()) << trusted.finish.status();
  EXPECT_EQ(trusted.text, "secret");
  options.url.replace(options.url.find("127.0.0.1"), 9, "localhost");
  EXPECT_FALSE(Ask(options).finish.ok());  // the certificate names 127.0.0.1 only
}

TEST(OpenAiClient, RefusesBadOptions) {
  const auto message = [](const OpenAiOptions& options) {
    return std::string(ConnectOpenAi(options).status().message());
  };
  EXPECT_EQ(message({.url = "ftp://x", .model = "m"}),
            "model server url ftp://x does not start with http:// or https://");
  EXPECT_EQ(message({.url = "http://x:99999/v1", .model = "m"}),
            "model server url http://x:99999/v1 has a port that is not in [1, 65535]");
  EXPECT_EQ(message({.url = "http:///v1", .model = "m"}),
            "model server url http:///v1 names no host");
  EXPECT_EQ(message({.url = "http://x"}), "model name is empty");
  EXPECT_EQ(message({.url = "http://x", .model = "m", .api_key = "a\r\nb: c"}),
            "api key holds a line break");
  EXPECT_TRUE(ConnectOpenAi({.url = "http://[::1]:80/v1/", .model = "m"}).ok());
}

}  // namespace
}  // namespace citeseek::services
