// Merge: turns neighbouring segments into one without their deleted documents.
//
// Free functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "indexer/store/segment_files.h"

namespace citeseek::indexer {

struct MergeInput {
  std::shared_ptr<const SegmentFiles> files;
  std::shared_ptr<const std::vector<std::uint32_t>> deleted;  // documents to leave out, ascending
};

// Writes the segment durably; inputs are in the order of their versions. Returns its documents:
// with none, there is no segment. kCancelled.
absl::StatusOr<std::uint32_t> MergeSegments(std::span<const MergeInput> inputs,
                                            const std::string& directory, std::stop_token stop);

// What a segment weighs in the choice of merges.
struct MergeCandidate {
  std::uint64_t bytes = 0;  // of live text
  std::uint32_t documents = 0;
  std::uint32_t deleted = 0;
};

struct MergeRun {
  std::size_t first = 0;
  std::size_t count = 0;
};

// The run of neighbours to merge next: as soon as it has `per_tier` segments of about one size
// (tiers are powers of per_tier) and none larger, so that a document is rewritten once a tier; or a
// segment that is mostly deleted. Neighbours only, so that the versions in segments never
// interleave.
std::optional<MergeRun> PickMerge(std::span<const MergeCandidate> segments, std::size_t per_tier);

}  // namespace citeseek::indexer
