// Conversations: an Answerer in front of another that knows what has been said before.
//
// A question of a session gets the newest turns of it, one with a history of its own those; what it
// leaves out is filled in (rewrite.h), the passages that the turn before cited are read again, and
// sources keep their markers. The turn is on disk before `finished` goes out. What a turn quotes is
// not kept but read from the index again: of documents deleted or replaced since nothing is shown
// or given to a model. A session answers one question at a time: kAborted.
//
// Thread-safe. The errors are those of the answerers and of ConversationStore.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "services/gateway/answerer.h"
#include "services/gateway/conversation_store.h"

namespace citeseek::gateway {

struct ConversationsOptions {
  Answerer* answerer = nullptr;               // both outlive this
  retrieval::Retriever* retriever = nullptr;  // reads what turns have cited
  // The store, opened when it is first asked for; null: no sessions.
  std::function<absl::StatusOr<ConversationStore*>()> store;
  std::function<absl::Time()> now = [] { return absl::Now(); };
};

class Conversations final : public Answerer {
 public:
  explicit Conversations(const ConversationsOptions& options) : options_(options) {}

  absl::StatusOr<Answer> Ask(const Question& question, const EventSink& sink) override;
  absl::StatusOr<CheckReport> Check(const CheckRequest& request) override {
    return options_.answerer->Check(request);
  }
  absl::Status AnswerNow(const std::string& request_id) override {
    return options_.answerer->AnswerNow(request_id);
  }

  absl::StatusOr<Conversation> GetConversation(const ConversationRequest& request) override;
  absl::StatusOr<std::vector<Conversation>> ListConversations(
      const ConversationRequest& request) override;
  absl::Status DeleteConversation(const ConversationRequest& request) override;

 private:
  absl::StatusOr<ConversationStore*> Store() const;
  absl::StatusOr<Answer> AskInSession(Question question, const EventSink& sink);
  void Understand(Question* question) const;
  void TakeSources(Question* question) const;
  absl::Status ReadAgain(absl::Time deadline, const std::stop_token& stop,
                         std::vector<Turn>* turns) const;

  const ConversationsOptions options_;
  std::mutex mutex_;
  std::set<std::pair<std::string, std::string>> running_;  // owner, session; guarded by mutex_
};

// Leaves the newest turns that fit kMaxHistoryTurns and kMaxHistoryBytes.
void KeepNewest(std::vector<Turn>* turns);

// The answer without what citations without a quote carried, and, if there are such, without what
// stands before the first citation.
void Withhold(Turn* turn);

}  // namespace citeseek::gateway
