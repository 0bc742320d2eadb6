// The Connect protocol over a real socket, byte by byte; tests/clients has the official client.
#include "services/http/connect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "citeseek/v1/gateway.pb.h"
#include "citeseek/v1/retrieval.pb.h"
#include "tests/support/http_harness.h"

namespace citeseek::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

constexpr char kSearch[] = "/citeseek.v1.Retrieval/Search";
constexpr char kGet[] = "/citeseek.v1.Indexer/Get";
constexpr char kAsk[] = "/citeseek.v1.Gateway/Ask";
const HttpHeaders kProto = {{"Content-Type", "application/proto"}};
const HttpHeaders kStreamJson = {{"Content-Type", "application/connect+json"}};
const HttpHeaders kStreamProto = {{"Content-Type", "application/connect+proto"}};

std::string Envelope(const std::string& message, char flags = 0) {
  std::string bytes(1, flags);
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(message.size() >> shift);
  return bytes + message;
}

struct Frame {
  int flags = 0;
  std::string message;
};

std::vector<Frame> Frames(std::string_view body) {
  std::vector<Frame> frames;
  while (body.size() >= 5) {
    std::size_t size = 0;
    for (int i = 1; i < 5; ++i) size = size << 8 | static_cast<unsigned char>(body[i]);
    frames.push_back({body[0], std::string(body.substr(5, size))});
    body.remove_prefix(5 + size);
  }
  return frames;
}

class HttpConnect : public ::testing::Test {
 protected:
  HttpHarness http_{{}, {http::ConnectRoutes}};
};

TEST_F(HttpConnect, AUnaryCallIsAnsweredInItsOwnEncoding) {
  const HttpReply json = http_.Post(kSearch, R"({"text":"q","topK":2})");
  EXPECT_EQ(json.status, 200);
  EXPECT_EQ(json.headers.at("content-type"), "application/json");
  EXPECT_EQ(Json::parse(json.body)["hits"][1]["documentId"], "doc-1");
  v1::SearchRequest request;
  request.set_text("q");
  request.set_top_k(3);
  const HttpReply binary = http_.Post(kSearch, request.SerializeAsString(), kProto);
  EXPECT_EQ(binary.headers.at("content-type"), "application/proto");
  v1::SearchResponse response;
  ASSERT_TRUE(response.ParseFromString(binary.body));
  EXPECT_EQ(response.hits_size(), 3);
  EXPECT_EQ(response.hits(0).text(), std::string("nul\0inside", 10));
}

TEST_F(HttpConnect, DocumentsAreGot) {
  const indexer::Document document = {.id = "a", .title = "T", .text = "text"};
  ASSERT_TRUE(http_.indexer.Add({.documents = {&document, 1}}).ok());
  const Json json = Json::parse(http_.Post(kGet, R"({"key":{"id":"a"}})").body);
  EXPECT_EQ(json["document"]["text"], "text");
  EXPECT_EQ(json["version"], "1");
}

TEST_F(HttpConnect, ErrorsOfUnaryCallsHaveTheProtocolsCodes) {
  struct Case {
    const char* path;
    const char* body;
    int status;
    const char* code;
  };
  const Case cases[] = {{kGet, R"({"key":{"id":"none"}})", 404, "not_found"},
                        {kSearch, R"({"text":"fail 8"})", 429, "resource_exhausted"},
                        {kSearch, R"({"text":"fail 1"})", 499, "canceled"},
                        {kSearch, R"({"text":"fail 14"})", 503, "unavailable"},
                        {kSearch, R"({"text":7})", 400, "invalid_argument"},
                        {kSearch, R"({"text)", 400, "invalid_argument"}};
  for (const Case& c : cases) {
    const HttpReply reply = http_.Post(c.path, c.body);
    EXPECT_EQ(reply.status, c.status) << c.body;
    EXPECT_EQ(Json::parse(reply.body)["code"], c.code) << c.body;
  }
  EXPECT_EQ(http_.Post(kSearch, "\xff\xff", kProto).status, 400);
  EXPECT_EQ(http_.Post(kSearch, "{}", {{"Content-Type", "text/plain"}}).status, 415);
  EXPECT_EQ(http_.Post(kSearch, "{}", {{"Content-Encoding", "gzip"}}).status, 501);
  EXPECT_EQ(http_.Post(kSearch, "{}", {{"Connect-Protocol-Version", "2"}}).status, 400);
  EXPECT_EQ(http_.Post(kSearch, "{}", {{"Connect-Timeout-Ms", "soon"}}).status, 400);
  EXPECT_EQ(http_.Get(kSearch).status, 405);
}

TEST_F(HttpConnect, AStreamIsMessagesAndAnEnd) {
  const HttpReply reply = http_.Post(kAsk, Envelope(R"({"text":"q","topK":2})"), kStreamJson);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-type"), "application/connect+json");
  const std::vector<Frame> frames = Frames(reply.body);
  ASSERT_EQ(frames.size(), 11u);
  EXPECT_EQ(Json::parse(frames[1].message)["part"]["state"], "STATE_SEARCHING_AGAIN");
  EXPECT_EQ(Json::parse(frames[4].message)["answer"], "It is ");
  const Json finished = Json::parse(frames[9].message)["finished"];
  EXPECT_EQ(finished["text"], "It is so [1].");
  EXPECT_EQ(finished["receipt"]["requestId"], reply.headers.at("x-request-id"));
  EXPECT_EQ(frames[10].flags, 2);
  EXPECT_EQ(frames[10].message, "{}");

  v1::AskRequest request;
  request.set_text("q");
  const std::vector<Frame> binary =
      Frames(http_.Post(kAsk, Envelope(request.SerializeAsString()), kStreamProto).body);
  ASSERT_EQ(binary.size(), 11u);
  v1::AskResponse response;
  ASSERT_TRUE(response.ParseFromString(binary[9].message));
  EXPECT_EQ(response.finished().text(), "It is so [1].");
}

TEST_F(HttpConnect, ErrorsOfAStreamAreItsEnd) {
  struct Case {
    std::string body;
    const char* code;
  };
  const Case cases[] = {{Envelope(R"({"text":"fail 3"})"), "invalid_argument"},
                        {Envelope("{}", 1), "unimplemented"},
                        {Envelope("{}") + "x", "invalid_argument"},
                        {"{}", "invalid_argument"},
                        {Envelope("{"), "invalid_argument"}};
  for (const Case& c : cases) {
    const HttpReply reply = http_.Post(kAsk, c.body, kStreamJson);
    EXPECT_EQ(reply.status, 200);
    const std::vector<Frame> frames = Frames(reply.body);
    ASSERT_GE(frames.size(), 1u);
    EXPECT_EQ(frames.back().flags, 2);
    EXPECT_EQ(Json::parse(frames.back().message)["error"]["code"], c.code) << c.body;
  }
}

TEST_F(HttpConnect, ATimeoutIsADeadline) {
  HttpHeaders headers = kStreamJson;
  headers.emplace_back("Connect-Timeout-Ms", "30");
  const HttpReply reply = http_.Post(kAsk, Envelope(R"({"text":"block"})"), headers);
  EXPECT_THAT(Frames(reply.body).back().message, HasSubstr("deadline_exceeded"));
  const HttpReply unary =
      http_.Post(kSearch, R"({"text":"block"})", {{"Connect-Timeout-Ms", "30"}});
  EXPECT_EQ(unary.status, 504);
}

}  // namespace
}  // namespace citeseek::testing
