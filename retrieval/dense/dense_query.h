// DenseQuery: one query's vector on one snapshot: the nearest passages, and the exact score of
// given ones.
//
// Single-threaded; the snapshot outlives it.
#pragma once

#include <cstddef>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "indexer/snapshot.h"
#include "inference/embedder.h"
#include "retrieval/lexical/top_documents.h"

namespace citeseek::retrieval {

struct EmbedQueryRequest {
  inference::Embedder* embedder = nullptr;
  std::string text;
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};
// kFailedPrecondition if the snapshot's vectors were made with another embedder; else what the
// embedder says. All zero for a text without features.
absl::StatusOr<std::vector<float>> EmbedQuery(const indexer::Snapshot& snapshot,
                                              const EmbedQueryRequest& request);

class DenseQuery {
 public:
  DenseQuery(const indexer::Snapshot& snapshot, std::vector<float> vector)
      : snapshot_(snapshot), vector_(std::move(vector)) {}

  struct SearchOptions {
    std::size_t top_k = 10;
    std::span<const indexer::PassageSet> allowed;  // one a segment; empty: all
    absl::Time deadline = absl::InfiniteFuture();
    std::stop_token stop = {};
  };
  // The top_k nearest live passages, best first. kCancelled, kDeadlineExceeded, kDataLoss.
  absl::StatusOr<std::vector<ScoredPassage>> Search(const SearchOptions& options);

  // The exact scores of the given live passages, in any order.
  absl::StatusOr<std::vector<ScoredPassage>> Score(std::span<const ScoredPassage> passages);

 private:
  const indexer::Snapshot& snapshot_;
  std::vector<float> vector_;  // [dimension]
};

}  // namespace citeseek::retrieval
