// MemorySegment: documents held in memory behind the snapshot door, for tests of what reads it.
//
// Passages are the paragraphs of a text (cut at empty lines), with the title's terms added to each,
// as the door asks. Small blocks make small tests meet block borders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "indexer/analyzer.h"
#include "indexer/snapshot.h"
#include "inference/embedder.h"

namespace citeseek::tests {

// Words are runs of letters and digits, lower case; nothing else.
class WordAnalyzer : public indexer::Analyzer {
 public:
  std::vector<indexer::Term> Analyze(std::string_view text) const override;
};

// Paragraphs of the text; the whole text if it has none.
std::vector<indexer::ByteRange> SplitParagraphs(std::string_view text);

struct MemorySegmentOptions {
  std::vector<indexer::StoredDocument> documents;
  std::set<std::string> deleted;  // document ids
  const indexer::Analyzer* analyzer = nullptr;
  inference::Embedder* embedder = nullptr;  // null: no vectors
  std::size_t block_size = 4;               // postings a block
  std::vector<indexer::ByteRange> (*split)(std::string_view text) = SplitParagraphs;
};
std::shared_ptr<const indexer::Segment> MakeMemorySegment(const MemorySegmentOptions& options);

class MemorySnapshot : public indexer::Snapshot {
 public:
  std::uint64_t generation() const override { return generation_; }
  std::span<const std::shared_ptr<const indexer::Segment>> segments() const override {
    return segments_;
  }
  const std::string& embedder() const override { return embedder_; }
  int dimension() const override { return dimension_; }

  std::uint64_t generation_ = 1;
  std::vector<std::shared_ptr<const indexer::Segment>> segments_;
  std::string embedder_;
  int dimension_ = 0;
};

// Gives what was set last. Thread-safe.
class MemorySource : public indexer::SnapshotSource {
 public:
  absl::StatusOr<std::shared_ptr<const indexer::Snapshot>> Latest() override;
  void Set(absl::StatusOr<std::shared_ptr<const indexer::Snapshot>> latest);

 private:
  std::mutex mutex_;
  absl::StatusOr<std::shared_ptr<const indexer::Snapshot>> latest_ =
      std::make_shared<const MemorySnapshot>();
};

}  // namespace citeseek::tests
