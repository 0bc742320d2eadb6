// LiveSegment: turns a segment's files and one generation's deletions into a searchable Segment.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "indexer/snapshot.h"
#include "indexer/store/segment_files.h"

namespace citeseek::indexer {

// `deleted`: numbers of deleted documents, ascending, below document_count().
std::shared_ptr<const Segment> MakeLiveSegment(std::shared_ptr<const SegmentFiles> files,
                                               std::span<const std::uint32_t> deleted);

}  // namespace citeseek::indexer
