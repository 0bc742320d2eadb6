// Publisher: turns finished segments and deletions into the next numbered generation.
//
// Thread-safe; publications happen one at a time. Files that no generation of the last three lists
// are removed. A failed publication changes nothing; the number it wanted is not used again.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "indexer/store/generation.h"

namespace citeseek::indexer {

class Publisher {
 public:
  // Opens the newest generation and removes files that it does not list. If CURRENT, its manifest
  // or its segments are damaged or missing, the newest generation that can be opened and that
  // contains the log up to `trimmed` is published anew: what came after it is still in the log.
  // kDataLoss if there is none; then nothing is removed.
  static absl::StatusOr<std::unique_ptr<Publisher>> Open(const std::string& directory,
                                                         int dimension, std::uint64_t trimmed);

  std::shared_ptr<const Generation> current() const;

  // A number for a segment to write, and the directory to write it in.
  std::uint64_t NewSegment();
  std::string SegmentPath(std::uint64_t segment) const;

  struct Flush {
    std::optional<std::uint64_t> segment;     // written, the newest versions; or none
    std::span<const std::uint64_t> obsolete;  // versions replaced or deleted
    std::uint64_t covered = 0;                // the log up to here is contained now
  };
  absl::Status Publish(const Flush& flush);

  struct Merge {
    std::optional<std::uint64_t> segment;  // written, or none if nothing was left
    std::span<const OpenSegment> inputs;   // neighbours, as they were when the merge began
  };
  absl::Status Publish(const Merge& merge);

 private:
  Publisher(std::string directory, int dimension);
  absl::StatusOr<OpenSegment> OpenNew(std::uint64_t segment) const;
  // Marks documents by version; returns what is left of the segments.
  static std::vector<OpenSegment> Without(std::vector<OpenSegment> segments,
                                          std::span<const std::uint64_t> obsolete,
                                          std::uint64_t generation);
  absl::Status Install(std::vector<OpenSegment> segments, std::uint64_t covered,
                       std::uint64_t generation);
  void RemoveUnlisted();

  const std::string directory_;
  const int dimension_;
  std::mutex publishing_;  // held through a publication
  std::uint64_t last_attempt_ = 0;
  std::deque<Manifest> recent_;  // newest last
  mutable std::mutex mutex_;
  std::shared_ptr<const Generation> current_;
  std::uint64_t next_segment_ = 1;
};

}  // namespace citeseek::indexer
