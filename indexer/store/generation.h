// Generation: turns a manifest into opened segments, which together are a Snapshot.
//
// Thread-safe once made.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "indexer/snapshot.h"
#include "indexer/store/manifest.h"
#include "indexer/store/segment_files.h"

namespace citeseek::indexer {

struct OpenSegment {
  SegmentEntry entry;
  std::shared_ptr<const SegmentFiles> files;
  std::shared_ptr<const std::vector<std::uint32_t>> deleted;  // documents, ascending
  std::shared_ptr<const Segment> live;
  std::uint64_t live_passages = 0;
  std::uint64_t live_text_bytes = 0;
};

// Fills in what follows from files and deleted.
void FinishOpenSegment(OpenSegment& segment);

struct Generation {
  Manifest manifest;
  std::vector<OpenSegment> segments;  // as in the manifest
};

// Opens what the manifest lists, taking from `previous` (or null) what it has open already. Reads
// of documents go through `cache` (or null). kNotFound: files of the
// generation have been removed.
absl::StatusOr<std::shared_ptr<const Generation>> OpenGeneration(
    const std::string& directory, const Manifest& manifest, int dimension,
    const Generation* previous, const DocumentCache* cache = nullptr);

}  // namespace citeseek::indexer
