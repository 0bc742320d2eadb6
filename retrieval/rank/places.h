// Places: turns places that hits and citations named once into what stands there now.
//
// Free functions, thread-safe. kCancelled, kDeadlineExceeded, kDataLoss.
#pragma once

#include <span>

#include "absl/status/statusor.h"
#include "indexer/snapshot.h"
#include "retrieval/retriever.h"

namespace citeseek::retrieval {

// `allowed`: one set a segment, or none. Costs a binary search a segment and place, and reading.
absl::StatusOr<Result> ReadPlaces(const indexer::Snapshot& snapshot, const ReadRequest& request,
                                  std::span<const indexer::PassageSet> allowed);

}  // namespace citeseek::retrieval
