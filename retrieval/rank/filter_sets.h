// Filter sets: turn a query's collection and metadata filters into the passages they allow.
//
// Free functions, thread-safe. Errors are those of Segment::Match.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "indexer/snapshot.h"
#include "retrieval/retriever.h"

namespace citeseek::retrieval {

// One set a segment; none at all if nothing is limited. An empty collection is all.
absl::StatusOr<std::vector<indexer::PassageSet>> AllowedPassages(const indexer::Snapshot& snapshot,
                                                                 const std::string& collection,
                                                                 std::vector<Filter> filters);

}  // namespace citeseek::retrieval
