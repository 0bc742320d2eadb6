// The indexer door over the real store, and the snapshots that follow it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "indexer/indexer.h"
#include "indexer/snapshot.h"
#include "tests/support/temp_directory.h"
#include "tests/support/word_embedder.h"

namespace citeseek::indexer {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class LocalIndexer : public ::testing::Test {
 protected:
  IndexerOptions Options() {
    return {.directory = directory_.path() / "index",
            .analyzer = &analyzer_,
            .embedder = &embedder_,
            .commit_interval = absl::Hours(1)};
  }
  void Open() { Open(Options()); }
  void Open(const IndexerOptions& options) {
    auto opened = OpenIndexer(options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    indexer_ = *std::move(opened);
    if (source_ == nullptr) {
      auto source = OpenSnapshotSource(options.directory);
      ASSERT_TRUE(source.ok()) << source.status();
      source_ = *std::move(source);
    }
  }
  void Reopen() {
    indexer_.reset();
    Open();
  }

  std::uint64_t Add(const std::string& id, const std::string& text,
                    const std::string& collection = "default") {
    const Document document{.id = id, .collection = collection, .text = text};
    const auto added = indexer_->Add({.documents = {&document, 1}});
    EXPECT_TRUE(added.ok()) << added.status();
    EXPECT_TRUE((*added)[0].status.ok()) << (*added)[0].status;
    return (*added)[0].version;
  }
  absl::Status Delete(const std::string& id, const std::string& collection = "") {
    const DocumentKey key{id, collection};
    const auto deleted = indexer_->Delete({.keys = {&key, 1}});
    EXPECT_TRUE(deleted.ok()) << deleted.status();
    return (*deleted)[0].status;
  }
  std::uint64_t Commit() {
    const auto generation = indexer_->Commit({});
    EXPECT_TRUE(generation.ok()) << generation.status();
    return generation.value_or(0);
  }
  absl::StatusOr<StoredDocument> Get(const std::string& id, std::uint64_t version = 0) {
    return indexer_->Get({.key = {id, ""}, .version = version});
  }
  std::string TextOf(const std::string& id, std::uint64_t version = 0) {
    const auto stored = Get(id, version);
    return stored.ok() ? stored->document.text : std::string(stored.status().message());
  }
  // "id:text" of the live documents that hold the term, by the newest generation.
  static std::vector<std::string> Found(const Snapshot& snapshot, const std::string& term) {
    std::vector<std::string> found;
    for (const auto& segment : snapshot.segments()) {
      const auto cursor = segment->Find(term);
      if (cursor == nullptr) continue;
      for (cursor->SeekBlock(0); cursor->block_last() != kNoMorePassages;
           cursor->SeekBlock(cursor->block_last() + 1)) {
        for (const PassageId p : cursor->passages()) {
          if (!segment->IsLive(p)) continue;
          const auto stored = segment->document(segment->passage(p).document);
          EXPECT_TRUE(stored.ok()) << stored.status();
          found.push_back(stored->document.id + ":" + stored->document.text);
        }
      }
    }
    return found;
  }
  std::vector<std::string> Found(const std::string& term) {
    const auto snapshot = source_->Latest();
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
    return Found(**snapshot, term);
  }
  void ExpectSound() {
    indexer_.reset();
    const auto report = CheckIndex(directory_.path() / "index");
    EXPECT_TRUE(report.ok()) << report.status();
    Open();
  }

  TempDirectory directory_;
  tests::WordAnalyzer analyzer_;
  tests::WordEmbedder embedder_;
  std::unique_ptr<Indexer> indexer_;
  std::unique_ptr<SnapshotSource> source_;
};

TEST_F(LocalIndexer, ADocumentIsThereOnceAddedAndFoundOnceCommitted) {
  Open();
  const std::uint64_t version = Add("a", "red fox");
  EXPECT_EQ(Get("a")->version, version);
  EXPECT_EQ(TextOf("a"), "red fox");
  EXPECT_TRUE(Found("fox").empty());
  EXPECT_EQ(indexer_->Stats()->pending_documents, 1U);
  const std::uint64_t generation = Commit();
  EXPECT_EQ((*source_->Latest())->generation(), generation);
  EXPECT_THAT(Found("fox"), UnorderedElementsAre("a:red fox"));
  EXPECT_EQ(TextOf("a"), "red fox");
  const auto stats = indexer_->Stats();
  EXPECT_EQ(stats->documents, 1U);
  EXPECT_EQ(stats->pending_documents, 0U);
  EXPECT_EQ(stats->text_bytes, 7U);
  EXPECT_EQ(Commit(), generation);
  ExpectSound();
}

TEST_F(LocalIndexer, AddingAgainReplacesAndKeepsTheOldVersionForCitations) {
  Open();
  const std::uint64_t first = Add("a", "red fox");
  Add("b", "hen");  // keeps the segment
  Commit();
  const auto before = *source_->Latest();
  const std::uint64_t second = Add("a", "blue fox");
  EXPECT_GT(second, first);
  EXPECT_EQ(TextOf("a"), "blue fox");
  Commit();
  EXPECT_THAT(Found("fox"), UnorderedElementsAre("a:blue fox"));
  EXPECT_THAT(Found(*before, "fox"), UnorderedElementsAre("a:red fox"));
  EXPECT_EQ(TextOf("a", first), "red fox");
  EXPECT_EQ(Get("a", second + 7).status().code(), absl::StatusCode::kNotFound);
  ExpectSound();
}

TEST_F(LocalIndexer, ADeletedDocumentIsGoneInEveryVersionAtOnce) {
  Open();
  const std::uint64_t first = Add("a", "red fox");
  Add("b", "grey fox");
  Commit();
  Add("a", "blue fox");
  EXPECT_TRUE(Delete("a").ok());
  EXPECT_EQ(Get("a").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Get("a", first).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Delete("a").code(), absl::StatusCode::kNotFound);
  Commit();
  EXPECT_THAT(Found("fox"), UnorderedElementsAre("b:grey fox"));
  Add("a", "new fox");
  EXPECT_EQ(Get("a", first).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(TextOf("a"), "new fox");
  ExpectSound();
  EXPECT_EQ(Get("a", first).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(LocalIndexer, VersionsAreNeverUsedTwiceOverRestarts) {
  Open();
  std::uint64_t last = Add("a", "one");
  EXPECT_TRUE(Delete("a").ok());
  Commit();
  for (int round = 0; round < 3; ++round) {
    Reopen();
    const std::uint64_t next = Add("a", "two");
    EXPECT_GT(next, last);
    last = next;
    if (round == 1) Commit();
  }
}

TEST_F(LocalIndexer, WhatWasNotYetPublishedIsPublishedAfterARestart) {
  Open();
  Add("a", "red fox");
  Add("b", "grey fox");
  Commit();
  Add("c", "blue fox");
  EXPECT_TRUE(Delete("b").ok());
  Reopen();
  EXPECT_EQ(TextOf("c"), "blue fox");
  Commit();
  EXPECT_THAT(Found("fox"), UnorderedElementsAre("a:red fox", "c:blue fox"));
  ExpectSound();
}

TEST_F(LocalIndexer, ChangesBecomeVisibleWithinTheCommitInterval) {
  IndexerOptions options = Options();
  options.commit_interval = absl::Milliseconds(1);
  Open(options);
  Add("a", "red fox");
  const absl::Time limit = absl::Now() + absl::Seconds(30);
  while (Found("fox").empty() && absl::Now() < limit) std::this_thread::yield();
  EXPECT_THAT(Found("fox"), UnorderedElementsAre("a:red fox"));
}

TEST_F(LocalIndexer, IdsAreScopedByCollection) {
  Open();
  Add("a", "red fox", "x");
  Add("a", "grey fox", "y");
  Add("ab", "no fox", "x");
  const auto both = Get("a");
  EXPECT_EQ(both.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(both.status().message(), "document a is in several collections: x, y");
  EXPECT_EQ(Delete("a").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Delete("a", "x").ok());
  EXPECT_EQ(TextOf("a"), "grey fox");
  EXPECT_EQ(Delete("a", "x").message(), "document a is not in collection x");
  Commit();
  const auto segment = (*source_->Latest())->segments()[0];
  const auto in_x = segment->Match("collection", "x");
  const auto in_y = segment->Match("collection", "y");
  EXPECT_EQ(segment->document_count(), 3U);
  EXPECT_TRUE(in_x->Contains(0));
  EXPECT_FALSE(in_y->Contains(0));
  EXPECT_TRUE(in_y->Contains(1));
  EXPECT_FALSE(segment->IsLive(0));
  EXPECT_TRUE(segment->IsLive(1));
}

TEST_F(LocalIndexer, MetadataIsMatchedByFieldAndValue) {
  Open();
  const std::vector<Document> documents = {
      {.id = "a", .text = "x", .metadata = {{"year", "2024"}, {"long", std::string(600, 'v')}}},
      {.id = "b", .text = "y", .metadata = {{"year", "2025"}}}};
  ASSERT_TRUE(indexer_->Add({.documents = documents}).ok());
  Commit();
  const auto segment = (*source_->Latest())->segments()[0];
  EXPECT_EQ(segment->Match("year", "2024")->words, std::vector<std::uint64_t>{1});
  EXPECT_EQ(segment->Match("year", "2025")->words, std::vector<std::uint64_t>{2});
  EXPECT_EQ(segment->Match("year", "2026")->words, std::vector<std::uint64_t>{0});
  EXPECT_EQ(segment->Match("long", std::string(600, 'v')).status().message(),
            "filter value of 600 bytes is longer than the limit of 512");
  EXPECT_EQ(Get("b")->document.metadata.at("year"), "2025");
}

TEST_F(LocalIndexer, SegmentsAreMergedWithoutTheirDeletedDocuments) {
  IndexerOptions options = Options();
  options.max_segments_per_tier = 2;
  Open(options);
  for (int i = 0; i < 12; ++i) {
    Add("d" + std::to_string(i), "fox " + std::to_string(i));
    if (i > 0) {
      EXPECT_TRUE(Delete("d" + std::to_string(i - 1)).ok());
    }
    Add("keep" + std::to_string(i), "hen " + std::to_string(i));
    Commit();
  }
  const absl::Time limit = absl::Now() + absl::Seconds(30);
  while ((*source_->Latest())->segments().size() > 1 && absl::Now() < limit) {
    std::this_thread::yield();
  }
  const auto snapshot = *source_->Latest();
  ASSERT_EQ(snapshot->segments().size(), 1U);
  EXPECT_THAT(Found(*snapshot, "fox"), UnorderedElementsAre("d11:fox 11"));
  EXPECT_EQ(Found(*snapshot, "hen").size(), 12U);
  EXPECT_EQ(TextOf("keep3"), "hen 3");
  ExpectSound();
}

TEST_F(LocalIndexer, ASecondOpenerIsToldWhoHoldsTheDirectory) {
  Open();
  const auto second = OpenIndexer(Options());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("is in use by process " + std::to_string(getpid())));
  EXPECT_EQ(CheckIndex(Options().directory).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(LocalIndexer, AnotherVersionOrEmbedderIsRefused) {
  Open();
  indexer_.reset();
  tests::WordEmbedder other("other");
  IndexerOptions options = Options();
  options.embedder = &other;
  EXPECT_THAT(std::string(OpenIndexer(options).status().message()),
              HasSubstr("was made with embedder words of dimension 64, not other"));
  directory_.Write("index/FORMAT", "citeseek index 9\nwhatever\n");
  const auto opened = OpenIndexer(Options());
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("\"citeseek index 9\""));
  directory_.Write("index/FORMAT", "citeseek index 2\nwhatever\n");
  EXPECT_EQ(OpenIndexer(Options()).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(LocalIndexer, AnEmptyDirectoryIsGenerationZero) {
  const auto source = OpenSnapshotSource(directory_.path() / "nothing");
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*(*source)->Latest())->generation(), 0U);
  EXPECT_TRUE((*(*source)->Latest())->segments().empty());
  EXPECT_EQ(CheckIndex(directory_.path() / "nothing").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(LocalIndexer, AnEmbedderThatFailsDelaysButLosesNothing) {
  Open();
  embedder_.Fail(absl::UnavailableError("embedder is gone"));
  Add("a", "red fox");
  EXPECT_EQ(indexer_->Commit({}).status().message(), "embedder is gone");
  EXPECT_EQ(TextOf("a"), "red fox");
  indexer_.reset();
  embedder_.Fail(absl::OkStatus());
  Open();
  Commit();
  EXPECT_THAT(Found("fox"), UnorderedElementsAre("a:red fox"));
  ExpectSound();
}

// Lets no file of this process grow beyond some bytes, as a full disk does.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_;
  sighandler_t handler_;
};

TEST_F(LocalIndexer, AFullDiskFailsTheCallAndLosesNothing) {
  Open();
  Add("a", "red fox");
  const Document large{.id = "b", .text = std::string(1 << 20, 'x') + " fox"};
  {
    const FileSizeLimit limit(64 << 10);
    const auto added = indexer_->Add({.documents = {&large, 1}});
    EXPECT_EQ(added.status().code(), absl::StatusCode::kResourceExhausted) << added.status();
    EXPECT_EQ(TextOf("a"), "red fox");
    EXPECT_EQ(Get("b").status().code(), absl::StatusCode::kNotFound);
  }
  Add("c", "grey fox");
  EXPECT_TRUE(indexer_->Add({.documents = {&large, 1}}).ok());
  {
    // The text compresses well; its vector and terms do not need much. The log is not written to.
    const FileSizeLimit limit(64);
    EXPECT_EQ(indexer_->Commit({}).status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(TextOf("c"), "grey fox");
    EXPECT_TRUE(Found("fox").empty());
  }
  Commit();
  EXPECT_EQ(Found("fox").size(), 3U);
  ExpectSound();
  EXPECT_EQ(TextOf("b"), large.text);
}

TEST_F(LocalIndexer, DeadlinesAndCancellationAreKept) {
  Open();
  const Document document{.id = "a", .text = "x"};
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(indexer_->Add({.documents = {&document, 1}, .deadline = absl::InfinitePast()})
                .status()
                .code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(indexer_->Add({.documents = {&document, 1}, .stop = stop.get_token()}).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(indexer_->Commit({.stop = stop.get_token()}).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(Get("a").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(LocalIndexer, WritersAndReadersWorkAtOnce) {
  IndexerOptions options = Options();
  options.commit_interval = absl::Milliseconds(2);
  options.max_segments_per_tier = 2;
  Open(options);
  constexpr int kWriters = 3;
  constexpr int kRounds = 40;
  std::atomic<bool> done = false;
  {
    std::vector<std::jthread> threads;
    for (int w = 0; w < kWriters; ++w) {
      threads.emplace_back([&, w] {
        for (int i = 0; i < kRounds; ++i) {
          const std::string id = std::to_string(w) + "-" + std::to_string(i % 7);
          const std::string text = "fox " + std::to_string(i);
          Add(id, text);
          EXPECT_EQ(TextOf(id), text);
          if (i % 5 == 4) {
            EXPECT_TRUE(Delete(id).ok());
          }
          if (i % 10 == 9) Commit();
        }
      });
    }
    std::jthread reader([&] {
      while (!done) {
        std::vector<std::string> ids;
        for (std::string& found : Found("fox")) ids.push_back(found.substr(0, found.find(':')));
        std::ranges::sort(ids);
        EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end()) << "two versions in one generation";
      }
    });
    threads.clear();
    done = true;
  }
  Commit();
  std::vector<std::string> expected;
  for (int w = 0; w < kWriters; ++w) {
    for (int k = 0; k < 7; ++k) {
      const std::string id = std::to_string(w) + "-" + std::to_string(k);
      const auto stored = Get(id);
      if (stored.ok()) expected.push_back(id + ":" + stored->document.text);
    }
  }
  EXPECT_THAT(Found("fox"), ::testing::UnorderedElementsAreArray(expected));
  ExpectSound();
}

}  // namespace
}  // namespace citeseek::indexer
