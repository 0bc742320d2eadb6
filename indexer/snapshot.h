// Snapshot: one generation of the index, read-only.
//
// A query takes a shared_ptr<const Snapshot> once and keeps it to its end; the files stay readable
// even after newer generations have replaced them. Snapshot and Segment are thread-safe;
// PostingCursor is single-threaded.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "indexer/document.h"

namespace citeseek::indexer {

// Passages are numbered 0.. within a segment; those of one document are neighbours, in order.
using PassageId = std::uint32_t;
inline constexpr PassageId kNoMorePassages = 0xFFFFFFFF;

// A set of passages of one segment: bit p of words[p / 64].
struct PassageSet {
  std::vector<std::uint64_t> words;
  bool Contains(PassageId passage) const {
    return (words[passage / 64] >> (passage % 64) & 1) != 0;
  }
};

// Walks one posting list in passage order, decoding blocks of up to 128 postings.
class PostingCursor {
 public:
  static constexpr std::size_t kBlockSize = 128;

  virtual ~PostingCursor() = default;

  // Facts of the whole list.
  virtual std::uint32_t passage_count() const = 0;
  virtual std::uint32_t max_frequency() const = 0;
  virtual std::uint32_t min_length() const = 0;  // shortest passage_length in the list

  // Moves, forwards or backwards, to the block that holds the first posting >= passage, without
  // decoding it; cheap when that is this block or the next. After the last block block_last() is
  // kNoMorePassages.
  virtual void SeekBlock(PassageId passage) = 0;
  virtual PassageId block_last() const = 0;
  virtual std::uint32_t block_max_frequency() const = 0;
  virtual std::uint32_t block_min_length() const = 0;

  // Decodes the current block; the spans live until the cursor moves to another block.
  virtual std::span<const PassageId> passages() = 0;
  virtual std::span<const std::uint32_t> frequencies() = 0;
};

struct VectorHit {
  PassageId passage = 0;
  float score = 0;  // dot product
};

// Where a passage lies.
struct PassageRef {
  std::uint32_t document = 0;  // numbered 0.. within the segment
  ByteRange range;             // in the document's text
};

// What a hit shows: a passage, and what is known of its document.
struct StoredPassage {
  std::string document_id;
  std::string collection;
  std::string title;
  std::string uri;
  std::uint64_t version = 0;
  ByteRange range;   // in the document's text
  std::string text;  // of the passage
};

class Segment {
 public:
  virtual ~Segment() = default;

  virtual std::uint32_t document_count() const = 0;
  virtual std::uint32_t passage_count() const = 0;
  // Number of terms of each passage, its document's title included.
  virtual std::span<const std::uint32_t> passage_lengths() const = 0;
  // passage_lengths() summed.
  virtual std::uint64_t total_length() const = 0;

  // Null if no passage holds the term.
  virtual std::unique_ptr<PostingCursor> Find(std::string_view term) const = 0;

  // Passages whose document has been deleted or replaced are not live.
  virtual bool IsLive(PassageId passage) const = 0;
  virtual bool HasDeletions() const = 0;

  // Passages whose document has this metadata value ("collection" counts as metadata).
  virtual absl::StatusOr<PassageSet> Match(std::string_view field,
                                           std::string_view value) const = 0;

  // The k live passages nearest to the query [dimension], best first; `allowed` (or null) limits
  // them, and is then searched exactly.
  virtual absl::StatusOr<std::vector<VectorHit>> SearchVectors(std::span<const float> query, int k,
                                                               const PassageSet* allowed) const = 0;

  virtual PassageRef passage(PassageId passage) const = 0;
  // Costs as much as the passage, however long its document.
  virtual absl::StatusOr<StoredPassage> ReadPassage(PassageId passage) const = 0;
  virtual absl::StatusOr<StoredDocument> document(std::uint32_t document) const = 0;
  // The document of that version, live or not; versions ascend over the segments of a snapshot.
  virtual std::optional<std::uint32_t> DocumentOfVersion(std::uint64_t version) const = 0;
  // As ReadPassage, of any range; kOutOfRange if it is not in the text.
  virtual absl::StatusOr<StoredPassage> ReadRange(std::uint32_t document,
                                                  ByteRange range) const = 0;
  // First passage of a document; passages of document d: [FirstPassage(d), FirstPassage(d + 1)).
  virtual PassageId FirstPassage(std::uint32_t document) const = 0;
};

class Snapshot {
 public:
  virtual ~Snapshot() = default;

  virtual std::uint64_t generation() const = 0;
  virtual std::span<const std::shared_ptr<const Segment>> segments() const = 0;
  virtual const std::string& embedder() const = 0;  // the name its vectors were made with
  virtual int dimension() const = 0;
};

// Follows the newest generation of an index directory, in this or another process. Thread-safe.
class SnapshotSource {
 public:
  virtual ~SnapshotSource() = default;

  // The newest published generation; cheap when nothing has changed. An empty directory gives
  // generation 0 without segments.
  virtual absl::StatusOr<std::shared_ptr<const Snapshot>> Latest() = 0;
};

absl::StatusOr<std::unique_ptr<SnapshotSource>> OpenSnapshotSource(const std::string& directory);

}  // namespace citeseek::indexer
