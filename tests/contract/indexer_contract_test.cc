#include "services/indexer/client.h"
#include "services/indexer/server.h"
#include "tests/contract/contract.h"

namespace citeseek::testing {
namespace {

using indexer::Document;

class IndexerContract : public ::testing::TestWithParam<Place> {
 protected:
  FakeIndexer fake_;
  std::unique_ptr<grpc::Service> service_ = services::MakeIndexerServer(&fake_, {});
  GrpcServer server_{{service_.get()}};
  std::unique_ptr<indexer::Indexer> client_ = services::ConnectIndexer(server_.channel());
  indexer::Indexer& indexer_ =
      GetParam() == Place::kLocal ? static_cast<indexer::Indexer&>(fake_) : *client_;
};
INSTANTIATE_TEST_SUITE_P(, IndexerContract, kPlaces, PlaceName);

TEST_P(IndexerContract, ADocumentComesBackFieldForField) {
  const Document document = {.id = "文档/1",
                             .collection = "c",
                             .title = "A title",
                             .uri = "file:///a b",
                             .text = std::string("line\r\n\0nul", 10),
                             .metadata = {{"year", "2024"}, {"语言", "中文"}}};
  const auto added = indexer_.Add({.documents = {&document, 1}});
  ASSERT_TRUE(added.ok()) << added.status();
  ASSERT_EQ(added->size(), 1u);
  ASSERT_TRUE((*added)[0].status.ok());
  const auto stored = indexer_.Get({.key = {"文档/1", "c"}});
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->version, (*added)[0].version);
  EXPECT_EQ(stored->document.id, document.id);
  EXPECT_EQ(stored->document.collection, document.collection);
  EXPECT_EQ(stored->document.title, document.title);
  EXPECT_EQ(stored->document.uri, document.uri);
  EXPECT_EQ(stored->document.text, document.text);
  EXPECT_EQ(stored->document.metadata, document.metadata);
}

TEST_P(IndexerContract, ABadDocumentGetsItsOwnStatusAndTheOthersAreAdded) {
  const std::vector<Document> documents = {
      {.id = "a", .text = "x"}, {.id = "", .text = "x"}, {.id = "b", .text = "\xff"}, {.id = "c"}};
  const auto added = indexer_.Add({.documents = documents});
  ASSERT_TRUE(added.ok()) << added.status();
  ASSERT_EQ(added->size(), 4u);
  EXPECT_TRUE((*added)[0].status.ok());
  EXPECT_EQ((*added)[1].status, absl::InvalidArgumentError("document id is empty"));
  EXPECT_EQ((*added)[2].status, absl::InvalidArgumentError("text is not UTF-8 at byte 0"));
  EXPECT_TRUE((*added)[3].status.ok());
  EXPECT_LT((*added)[0].version, (*added)[3].version);
  EXPECT_FALSE(indexer_.Get({.key = {"b", ""}}).ok());
}

TEST_P(IndexerContract, AddingNothingAndOnlyBadDocumentsSucceeds) {
  EXPECT_TRUE(indexer_.Add({}).ok());
  const Document bad = {.id = ""};
  const auto added = indexer_.Add({.documents = {&bad, 1}});
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_FALSE((*added)[0].status.ok());
}

TEST_P(IndexerContract, DocumentsOfManyMegabytesAreAddedInOrder) {
  std::vector<Document> documents;
  for (int i = 0; i < 6; ++i) {
    documents.push_back({.id = std::to_string(i), .text = std::string(7 << 20, 'x')});
  }
  documents.push_back({.id = "longest", .text = std::string(indexer::kMaxTextBytes, 'y')});
  const auto added = indexer_.Add({.documents = documents});
  ASSERT_TRUE(added.ok()) << added.status();
  for (std::size_t i = 0; i < documents.size(); ++i) {
    EXPECT_TRUE((*added)[i].status.ok());
    EXPECT_EQ((*added)[i].version, i + 1);
  }
  const auto stored = indexer_.Get({.key = {"longest", ""}});
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->document.text.size(), indexer::kMaxTextBytes);
}

TEST_P(IndexerContract, DeletingTellsWhatWasThere) {
  const Document document = {.id = "a"};
  ASSERT_TRUE(indexer_.Add({.documents = {&document, 1}}).ok());
  const std::vector<indexer::DocumentKey> keys = {{"a", ""}, {"b", ""}};
  const auto deleted = indexer_.Delete({.keys = keys});
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  ASSERT_EQ(deleted->size(), 2u);
  EXPECT_TRUE((*deleted)[0].status.ok());
  EXPECT_EQ((*deleted)[1].status, absl::NotFoundError("no document b"));
  EXPECT_EQ(indexer_.Get({.key = {"a", ""}}).status(), absl::NotFoundError("no document a"));
}

TEST_P(IndexerContract, CommitGivesTheGenerationAndStatsEveryCount) {
  EXPECT_EQ(indexer_.Commit({}).value(), 41u);
  const auto stats = indexer_.Stats();
  ASSERT_TRUE(stats.ok()) << stats.status();
  EXPECT_EQ(stats->generation, 1u);
  EXPECT_EQ(stats->documents, 2u);
  EXPECT_EQ(stats->passages, 3u);
  EXPECT_EQ(stats->pending_documents, 4u);
  EXPECT_EQ(stats->segments, 5u);
  EXPECT_EQ(stats->bytes_on_disk, 6u);
  EXPECT_EQ(stats->text_bytes, 7u);
  EXPECT_EQ(stats->embedder, "hashing-1");
}

TEST_P(IndexerContract, StatusCodesAndMessagesArriveUnchanged) {
  ExpectEveryStatusCrosses([&](const std::string& script) {
    const Document document = {.id = "a", .title = script};
    return indexer_.Add({.documents = {&document, 1}}).status();
  });
  ExpectEveryStatusCrosses([&](const std::string& script) {
    return indexer_.Get({.key = {script, ""}}).status();
  });
  ExpectEveryStatusCrosses([&](const std::string& script) {
    const indexer::DocumentKey key = {script, ""};
    return indexer_.Delete({.keys = {&key, 1}}).status();
  });
  ExpectEveryStatusCrosses([&](const std::string& script) {
    fake_.commit_script = script;
    return indexer_.Commit({}).status();
  });
}

TEST_P(IndexerContract, CancellingAnAddReachesTheBottomWithin100Ms) {
  ExpectCancelsWithin100Ms(fake_.script, [&](std::stop_token stop) {
    const Document document = {.id = "a", .title = "block"};
    return indexer_.Add({.documents = {&document, 1}, .stop = stop}).status();
  });
}

TEST_P(IndexerContract, CancellingACommitReachesTheBottomWithin100Ms) {
  fake_.commit_script = "block";
  ExpectCancelsWithin100Ms(
      fake_.script, [&](std::stop_token stop) { return indexer_.Commit({.stop = stop}).status(); });
}

TEST_P(IndexerContract, DeadlinesAreKept) {
  ExpectKeepsDeadline([&](absl::Time deadline) {
    const Document document = {.id = "a", .title = "block"};
    return indexer_.Add({.documents = {&document, 1}, .deadline = deadline}).status();
  });
  ExpectKeepsDeadline([&](absl::Time deadline) {
    return indexer_.Get({.key = {"block", ""}, .deadline = deadline}).status();
  });
}

}  // namespace
}  // namespace citeseek::testing
