// Indexer: turns documents into numbered generations of a searchable index, durably.
//
// Thread-safe. Add and Delete return once the change is on disk (one synced RocksDB batch a call).
// It becomes visible at the next generation: at most Options::commit_interval later, at once after
// Commit. Errors: kInvalidArgument (bad document), kFailedPrecondition (directory locked by another
// process, of another version, or made with another embedder), kNotFound, kDataLoss (checksum),
// kResourceExhausted (disk full), kDeadlineExceeded, kCancelled.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "indexer/analyzer.h"
#include "indexer/document.h"
#include "inference/embedder.h"

namespace citeseek::indexer {

struct AddRequest {
  std::span<const Document> documents;
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};

struct DeleteRequest {
  std::span<const DocumentKey> keys;
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};

struct CommitRequest {
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};

struct GetRequest {
  DocumentKey key;
  std::uint64_t version = 0;  // 0: the newest
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};

// One result a document or key, in the order given.
struct AddResult {
  absl::Status status;        // of this document alone
  std::uint64_t version = 0;  // if status is OK
};

struct DeleteResult {
  absl::Status status;  // kNotFound if there is no such document
};

struct IndexStats {
  std::uint64_t generation = 0;
  std::uint64_t documents = 0;          // visible
  std::uint64_t passages = 0;           // visible
  std::uint64_t pending_documents = 0;  // acknowledged, not yet visible
  std::uint64_t segments = 0;
  std::uint64_t bytes_on_disk = 0;
  std::uint64_t text_bytes = 0;  // of the visible documents
  std::string embedder;
};

class Indexer {
 public:
  virtual ~Indexer() = default;

  // A document that is not valid gets its own status; the valid ones are added, in one batch.
  virtual absl::StatusOr<std::vector<AddResult>> Add(const AddRequest& request) = 0;
  virtual absl::StatusOr<std::vector<DeleteResult>> Delete(const DeleteRequest& request) = 0;
  // Publishes everything acknowledged so far; returns the generation that shows it.
  virtual absl::StatusOr<std::uint64_t> Commit(const CommitRequest& request) = 0;
  // The newest acknowledged version, visible or not. Older versions are kept until their segment
  // is merged away; then kNotFound.
  virtual absl::StatusOr<StoredDocument> Get(const GetRequest& request) = 0;
  virtual absl::StatusOr<IndexStats> Stats() = 0;
};

struct IndexerOptions {
  std::string directory;
  const Analyzer* analyzer = nullptr;       // outlives the indexer
  inference::Embedder* embedder = nullptr;  // outlives the indexer
  absl::Duration commit_interval = absl::Seconds(1);
  std::size_t max_segments_per_tier = 8;  // at least 2; so many of about one size are merged
  std::size_t flush_bytes = 64 << 20;     // of text or postings held in memory for a segment
  int threads = 0;                        // for analysis and embedding; 0: one a processor, up to 8
};

// Opens or makes the index in a directory and takes its lock; recovers what was acknowledged.
absl::StatusOr<std::unique_ptr<Indexer>> OpenIndexer(const IndexerOptions& options);

// Proves that log, segments, lexicon, postings, vectors, documents and delete bitmaps agree.
// Reads only, and takes the writer's lock. Returns what it counted, or every fault found, one a
// line, in kDataLoss.
struct FsckReport {
  std::uint64_t generation = 0;
  std::uint64_t segments = 0;
  std::uint64_t documents = 0;
  std::uint64_t passages = 0;
  std::uint64_t terms = 0;
  std::uint64_t postings = 0;
};
absl::StatusOr<FsckReport> CheckIndex(const std::string& directory);

}  // namespace citeseek::indexer
