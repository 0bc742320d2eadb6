// ConversationStore: keeps the turns of conversations in a directory, durably.
//
// RocksDB; docs/index_format.md has the keys. What Append has acknowledged is there after kill -9
// or a power cut. Turns hold positions in documents, never their text: what an answer quotes is
// read from the index again when it is shown. Owners see their own conversations alone.
// Thread-safe. Errors: kNotFound (the owner has none of that id, or it has expired),
// kFailedPrecondition (another process has the directory), kResourceExhausted (disk full),
// kDataLoss.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/gateway/answerer.h"

namespace citeseek::gateway {

struct ConversationStoreOptions {
  std::string directory;
  absl::Duration ttl = absl::Hours(24 * 7);  // since the last turn
  std::function<absl::Time()> now = [] { return absl::Now(); };
};

class ConversationStore {
 public:
  static absl::StatusOr<std::unique_ptr<ConversationStore>> Open(
      const ConversationStoreOptions& options);
  ~ConversationStore();

  // The newest `limit` turns before turn `before` (0: all), the oldest first. Costs as much as
  // these, however long the conversation. Citations come without title, uri and quote.
  absl::StatusOr<Conversation> Read(const std::string& owner, const std::string& session,
                                    int before, int limit);
  // Without turns, the one that went on last first.
  absl::StatusOr<std::vector<Conversation>> List(const std::string& owner, int before, int limit);
  // Nothing of it is left in the directory afterwards.
  absl::Status Delete(const std::string& owner, const std::string& session);

  // The markers of these places: those under which the conversation has cited them, else the next
  // ones that are free. A conversation that is not there yet has cited nothing.
  absl::StatusOr<std::vector<int>> Number(const std::string& owner, const std::string& session,
                                          std::span<const retrieval::Place> places);

  // Gives the turn its number. `first` makes the conversation, and fails on one that is there;
  // else kNotFound if it has been deleted meanwhile.
  absl::Status Append(const std::string& owner, const std::string& session, bool first, Turn* turn);

  // Deletes what has expired, which leaves the disk within a day. Also done now and then by Append.
  absl::Status Sweep();

 private:
  struct Impl;
  explicit ConversationStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace citeseek::gateway
