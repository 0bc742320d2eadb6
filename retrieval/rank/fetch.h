// Fetch: turns ranked candidates into hits with their documents' texts.
//
// Free functions, thread-safe. kCancelled, kDeadlineExceeded, kDataLoss.
#pragma once

#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "indexer/snapshot.h"
#include "retrieval/rank/fusion.h"
#include "retrieval/retriever.h"

namespace citeseek::retrieval {

absl::StatusOr<std::vector<Hit>> FetchHits(const indexer::Snapshot& snapshot,
                                           std::span<const Candidate> ranked, const Query& query);

}  // namespace citeseek::retrieval
