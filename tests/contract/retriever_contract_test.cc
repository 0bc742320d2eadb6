#include <tuple>

#include "services/retrieval/client.h"
#include "services/retrieval/server.h"
#include "tests/contract/contract.h"

namespace citeseek::testing {
namespace {

using retrieval::Hit;
using retrieval::Query;

auto Fields(const Hit& h) {
  return std::tie(h.document_id, h.collection, h.passage_id, h.version, h.title, h.uri, h.start,
                  h.end, h.text, h.score, h.lexical_score, h.dense_score);
}

class RetrieverContract : public ::testing::TestWithParam<Place> {
 protected:
  FakeRetriever fake_;
  std::unique_ptr<grpc::Service> service_ = services::MakeRetrievalServer(&fake_, {});
  GrpcServer server_{{service_.get()}};
  std::unique_ptr<retrieval::Retriever> client_ = services::ConnectRetriever(server_.channel());
  retrieval::Retriever& retriever_ =
      GetParam() == Place::kLocal ? static_cast<retrieval::Retriever&>(fake_) : *client_;
};
INSTANTIATE_TEST_SUITE_P(, RetrieverContract, kPlaces, PlaceName);

TEST_P(RetrieverContract, EveryFieldOfAResultArrives) {
  const auto direct = fake_.Search({.text = "x", .top_k = 3});
  const auto result = retriever_.Search({.text = "x", .top_k = 3});
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(result->hits.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(Fields(result->hits[i]), Fields(direct->hits[i]));
  EXPECT_EQ(result->generation, 99u);
  EXPECT_EQ(result->degraded, "embedder gone");
  EXPECT_EQ(result->stats.analyze, absl::Nanoseconds(1));
  EXPECT_EQ(result->stats.lexical, absl::Nanoseconds(2));
  EXPECT_EQ(result->stats.dense, absl::Nanoseconds(3));
  EXPECT_EQ(result->stats.fuse, absl::Nanoseconds(4));
  EXPECT_EQ(result->stats.fetch, absl::Nanoseconds(5));
}

TEST_P(RetrieverContract, EveryFieldOfAQueryArrives) {
  for (const auto legs :
       {retrieval::Legs::kHybrid, retrieval::Legs::kLexical, retrieval::Legs::kDense}) {
    ASSERT_TRUE(retriever_
                    .Search({.text = "问 题",
                             .top_k = 0,
                             .collection = "c",
                             .filters = {{"lang", "en"}, {"年", "2024"}},
                             .legs = legs,
                             .each_passage = legs == retrieval::Legs::kDense,
                             .min_generation = 12345678901})
                    .ok());
    EXPECT_EQ(fake_.last.text, "问 题");
    EXPECT_EQ(fake_.last.top_k, 0);
    EXPECT_EQ(fake_.last.collection, "c");
    ASSERT_EQ(fake_.last.filters.size(), 2u);
    EXPECT_EQ(fake_.last.filters[1].field, "年");
    EXPECT_EQ(fake_.last.filters[1].value, "2024");
    EXPECT_EQ(fake_.last.legs, legs);
    EXPECT_EQ(fake_.last.each_passage, legs == retrieval::Legs::kDense);
    EXPECT_EQ(fake_.last.min_generation, 12345678901u);
  }
}

TEST_P(RetrieverContract, PlacesAreReadInOrderWithoutThoseThatAreGone) {
  const auto result = retriever_.Read(
      {.places = {{"a", "小集", 7000000001, 5, 9}, {"gone", "c", 1, 0, 1}, {"b", "c", 2, 0, 3}},
       .collection = "c",
       .filters = {{"年", "2024"}},
       .min_generation = 12345678901});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->generation, 98u);
  ASSERT_EQ(result->hits.size(), 2u);
  const Hit expected = {.document_id = "a",
                        .collection = "小集",
                        .passage_id = "a#2",
                        .version = 7000000001,
                        .title = "标题",
                        .uri = "u",
                        .start = 5,
                        .end = 9,
                        .text = "text"};
  EXPECT_EQ(Fields(result->hits[0]), Fields(expected));
  EXPECT_EQ(result->hits[1].document_id, "b");
  EXPECT_EQ(fake_.last_read.collection, "c");
  ASSERT_EQ(fake_.last_read.filters.size(), 1u);
  EXPECT_EQ(fake_.last_read.filters[0].value, "2024");
  EXPECT_EQ(fake_.last_read.min_generation, 12345678901u);
}

TEST_P(RetrieverContract, AReadsStatusAndDeadlineCross) {
  ExpectEveryStatusCrosses(
      [&](const std::string& script) { return retriever_.Read({.collection = script}).status(); });
  ExpectKeepsDeadline([&](absl::Time deadline) {
    return retriever_.Read({.collection = "block", .deadline = deadline}).status();
  });
}

TEST_P(RetrieverContract, StatusCodesAndMessagesArriveUnchanged) {
  ExpectEveryStatusCrosses(
      [&](const std::string& script) { return retriever_.Search({.text = script}).status(); });
}

TEST_P(RetrieverContract, CancellingReachesTheBottomWithin100Ms) {
  ExpectCancelsWithin100Ms(fake_.script, [&](std::stop_token stop) {
    return retriever_.Search({.text = "block", .stop = stop}).status();
  });
}

TEST_P(RetrieverContract, DeadlinesAreKept) {
  ExpectKeepsDeadline([&](absl::Time deadline) {
    return retriever_.Search({.text = "block", .deadline = deadline}).status();
  });
}

TEST(RetrievalServer, AFullQueueRefusesAtOnceAndServesAgainLater) {
  FakeRetriever fake;
  const auto service = services::MakeRetrievalServer(&fake, {.workers = 1, .queue_limit = 1});
  GrpcServer server({service.get()});
  const auto client = services::ConnectRetriever(server.channel());
  std::stop_source stop;
  const auto block = [&] {
    client->Search({.text = "block", .stop = stop.get_token()}).status().IgnoreError();
  };
  std::jthread running(block);
  fake.script.AwaitBlocked();
  std::jthread waiting(block);
  // Until the second call waits, the queue still has room and ours takes it; it then times out.
  absl::Status status;
  do {
    status =
        client->Search({.text = "x", .deadline = absl::Now() + absl::Milliseconds(50)}).status();
  } while (status.code() == absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(status, absl::ResourceExhaustedError("retrieval has 1 calls waiting, the limit"));
  stop.request_stop();
  running.join();
  waiting.join();
  // The cancelled call may still sit in the queue for a moment.
  do {
    status = client->Search({.text = "x"}).status();
  } while (status.code() == absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(status.ok()) << status;
}

TEST(RetrievalClient, AQueryThatIsNotUtf8IsRefusedByName) {
  const auto client = services::ConnectRetriever(services::MakeChannel("127.0.0.1:1"));
  EXPECT_EQ(client->Search({.text = "ab\xff"}).status(),
            absl::InvalidArgumentError("query is not UTF-8 at byte 2"));
}

TEST(RetrievalClient, AServerThatIsNotThereIsUnavailable) {
  const auto client = services::ConnectRetriever(services::MakeChannel("127.0.0.1:1"));
  const auto status =
      client->Search({.text = "x", .deadline = absl::Now() + absl::Seconds(20)}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_NE(status.message().find("127.0.0.1:1"), std::string::npos) << status;
}

TEST(RetrievalServer, AQueryOfOneMegabyteReachesTheRetrieverWhichJudgesIt) {
  FakeRetriever fake;
  const auto service = services::MakeRetrievalServer(&fake, {});
  GrpcServer server({service.get()});
  const auto client = services::ConnectRetriever(server.channel());
  EXPECT_TRUE(client->Search({.text = std::string(1 << 20, 'q')}).ok());
  EXPECT_EQ(fake.last.text.size(), 1u << 20);
}

}  // namespace
}  // namespace citeseek::testing
