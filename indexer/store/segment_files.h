// SegmentFiles: the five immutable files of one segment, opened, verified and mapped.
//
// Shared by every generation that lists the segment; still readable after it has been removed from
// the directory. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "indexer/store/block_file.h"
#include "indexer/store/documents.h"
#include "indexer/store/lexicon.h"
#include "indexer/store/passages.h"
#include "indexer/store/vectors.h"

namespace citeseek::indexer {

struct SegmentFiles {
  BlockFile terms_file;
  BlockFile postings_file;
  BlockFile passages_file;
  BlockFile vectors_file;
  Lexicon lexicon;
  Passages passages;
  Vectors vectors;
  Documents documents;
};

absl::StatusOr<std::shared_ptr<const SegmentFiles>> OpenSegmentFiles(const std::string& directory,
                                                                     int dimension,
                                                                     const DocumentCache* cache);

}  // namespace citeseek::indexer
