// Log: the durable write side, in RocksDB: turns a call's changes into one synced batch.
//
// It holds the changes since the newest generation (whole documents, by sequence number) and for
// every document that exists its newest version. A change's sequence number is the version of the
// document it adds; numbers count up and are never given twice. Thread-safe: concurrent calls share
// one batch and one fsync. Errors: kResourceExhausted (disk full), kDataLoss, kInternal; after one
// the next Write tries again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "indexer/document.h"

namespace citeseek::indexer {

struct Change {
  const Document* document = nullptr;  // to add, valid; or null:
  const DocumentKey* key = nullptr;    // to delete
  // Results. kNotFound: no such document; kInvalidArgument: the key names several.
  absl::Status status;
  std::uint64_t version = 0;
};

struct LogRecord {
  std::uint64_t sequence = 0;
  std::uint64_t replaced = 0;              // the version this change makes obsolete; 0: none
  std::optional<StoredDocument> document;  // none: a delete
};

// Versions of a document that can still be asked for.
struct KeyState {
  std::uint64_t version = 0;  // the newest
  std::uint64_t since = 0;    // the first one after it was last deleted
};

class Log {
 public:
  static absl::StatusOr<std::unique_ptr<Log>> Open(const std::string& directory);
  ~Log();

  // Applies the changes in order, all or none; changes whose own status is not OK have no effect.
  absl::Status Write(std::span<Change> changes);

  // Records after `after` and up to `last`, in order, until they hold `max_bytes` of text.
  absl::StatusOr<std::vector<LogRecord>> Read(std::uint64_t after, std::uint64_t last,
                                              std::size_t max_bytes) const;
  // The document a record added; nothing if there is no such record (any more).
  absl::StatusOr<std::optional<StoredDocument>> ReadDocument(std::uint64_t version) const;

  absl::StatusOr<std::optional<KeyState>> Find(const DocumentKey& key) const;
  // The collections that hold the id.
  absl::StatusOr<std::map<std::string, KeyState>> Collections(const std::string& id) const;
  absl::Status ForEachKey(
      const std::function<void(const DocumentKey&, const KeyState&)>& visit) const;

  // Forgets records up to `covered`.
  absl::Status Trim(std::uint64_t covered);

  std::uint64_t last_sequence() const;  // of what has been acknowledged
  std::uint64_t trimmed() const;
  absl::StatusOr<std::uint64_t> CountDocuments() const;  // records that add one
  absl::Status VerifyChecksums() const;

 private:
  struct Impl;
  class Access;
  explicit Log(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// kNotFound, naming the key.
absl::Status NoSuchDocument(const DocumentKey& key);
// Completes a key without a collection: kNotFound if none holds it, kInvalidArgument, naming them,
// if several do.
absl::Status PickCollection(const std::map<std::string, KeyState>& collections, DocumentKey& key);

}  // namespace citeseek::indexer
