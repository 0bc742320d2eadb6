#include "services/gateway/answer_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/overlap_retriever.h"
#include "tests/support/scripted_generator.h"

namespace citeseek::gateway {
namespace {

using inference::Piece;
using testing::OverlapRetriever;
using testing::ScriptedGenerator;

std::vector<indexer::Document> Documents() {
  return {{.id = "halden", .title = "Halden Bridge", .text = "Halden Bridge was opened in 1931."},
          {.id = "moon", .title = "Moon Bridge", .text = "Moon Bridge was opened in 1950."},
          {.id = "other",
           .collection = "c",
           .title = "Halden Bridge",
           .text = "Halden Bridge was opened in 1931, they say."}};
}

// Gives way to another index.
class Changing final : public retrieval::Retriever {
 public:
  absl::StatusOr<retrieval::Result> Search(const retrieval::Query& query) override {
    ++searches;
    absl::StatusOr<retrieval::Result> result = now->Search(query);
    if (result.ok()) result->generation = generation;
    return result;
  }
  absl::StatusOr<retrieval::Result> Read(const retrieval::ReadRequest& request) override {
    return now->Read(request);
  }

  OverlapRetriever* now = nullptr;
  std::uint64_t generation = 1;
  int searches = 0;
};

class AnswerCacheTest : public ::testing::Test {
 protected:
  AnswerCacheTest() {
    retriever_.now = &documents_;
    inner_ =
        MakeAnswerer({.retriever = &retriever_, .generator = &model_, .analyzer = analyzer_.get()});
    Use({});
  }
  void Use(AnswerCacheOptions options) {
    options.answerer = inner_.get();
    options.retriever = &retriever_;
    options.model = [this] { return name_; };
    options.now = [this] { return now_; };
    cache_ = std::make_unique<AnswerCache>(options);
  }
  Answer Ask(const Question& question) {
    events_.clear();
    auto answer = cache_->Ask(question, [&](const Event& event) {
      events_.push_back(event);
      return true;
    });
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *answer : Answer{};
  }
  std::size_t Calls() const { return model_.requests().size(); }
  std::size_t Found() const {
    for (const Event& event : events_) {
      if (const auto* searched = std::get_if<SearchedEvent>(&event)) return searched->hits.size();
    }
    return 0;
  }
  std::vector<std::size_t> Order() const {
    std::vector<std::size_t> order;
    for (const Event& event : events_) {
      if (order.empty() || order.back() != event.index()) order.push_back(event.index());
    }
    return order;
  }

  std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
  OverlapRetriever documents_{Documents()};
  Changing retriever_;
  ScriptedGenerator model_{{{Piece::Kind::kThought, "hm"},
                            {Piece::Kind::kText, "Halden Bridge was opened "},
                            {Piece::Kind::kText, "in 1931 [citation:1]."}}};
  std::string name_ = "model";
  absl::Time now_ = absl::FromUnixSeconds(1'000'000'000);
  std::unique_ptr<Answerer> inner_;
  std::unique_ptr<AnswerCache> cache_;
  std::vector<Event> events_;
  const Question question_ = {.text = "When was Halden Bridge opened?", .mode = Mode::kDeep};
};

TEST_F(AnswerCacheTest, AKnownAnswerTakesNoModelCallAndKeepsTheOrderOfEvents) {
  const Answer fresh = Ask(question_);
  const auto order = Order();
  EXPECT_FALSE(fresh.receipt.cached);
  EXPECT_GT(fresh.receipt.completion_tokens, 0);
  Question again = question_;
  again.text = "  When was Halden  Bridge opened";
  again.request_id = "mine";
  const Answer cached = Ask(again);
  EXPECT_EQ(Calls(), 1u);
  EXPECT_EQ(Order(), order);
  EXPECT_EQ(cached.text, fresh.text);
  EXPECT_EQ(cached.thought, "hm");
  EXPECT_EQ(cached.citations.size(), fresh.citations.size());
  EXPECT_EQ(cached.sentences.size(), fresh.sentences.size());
  EXPECT_TRUE(cached.receipt.cached);
  EXPECT_EQ(cached.receipt.request_id, "mine");
  EXPECT_EQ(cached.receipt.completion_tokens, 0);
  EXPECT_EQ(cached.receipt.answer_hash, fresh.receipt.answer_hash);
  EXPECT_EQ(cached.receipt.prompt_hash, fresh.receipt.prompt_hash);
  std::string text;
  for (const Event& event : events_) {
    if (const auto* answer = std::get_if<AnswerEvent>(&event)) text += answer->text;
  }
  EXPECT_EQ(text, cached.text);
  const AnswerCacheStats stats = cache_->Stats();
  EXPECT_EQ(stats.hits, 1);
  EXPECT_EQ(stats.misses, 1);
  EXPECT_EQ(stats.entries, 1);
}

TEST_F(AnswerCacheTest, AnotherScopeModeModelDayHistoryOrSeedIsAnotherQuestion) {
  Ask(question_);
  std::size_t calls = 1;
  const auto expect_fresh = [&](const Question& question, const char* what) {
    EXPECT_FALSE(Ask(question).receipt.cached) << what;
    EXPECT_EQ(Calls(), ++calls) << what;
  };
  Question other = question_;
  other.collection = "c";
  expect_fresh(other, "collection");
  other = question_;
  other.filters = {{"a", "b"}};
  expect_fresh(other, "filters");
  other = question_;
  other.mode = Mode::kQuick;
  expect_fresh(other, "mode");
  other = question_;
  other.top_k = 2;
  expect_fresh(other, "top_k");
  other = question_;
  other.seed = 5;
  expect_fresh(other, "seed");
  other = question_;
  other.drawing.temperature = 0.7;
  expect_fresh(other, "temperature");
  other.drawing.temperature = 0.7000001;
  expect_fresh(other, "another temperature");
  other = question_;
  other.drawing.max_tokens = 7;
  expect_fresh(other, "max_tokens");
  other.drawing.stop = {"a", "b"};
  expect_fresh(other, "stop");
  other.drawing.stop = {"a b"};
  expect_fresh(other, "another stop");
  other = question_;
  other.history = {{.question = "q", .answer = "a"}};
  expect_fresh(other, "history");
  other = question_;
  other.no_cache = true;
  expect_fresh(other, "no_cache");
  name_ = "another";
  expect_fresh(question_, "model");
  now_ += absl::Hours(24);
  expect_fresh(question_, "day");
  EXPECT_TRUE(Ask(question_).receipt.cached);
}

TEST_F(AnswerCacheTest, HowAModelWouldDrawIsNothingToAnExtract) {
  Question extract = question_;
  extract.mode = Mode::kExtract;
  Ask(extract);
  extract.drawing = {.temperature = 1.5, .stop = {"1931"}};
  EXPECT_TRUE(Ask(extract).receipt.cached);
}

TEST_F(AnswerCacheTest, ItEndsWithTheGenerationThatDeletesAPassage) {
  Ask(question_);
  documents_.Remove("moon");
  EXPECT_FALSE(Ask(question_).receipt.cached);
  EXPECT_EQ(cache_->Stats().invalidated, 1);
  EXPECT_TRUE(Ask(question_).receipt.cached);
}

TEST_F(AnswerCacheTest, ItEndsWithTheGenerationThatKnowsBetterOrKnowsAtAll) {
  const Question unknown = {.text = "Who designed Kestrel Tower?", .mode = Mode::kExtract};
  EXPECT_EQ(Ask(unknown).reason, "no_evidence");
  EXPECT_TRUE(Ask(unknown).receipt.cached);
  Ask(question_);
  auto more = Documents();
  more.push_back({.id = "tower", .text = "Kestrel Tower was designed by Ada Lind."});
  more.push_back({.id = "newer", .text = "Halden Bridge was opened again: Halden Bridge, 2024."});
  OverlapRetriever newer(more);
  retriever_.now = &newer;
  const Answer known = Ask(unknown);
  EXPECT_FALSE(known.receipt.cached);
  EXPECT_EQ(known.reason, "answered");
  EXPECT_FALSE(Ask(question_).receipt.cached);
}

TEST_F(AnswerCacheTest, MarkersOfAConversationMustBeTheSame) {
  Ask(question_);
  Question turn = question_;
  turn.numbering = [](const std::vector<retrieval::Hit>& hits) {
    std::vector<int> numbers;
    for (std::size_t i = 0; i < hits.size(); ++i) numbers.push_back(static_cast<int>(i) + 7);
    return numbers;
  };
  EXPECT_FALSE(Ask(turn).receipt.cached);
  EXPECT_TRUE(Ask(turn).receipt.cached);
  EXPECT_FALSE(Ask(question_).receipt.cached) << "its markers are those of the conversation";
}

TEST_F(AnswerCacheTest, WhatWasSearchedForInPartsIsKnownForItsGeneration) {
  const Question both = {.text = "When was Halden Bridge opened, and when was Moon Bridge opened?",
                         .mode = Mode::kExtract};
  const Answer fresh = Ask(both);
  ASSERT_EQ(fresh.receipt.parts.size(), 2u);
  const auto order = Order();
  const std::size_t hits = Found();
  const int searches = retriever_.searches;
  const Answer known = Ask(both);
  EXPECT_TRUE(known.receipt.cached);
  EXPECT_EQ(retriever_.searches, searches + 1);
  EXPECT_EQ(known.text, fresh.text);
  EXPECT_EQ(known.receipt.parts, fresh.receipt.parts);
  EXPECT_EQ(Order(), order);
  EXPECT_EQ(Found(), hits);
  // Another generation may bring the second part other passages, which one search would not tell.
  retriever_.generation = 2;
  EXPECT_FALSE(Ask(both).receipt.cached);
  EXPECT_EQ(cache_->Stats().invalidated, 1);
}

TEST_F(AnswerCacheTest, WhatWentWrongIsNotKept) {
  model_.fail_with = absl::UnavailableError("gone");
  EXPECT_NE(Ask(question_).receipt.degraded, "");
  model_.fail_with = absl::OkStatus();
  EXPECT_FALSE(Ask(question_).receipt.cached);
  name_ = "";  // a model that nobody can name
  EXPECT_FALSE(Ask(question_).receipt.cached);
  EXPECT_FALSE(Ask(question_).receipt.cached);
}

TEST_F(AnswerCacheTest, ItsMemoryIsBounded) {
  Use({.bytes = 16 << 10});
  for (int i = 0; i < 50; ++i) {
    Ask({.text = "When was Halden Bridge opened, try " + std::to_string(i) + "?",
         .mode = Mode::kExtract});
    EXPECT_LE(cache_->Stats().bytes, 16 << 10);
  }
  EXPECT_GE(cache_->Stats().entries, 1);
  EXPECT_LT(cache_->Stats().entries, 50);
  Use({.bytes = 0});
  Ask(question_);
  EXPECT_FALSE(Ask(question_).receipt.cached);
}

}  // namespace
}  // namespace citeseek::gateway
