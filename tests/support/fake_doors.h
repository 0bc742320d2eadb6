// FakeDoors: scripted Retriever, Indexer, Embedder, Reranker, Generator and Answerer.
//
// The text of the request is the script: "block" waits until the call is stopped or its deadline
// has passed; "fail N" fails with status code N and kFailMessage; anything else succeeds with every
// field set. Thread-safe.
#pragma once

#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/clock.h"
#include "indexer/indexer.h"
#include "inference/embedder.h"
#include "inference/generator.h"
#include "inference/reranker.h"
#include "retrieval/retriever.h"
#include "services/gateway/answerer.h"

namespace citeseek::testing {

// Percent, newline and non-ASCII: what transports like to damage.
inline constexpr char kFailMessage[] = "top_k 0 is not in [1, 1000] (100% sure)\nq\"uote 问题";

class Script {
 public:
  absl::Status Play(std::string_view text, absl::Time deadline, const std::stop_token& stop) {
    if (text.starts_with("fail ")) {
      int code = 0;
      std::from_chars(text.data() + 5, text.data() + text.size(), code);
      return absl::Status(static_cast<absl::StatusCode>(code), kFailMessage);
    }
    if (text != "block") return absl::OkStatus();
    std::unique_lock lock(mutex_);
    ++blocked_;
    changed_.notify_all();
    const auto until = deadline == absl::InfiniteFuture()
                           ? std::chrono::system_clock::now() + std::chrono::seconds(60)
                           : absl::ToChronoTime(deadline);
    changed_.wait_until(lock, stop, until, [] { return false; });
    if (stop.stop_requested()) stopped_at_ = absl::ToUnixNanos(absl::Now());
    --blocked_;
    ++released_;
    changed_.notify_all();
    if (stop.stop_requested()) return absl::CancelledError("cancelled");
    return absl::DeadlineExceededError("blocked until the deadline");
  }

  // Returns once n calls are blocked.
  void AwaitBlocked(int n = 1) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return blocked_ >= n; });
  }
  // Returns once n blocked calls have come back.
  void AwaitReleased(int n = 1) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return released_ >= n; });
  }

  // When the last call to be stopped found it out.
  absl::Time stopped_at() const { return absl::FromUnixNanos(stopped_at_); }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::atomic<std::int64_t> stopped_at_{0};
  int blocked_ = 0;
  int released_ = 0;
};

class FakeRetriever final : public retrieval::Retriever {
 public:
  absl::StatusOr<retrieval::Result> Search(const retrieval::Query& query) override {
    last = query;
    if (auto s = script.Play(query.text, query.deadline, query.stop); !s.ok()) return s;
    retrieval::Result result;
    for (int i = 0; i < query.top_k; ++i) {
      result.hits.push_back({.document_id = "doc-" + std::to_string(i),
                             .collection = "小集",
                             .passage_id = "doc-" + std::to_string(i) + "#3",
                             .version = 7000000000u + static_cast<std::uint64_t>(i),
                             .title = "A title",
                             .uri = "file:///a b.txt",
                             .start = 17,
                             .end = 42,
                             .text = std::string("nul\0inside", 10),
                             .score = 0.1,
                             .lexical_score = 12.75,
                             .dense_score = -0.25});
    }
    result.generation = 99;
    result.degraded = "embedder gone";
    result.stats = {absl::Nanoseconds(1), absl::Nanoseconds(2), absl::Nanoseconds(3),
                    absl::Nanoseconds(4), absl::Nanoseconds(5)};
    return result;
  }

  // A place whose document id is "gone" is left out.
  absl::StatusOr<retrieval::Result> Read(const retrieval::ReadRequest& request) override {
    last_read = request;
    if (auto s = script.Play(request.collection, request.deadline, request.stop); !s.ok()) return s;
    retrieval::Result result{.generation = 98};
    for (const retrieval::Place& place : request.places) {
      if (place.document_id == "gone") continue;
      result.hits.push_back({.document_id = place.document_id,
                             .collection = place.collection,
                             .passage_id = place.document_id + "#2",
                             .version = place.version,
                             .title = "标题",
                             .uri = "u",
                             .start = place.start,
                             .end = place.end,
                             .text = "text"});
    }
    return result;
  }

  Script script;
  retrieval::Query last;
  retrieval::ReadRequest last_read;
};

class FakeIndexer final : public indexer::Indexer {
 public:
  absl::StatusOr<std::vector<indexer::AddResult>> Add(const indexer::AddRequest& request) override {
    std::vector<indexer::AddResult> results;
    for (const indexer::Document& document : request.documents) {
      if (auto s = script.Play(document.title, request.deadline, request.stop); !s.ok()) return s;
      if (auto s = indexer::ValidateDocument(document); !s.ok()) {
        results.push_back({s, 0});
        continue;
      }
      const std::scoped_lock lock(mutex_);
      stored_[document.id] = {document, ++version_};
      results.push_back({absl::OkStatus(), version_});
    }
    return results;
  }

  absl::StatusOr<std::vector<indexer::DeleteResult>> Delete(
      const indexer::DeleteRequest& request) override {
    std::vector<indexer::DeleteResult> results;
    for (const indexer::DocumentKey& key : request.keys) {
      if (auto s = script.Play(key.id, request.deadline, request.stop); !s.ok()) return s;
      const std::scoped_lock lock(mutex_);
      const bool found = stored_.erase(key.id) > 0;
      results.push_back({found ? absl::OkStatus() : absl::NotFoundError("no document " + key.id)});
    }
    return results;
  }

  absl::StatusOr<std::uint64_t> Commit(const indexer::CommitRequest& request) override {
    if (auto s = script.Play(commit_script, request.deadline, request.stop); !s.ok()) return s;
    return 41;
  }

  absl::StatusOr<indexer::StoredDocument> Get(const indexer::GetRequest& request) override {
    if (auto s = script.Play(request.key.id, request.deadline, request.stop); !s.ok()) return s;
    const std::scoped_lock lock(mutex_);
    const auto found = stored_.find(request.key.id);
    if (found == stored_.end()) return absl::NotFoundError("no document " + request.key.id);
    return found->second;
  }

  absl::StatusOr<indexer::IndexStats> Stats() override {
    return indexer::IndexStats{1, 2, 3, 4, 5, 6, 7, "hashing-1"};
  }

  Script script;
  std::string commit_script;

 private:
  std::mutex mutex_;
  std::map<std::string, indexer::StoredDocument> stored_;
  std::uint64_t version_ = 0;
};

class FakeEmbedder final : public inference::Embedder {
 public:
  std::string Name() const override { return "fake-embedder"; }
  int Dimension() const override { return 3; }
  bool KnowsMeaning() const override { return true; }
  absl::Status Embed(const inference::EmbedRequest& request, std::span<float> out) override {
    if (out.size() != request.texts.size() * 3) {
      return absl::InvalidArgumentError("out of " + std::to_string(out.size()) + " floats is not " +
                                        std::to_string(request.texts.size()) + " rows of 3");
    }
    for (std::size_t i = 0; i < request.texts.size(); ++i) {
      if (auto s = script.Play(request.texts[i], request.deadline, request.stop); !s.ok()) return s;
      out[3 * i] = static_cast<float>(request.texts[i].size());
      out[3 * i + 1] = request.kind == inference::EmbedKind::kQuery ? 1.0f : 0.5f;
      out[3 * i + 2] = 1.0f / 3.0f;
    }
    return absl::OkStatus();
  }

  Script script;
};

class FakeReranker final : public inference::Reranker {
 public:
  std::string Name() const override { return "fake-reranker"; }
  absl::Status Score(const inference::RerankRequest& request, std::span<float> out) override {
    if (auto s = script.Play(request.query, request.deadline, request.stop); !s.ok()) return s;
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = 1.0f / static_cast<float>(request.passages[i].size());
    }
    return absl::OkStatus();
  }

  Script script;
};

// Says "thinking", then the last message three times, numbered; if that begins with "forever", it
// never ends by itself.
class FakeGenerator final : public inference::Generator {
 public:
  absl::StatusOr<inference::Finish> Generate(const inference::GenerateRequest& request,
                                             const inference::PieceSink& sink) override {
    last = request;
    if (request.messages.empty()) return absl::InvalidArgumentError("prompt has no messages");
    if (!sink({inference::Piece::Kind::kThought, "thinking…"})) {
      return absl::CancelledError("cancelled");
    }
    const std::string& text = request.messages.back().text;
    if (auto s = script.Play(text, request.deadline, request.stop); !s.ok()) return s;
    const bool forever = text.starts_with("forever");
    for (int i = 0; forever || i < 3; ++i) {
      {
        const std::scoped_lock lock(mutex_);
        ++produced_;
      }
      changed_.notify_all();
      if (!sink({inference::Piece::Kind::kText, text + std::to_string(i)})) {
        script.Play("block", absl::InfinitePast(), {}).IgnoreError();  // counts as released
        return absl::CancelledError("cancelled");
      }
    }
    return inference::Finish{inference::FinishReason::kLength, 11, 5, 3, "fake-model", 2, 8, 1};
  }

  // True once n pieces of text have been made, false if that takes longer than `patience`.
  bool AwaitProduced(int n, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return produced_ >= n; });
  }

  Script script;
  inference::GenerateRequest last;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int produced_ = 0;
};

class FakeAnswerer final : public gateway::Answerer {
 public:
  // Knows the call "running" alone.
  absl::Status AnswerNow(const std::string& request_id) override {
    if (request_id != "running") return Answerer::AnswerNow(request_id);
    answered_now = true;
    return absl::OkStatus();
  }

  absl::StatusOr<gateway::Answer> Ask(const gateway::Question& question,
                                      const gateway::EventSink& sink) override {
    {
      const std::scoped_lock lock(mutex);
      last = question;
    }
    const auto cancelled = [] { return absl::CancelledError("cancelled"); };
    if (!sink(gateway::QueuedEvent{2, absl::Milliseconds(1500), gateway::Rung::kShort,
                                   question.request_id})) {
      return cancelled();
    }
    if (auto s = script.Play(question.text, question.deadline, question.stop); !s.ok()) return s;
    using State = gateway::PartEvent::State;
    if (!sink(gateway::PartEvent{2, 3, "它呢?", State::kSearchingAgain})) return cancelled();
    FakeRetriever retriever;
    const auto found = retriever.Search({.text = "x", .top_k = question.top_k});
    if (!sink(gateway::SearchedEvent{found->hits, found->generation, {1, 9}, "it, in full"})) {
      return cancelled();
    }
    gateway::Answer answer;
    answer.thought = "hm ";
    if (!sink(gateway::ThoughtEvent{"hm "})) return cancelled();
    for (const char* delta : {"It is ", "so [1]."}) {
      answer.text += delta;
      if (!sink(gateway::AnswerEvent{delta})) return cancelled();
    }
    answer.citations.push_back({.marker = 1,
                                .document_id = "doc-0",
                                .collection = "小集",
                                .version = 7,
                                .title = "A title",
                                .uri = "file:///a",
                                .start = 3,
                                .end = 9,
                                .quote = "quoted",
                                .verdict = gateway::Verdict::kPartly,
                                .score = 0.75,
                                .answer_start = 0,
                                .answer_end = 13});
    if (!sink(gateway::CitationEvent{answer.citations[0]})) return cancelled();
    answer.sentences = {{1, 13, gateway::Verdict::kPartly, 0.75, {"a", "“b”"}}};
    if (!sink(gateway::CheckedEvent{answer.sentences[0]})) return cancelled();
    answer.reason = "answered";
    answer.follow_ups = {"And 那么?"};
    if (!sink(gateway::FollowUpsEvent{answer.follow_ups})) return cancelled();
    answer.receipt = {.request_id = question.request_id.empty() ? "r" : question.request_id,
                      .asked_mode = question.mode,
                      .mode = gateway::Mode::kExtract,
                      .degraded = "no model",
                      .generation = 99,
                      .model = "m",
                      .prompt_tokens = 1,
                      .completion_tokens = 2,
                      .steps = 3,
                      .drafted_tokens = 9,
                      .accepted_tokens = 4,
                      .stages = {{"retrieve", absl::Microseconds(3)}},
                      .total = absl::Milliseconds(4),
                      .session = question.session,
                      .turn = 2,
                      .rewritten_question = "it, in full",
                      .sources = {{4, {"doc-0", "小集", 7, 3, 9}}},
                      .question = question.text,
                      .top_k = question.top_k,
                      .collection = "c",
                      .filters = {{"f", "v"}},
                      .recipe = "recipe",
                      .seed = 17,
                      .drawing = question.drawing,
                      .thinking_budget = 256,
                      .model_hash = "mh",
                      .prompt_hash = "ph",
                      .answer_hash = "ah",
                      .cached_tokens = 6,
                      .cached = true,
                      .finding = gateway::Finding::kNone,
                      .confidence = 0.125,
                      .parts = {{"它呢?", 2, true}, {"b", 1, false}}};
    if (!sink(gateway::FinishedEvent{answer})) return cancelled();
    return answer;
  }

  static gateway::Conversation MakeConversation(const std::string& session) {
    return {.session = session,
            .title = "标题",
            .created = absl::FromUnixMillis(1000),
            .updated = absl::FromUnixMillis(2000),
            .expires = absl::FromUnixMillis(3000),
            .turns = 7};
  }

  absl::StatusOr<gateway::Conversation> GetConversation(
      const gateway::ConversationRequest& request) override {
    last_conversation = request;
    if (auto s = script.Play(request.session, request.deadline, request.stop); !s.ok()) return s;
    gateway::Conversation conversation = MakeConversation(request.session);
    conversation.shown = {{.number = 7,
                           .asked = absl::FromUnixMillis(1500),
                           .question = "问",
                           .rewritten = "full",
                           .answer = "a [4]",
                           .reason = "answered",
                           .mode = gateway::Mode::kQuick,
                           .citations = {{.marker = 4, .document_id = "d", .quote = "q"}},
                           .sources = {{4, {"d", "c", 5, 1, 2}}}}};
    return conversation;
  }

  absl::StatusOr<std::vector<gateway::Conversation>> ListConversations(
      const gateway::ConversationRequest& request) override {
    last_conversation = request;
    if (auto s = script.Play(request.owner, request.deadline, request.stop); !s.ok()) return s;
    return std::vector{MakeConversation("one"), MakeConversation("two")};
  }

  absl::Status DeleteConversation(const gateway::ConversationRequest& request) override {
    last_conversation = request;
    return script.Play(request.session, request.deadline, request.stop);
  }

  absl::StatusOr<gateway::CheckReport> Check(const gateway::CheckRequest& request) override {
    last_check = request;
    if (auto s = script.Play(request.text, request.deadline, request.stop); !s.ok()) return s;
    return gateway::CheckReport{
        .sentences = {{0, 4, gateway::Verdict::kUnsupported, 0.25, {"“x” is not there"}}},
        .citations = {{.marker = 2, .document_id = "d", .quote = "q", .answer_end = 4}}};
  }

  Script script;
  std::mutex mutex;  // guards last while calls run
  gateway::Question last;
  bool answered_now = false;
  gateway::CheckRequest last_check;
  gateway::ConversationRequest last_conversation;
};

}  // namespace citeseek::testing
