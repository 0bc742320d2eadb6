#include "retrieval/hybrid_retriever.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "tests/support/memory_segment.h"
#include "tests/support/word_embedder.h"

namespace citeseek::retrieval {
namespace {

using ::testing::HasSubstr;
using tests::MemorySnapshot;

indexer::StoredDocument Stored(const std::string& id, const std::string& text,
                               const std::string& collection = "default") {
  indexer::StoredDocument stored;
  stored.document = {.id = id,
                     .collection = collection,
                     .title = "Title of " + id,
                     .uri = "file:" + id,
                     .text = text,
                     .metadata = {{"lang", id.size() > 1 ? "zh" : "en"}}};
  stored.version = 40 + id.size();
  return stored;
}

class HybridRetrieverTest : public ::testing::Test {
 protected:
  HybridRetrieverTest() { Publish(1, {}); }

  void Publish(std::uint64_t generation, std::set<std::string> deleted) {
    auto snapshot = std::make_shared<MemorySnapshot>();
    snapshot->generation_ = generation;
    snapshot->embedder_ = embedder_.Name();
    snapshot->dimension_ = embedder_.Dimension();
    snapshot->segments_.push_back(tests::MakeMemorySegment(
        {.documents = {Stored("a",
                              "The harbour opened in 1912.\n\nThe harbour crane lifts ships "
                              "at the harbour quay.\n\nNothing else."),
                       Stored("b", "A lighthouse stands on the harbour wall.", "books")},
         .deleted = deleted,
         .analyzer = &analyzer_,
         .embedder = &embedder_}));
    snapshot->segments_.push_back(tests::MakeMemorySegment(
        {.documents = {Stored("c", "Bread is baked at night."),
                       Stored("dd", "The crane is a bird that stands in shallow water.", "books")},
         .deleted = deleted,
         .analyzer = &analyzer_,
         .embedder = &embedder_}));
    source_.Set(snapshot);
  }

  std::unique_ptr<Retriever> Make(inference::Embedder* embedder) {
    return MakeHybridRetriever(
        {.snapshots = &source_, .analyzer = &analyzer_, .embedder = embedder});
  }
  std::vector<std::string> Ids(const Query& query) {
    const auto result = retriever_->Search(query);
    EXPECT_TRUE(result.ok()) << result.status();
    std::vector<std::string> ids;
    if (result.ok()) {
      for (const Hit& hit : result->hits) ids.push_back(hit.document_id);
    }
    return ids;
  }

  tests::WordAnalyzer analyzer_;
  tests::WordEmbedder embedder_;
  tests::MemorySource source_;
  std::unique_ptr<Retriever> retriever_ = Make(&embedder_);
};

TEST_F(HybridRetrieverTest, GivesTheBestPassageOfEachDocumentWithItsExactBytes) {
  const auto result = retriever_->Search({.text = "harbour crane", .top_k = 10});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->generation, 1U);
  EXPECT_EQ(result->degraded, "");
  ASSERT_GE(result->hits.size(), 3U);
  const Hit& best = result->hits[0];
  EXPECT_EQ(best.document_id, "a");
  EXPECT_EQ(best.passage_id, "a#1");
  EXPECT_EQ(best.text, "The harbour crane lifts ships at the harbour quay.");
  EXPECT_EQ(best.start, 29U);
  EXPECT_EQ(best.end, best.start + best.text.size());
  EXPECT_EQ(best.title, "Title of a");
  EXPECT_EQ(best.uri, "file:a");
  EXPECT_EQ(best.collection, "default");
  EXPECT_EQ(best.version, 41U);
  EXPECT_GT(best.lexical_score, 0);
  EXPECT_GT(best.dense_score, 0);
  std::set<std::string> documents;
  for (std::size_t i = 0; i < result->hits.size(); ++i) {
    EXPECT_TRUE(documents.insert(result->hits[i].document_id).second);
    EXPECT_LE(result->hits[i].score, result->hits[i == 0 ? 0 : i - 1].score);
  }
}

TEST_F(HybridRetrieverTest, RefusesBadQueriesByThingValueAndLimit) {
  const auto message = [&](const Query& query) {
    const absl::Status status = retriever_->Search(query).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_EQ(message({.text = ""}), "query is empty");
  EXPECT_EQ(message({.text = std::string(32769, 'x')}),
            "query of 32769 bytes is longer than the limit of 32768");
  EXPECT_EQ(message({.text = "x", .top_k = 0}), "top_k 0 is not in [1, 1000]");
  EXPECT_EQ(message({.text = "x", .top_k = 1000000}), "top_k 1000000 is not in [1, 1000]");
  EXPECT_EQ(message({.text = "ab\xff"}), "query is not UTF-8 at byte 2");
}

TEST_F(HybridRetrieverTest, FindsNothingForAQueryWithoutWords) {
  EXPECT_TRUE(Ids({.text = " ?!"}).empty());
  EXPECT_TRUE(Ids({.text = " ?!", .legs = Legs::kLexical}).empty());
}

TEST_F(HybridRetrieverTest, LimitsEveryLegToTheCollectionAndTheFilters) {
  for (const Legs legs : {Legs::kHybrid, Legs::kLexical, Legs::kDense}) {
    const auto books = Ids({.text = "harbour crane", .collection = "books", .legs = legs});
    EXPECT_THAT(books, ::testing::UnorderedElementsAre("b", "dd"));
    EXPECT_THAT(Ids({.text = "harbour crane",
                     .collection = "books",
                     .filters = {{"lang", "zh"}},
                     .legs = legs}),
                ::testing::ElementsAre("dd"));
    EXPECT_TRUE(Ids({.text = "harbour", .filters = {{"lang", "fr"}}, .legs = legs}).empty());
    EXPECT_TRUE(Ids({.text = "harbour", .filters = {{"no such", "en"}}, .legs = legs}).empty());
  }
}

TEST_F(HybridRetrieverTest, NeverReturnsADeletedDocument) {
  Publish(2, {"a"});
  for (const Legs legs : {Legs::kHybrid, Legs::kLexical, Legs::kDense}) {
    EXPECT_THAT(Ids({.text = "harbour crane", .legs = legs}),
                ::testing::Not(::testing::Contains("a")));
  }
}

TEST_F(HybridRetrieverTest, GivesOnlyWordsToTheLexicalLegAndVectorsToTheDenseOne) {
  const int calls = embedder_.calls();
  const auto lexical = retriever_->Search({.text = "bread", .legs = Legs::kLexical});
  ASSERT_EQ(lexical->hits.size(), 1U);
  EXPECT_EQ(lexical->hits[0].document_id, "c");
  EXPECT_EQ(lexical->hits[0].dense_score, 0);
  EXPECT_EQ(embedder_.calls(), calls);
  // "brew" is in no document, but starts like "bread".
  EXPECT_TRUE(Ids({.text = "brew", .legs = Legs::kLexical}).empty());
  const auto dense = retriever_->Search({.text = "brew", .top_k = 1, .legs = Legs::kDense});
  ASSERT_EQ(dense->hits.size(), 1U);
  EXPECT_EQ(dense->hits[0].document_id, "c");
  EXPECT_EQ(dense->hits[0].lexical_score, 0);
}

TEST_F(HybridRetrieverTest, LooksPastADocumentWhosePassagesFillTheCandidates) {
  std::string chapters;
  for (int i = 0; i < 150; ++i) chapters += "harbour crane\n\n";
  auto snapshot = std::make_shared<MemorySnapshot>();
  snapshot->embedder_ = embedder_.Name();
  snapshot->dimension_ = embedder_.Dimension();
  snapshot->segments_.push_back(tests::MakeMemorySegment(
      {.documents = {Stored("a", chapters), Stored("b", "harbour bread"), Stored("c", "crane")},
       .analyzer = &analyzer_,
       .embedder = &embedder_}));
  source_.Set(snapshot);
  EXPECT_THAT(Ids({.text = "harbour crane", .top_k = 3, .legs = Legs::kDense}),
              ::testing::UnorderedElementsAre("a", "b", "c"));
}

TEST_F(HybridRetrieverTest, ScoresWhatOneLegDidNotSeeExactlyByTheOther) {
  // 'crane' is in two documents; the dense leg ranks all of them.
  const auto hybrid = retriever_->Search({.text = "crane"});
  const auto lexical = retriever_->Search({.text = "crane", .legs = Legs::kLexical});
  const auto dense = retriever_->Search({.text = "crane", .legs = Legs::kDense});
  ASSERT_TRUE(hybrid.ok() && lexical.ok() && dense.ok());
  for (const Hit& hit : hybrid->hits) {
    for (const Hit& other : lexical->hits) {
      if (other.passage_id != hit.passage_id) continue;
      EXPECT_EQ(other.lexical_score, hit.lexical_score);
    }
    for (const Hit& other : dense->hits) {
      if (other.passage_id != hit.passage_id) continue;
      EXPECT_EQ(other.dense_score, hit.dense_score);
      EXPECT_EQ(other.lexical_score, hit.lexical_score);
    }
  }
}

TEST_F(HybridRetrieverTest, DegradesToTheLexicalLegAndSaysWhy) {
  embedder_.Fail(absl::UnavailableError("the model is gone"));
  auto result = retriever_->Search({.text = "bread"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->degraded, "lexical only: the model is gone");
  ASSERT_EQ(result->hits.size(), 1U);

  tests::WordEmbedder other("other");
  result = Make(&other)->Search({.text = "bread"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(result->degraded, HasSubstr("made with embedder words of dimension 64, not other"));

  embedder_.Fail(absl::OkStatus());
  result = retriever_->Search({.text = "bread", .deadline = absl::Now() + absl::Milliseconds(15)});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(result->degraded, HasSubstr("lexical only: the deadline is"));

  result = Make(nullptr)->Search({.text = "bread"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->degraded, "");
  result = Make(nullptr)->Search({.text = "bread", .legs = Legs::kDense});
  EXPECT_EQ(result->degraded, "lexical only: there is no embedder");
}

TEST_F(HybridRetrieverTest, WaitsForAGenerationUntilItsDeadline) {
  std::jthread publisher([&] { Publish(5, {}); });
  const auto result = retriever_->Search({.text = "bread", .min_generation = 5});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->generation, 5U);
  EXPECT_EQ(retriever_
                ->Search({.text = "bread",
                          .min_generation = 6,
                          .deadline = absl::Now() + absl::Milliseconds(20)})
                .status()
                .code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(HybridRetrieverTest, StopsWhenAskedAndWhenTheDeadlineHasPassed) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(retriever_->Search({.text = "bread", .stop = stop.get_token()}).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(retriever_->Search({.text = "bread", .deadline = absl::InfinitePast()}).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  std::stop_source later;
  std::jthread stopper([&] { later.request_stop(); });
  EXPECT_EQ(retriever_->Search({.text = "bread", .min_generation = 99, .stop = later.get_token()})
                .status()
                .code(),
            absl::StatusCode::kCancelled);
}

TEST_F(HybridRetrieverTest, PassesOnWhatTheIndexSays) {
  source_.Set(absl::DataLossError("segment 7 is broken"));
  EXPECT_EQ(retriever_->Search({.text = "bread"}).status(),
            absl::DataLossError("segment 7 is broken"));
}

TEST_F(HybridRetrieverTest, AnswersManyThreadsAlikeWhileGenerationsChange) {
  std::vector<std::jthread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const auto result = retriever_->Search({.text = "harbour crane", .top_k = 1});
        if (!result.ok() || result->hits.size() != 1 || result->hits[0].passage_id != "a#1")
          ++wrong;
      }
    });
  }
  for (std::uint64_t generation = 2; generation < 30; ++generation) Publish(generation, {"c"});
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

TEST_F(HybridRetrieverTest, ReadsPlacesThatStillStandThere) {
  const std::vector<Place> places = {{"dd", "books", 42, 4, 9},  // "crane"
                                     {"a", "default", 41, 29, 44},
                                     {"a", "books", 41, 0, 3},        // another collection
                                     {"a", "default", 40, 0, 3},      // no such version
                                     {"a", "default", 41, 0, 9999}};  // behind the end
  const auto read = retriever_->Read({.places = places});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->generation, 1u);
  ASSERT_EQ(read->hits.size(), 2u);
  EXPECT_EQ(read->hits[0].text, "crane");
  EXPECT_EQ(read->hits[0].passage_id, "dd#0");
  EXPECT_EQ(read->hits[0].title, "Title of dd");
  EXPECT_EQ(read->hits[1].text, "The harbour cra");
  EXPECT_EQ(read->hits[1].passage_id, "a#1");
  EXPECT_EQ(read->hits[1].start, 29u);
}

TEST_F(HybridRetrieverTest, ReadsNothingOfWhatIsDeletedOrOutOfScope) {
  const std::vector<Place> places = {{"dd", "books", 42, 4, 9}, {"a", "default", 41, 0, 3}};
  const auto ids = [&](const ReadRequest& request) {
    std::vector<std::string> found;
    const auto read = retriever_->Read(request);
    EXPECT_TRUE(read.ok()) << read.status();
    for (const Hit& hit : read->hits) found.push_back(hit.document_id);
    return found;
  };
  EXPECT_EQ(ids({.places = places, .collection = "books"}), std::vector<std::string>{"dd"});
  EXPECT_EQ(ids({.places = places, .filters = {{"lang", "en"}}}), std::vector<std::string>{"a"});
  Publish(2, {"dd"});
  EXPECT_EQ(ids({.places = places}), std::vector<std::string>{"a"});
  const auto many = retriever_->Read({.places = std::vector<Place>(kMaxPlaces + 1)});
  EXPECT_EQ(many.status().message(), "4097 places are more than the limit of 4096");
}

}  // namespace
}  // namespace citeseek::retrieval
