#include "indexer/store/generation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "indexer/store/deletes.h"
#include "indexer/store/live_segment.h"

namespace citeseek::indexer {

void FinishOpenSegment(OpenSegment& segment) {
  const Passages& passages = segment.files->passages;
  segment.entry.documents = passages.document_count();
  segment.entry.deleted = static_cast<std::uint32_t>(segment.deleted->size());
  segment.live = MakeLiveSegment(segment.files, *segment.deleted);
  segment.live_passages = passages.passage_count();
  segment.live_text_bytes = 0;
  for (const std::uint32_t bytes : passages.text_bytes()) segment.live_text_bytes += bytes;
  const auto first = passages.first_passages();
  for (const std::uint32_t d : *segment.deleted) {
    segment.live_passages -= first[d + 1] - first[d];
    segment.live_text_bytes -= passages.text_bytes()[d];
  }
}

absl::StatusOr<std::shared_ptr<const Generation>> OpenGeneration(const std::string& directory,
                                                                 const Manifest& manifest,
                                                                 int dimension,
                                                                 const Generation* previous,
                                                                 const DocumentCache* cache) {
  auto generation = std::make_shared<Generation>();
  generation->manifest = manifest;
  for (const SegmentEntry& entry : manifest.segments) {
    OpenSegment segment{.entry = entry};
    if (previous != nullptr) {
      const auto known = std::ranges::find_if(previous->segments, [&](const OpenSegment& open) {
        return open.entry.number == entry.number;
      });
      if (known != previous->segments.end()) {
        if (known->entry.deletes_generation == entry.deletes_generation) {
          generation->segments.push_back(*known);
          continue;
        }
        segment.files = known->files;
      }
    }
    const std::string path = absl::StrCat(directory, "/", SegmentName(entry.number));
    if (segment.files == nullptr) {
      auto files = OpenSegmentFiles(path, dimension, cache);
      if (!files.ok()) return files.status();
      segment.files = *std::move(files);
    }
    std::vector<std::uint32_t> deleted;
    if (entry.deletes_generation != 0) {
      auto read = ReadDeletes(
          absl::StrCat(directory, "/", DeletesName(entry.number, entry.deletes_generation)),
          segment.files->passages.document_count());
      if (!read.ok()) return read.status();
      deleted = *std::move(read);
    }
    if (segment.files->passages.document_count() != entry.documents ||
        deleted.size() != entry.deleted) {
      return absl::DataLossError(absl::StrCat(
          path, " holds ", segment.files->passages.document_count(), " documents, ", deleted.size(),
          " deleted; the manifest says ", entry.documents, " and ", entry.deleted));
    }
    segment.deleted = std::make_shared<const std::vector<std::uint32_t>>(std::move(deleted));
    FinishOpenSegment(segment);
    generation->segments.push_back(std::move(segment));
  }
  return generation;
}

}  // namespace citeseek::indexer
