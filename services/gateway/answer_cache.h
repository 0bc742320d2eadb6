// AnswerCache: an Answerer in front of another that gives known answers again.
//
// An answer is known by its question (blanks and closing marks aside), mode, scope, recipe, model,
// how it draws, history and day. It is given only if the search, made again, brings the very
// passages, in the same versions and order, that it was made from: so it ends with the generation
// that changes, deletes or outranks one of them, or that has something to say where the documents
// said nothing. An answer that was searched for more than once ends with the generation itself: of
// the same one all its searches would bring the same. What it saves is reading and generation, and
// the model's place in line: it stands before admission. Events come in the order of a fresh
// answer; the receipt says `cached`, and no tokens.
//
// In memory, the least recently given leave first. Thread-safe. Errors: those of the answerer, and
// of the search.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "services/gateway/answerer.h"

namespace citeseek::gateway {

struct AnswerCacheOptions {
  Answerer* answerer = nullptr;               // both outlive this
  retrieval::Retriever* retriever = nullptr;  // the one that the answerer reads from
  std::int64_t bytes = 64 << 20;              // of answers, about; 0: nothing is kept
  std::function<std::string()> model = [] { return std::string(); };  // that would answer now
  std::function<absl::Time()> now = [] { return absl::Now(); };
};

struct AnswerCacheStats {
  std::int64_t entries = 0;  // now
  std::int64_t bytes = 0;    // now
  std::int64_t hits = 0;
  std::int64_t misses = 0;
  std::int64_t invalidated = 0;  // of the misses, those whose passages were no longer the same
};

class AnswerCache final : public Answerer {
 public:
  explicit AnswerCache(const AnswerCacheOptions& options) : options_(options) {}

  absl::StatusOr<Answer> Ask(const Question& question, const EventSink& sink) override;
  absl::StatusOr<CheckReport> Check(const CheckRequest& request) override {
    return options_.answerer->Check(request);
  }
  absl::Status AnswerNow(const std::string& request_id) override {
    return options_.answerer->AnswerNow(request_id);
  }

  void Clear();  // the model is another one under the same name
  AnswerCacheStats Stats() const;

 private:
  struct Entry {
    std::string key;
    std::vector<Event> events;         // but queued, searched and finished
    std::vector<retrieval::Hit> hits;  // of more than one search
    Answer answer;
    std::int64_t bytes = 0;
  };
  using Entries = std::list<Entry>;  // the one given last first

  std::string KeyOf(const Question& question) const;
  absl::StatusOr<Answer> Give(const Question& question, Entry entry, retrieval::Result result,
                              absl::Time start, const EventSink& sink);
  std::optional<Entry> Find(const std::string& key);
  void Drop(const std::string& key, const std::string& request_id);
  void Keep(Entry entry);

  const AnswerCacheOptions options_;
  mutable std::mutex mutex_;
  Entries entries_;  // guarded by mutex_, as all below
  std::unordered_map<std::string, Entries::iterator> by_key_;
  AnswerCacheStats stats_;
};

}  // namespace citeseek::gateway
