// SegmentBuilder: turns documents into a new segment: passages, terms, vectors, posting lists.
//
// Cutting, analysis and embedding run on several threads; the inversion on the caller's.
// Single-threaded otherwise. Documents go to disk as they come; postings and vector codes stay in
// memory until Finish (memory_bytes).
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "indexer/analyzer.h"
#include "indexer/document.h"
#include "indexer/store/segment_writer.h"
#include "indexer/store/term_table.h"
#include "inference/embedder.h"

namespace citeseek::indexer {

struct BuilderOptions {
  const Analyzer* analyzer = nullptr;
  inference::Embedder* embedder = nullptr;
  int threads = 1;
};

class SegmentBuilder {
 public:
  static absl::StatusOr<SegmentBuilder> Create(const std::string& directory,
                                               const BuilderOptions& options);

  // Versions ascend over all calls. After a failure the builder is useless.
  absl::Status Add(std::span<const StoredDocument> documents, std::stop_token stop);
  absl::Status Finish();  // durable; needs at least one document

  std::span<const std::uint64_t> versions() const { return writer_.table().versions; }
  std::size_t memory_bytes() const;

 private:
  struct PreparedDocument;
  struct Entry {
    std::uint32_t term = 0;
    std::uint32_t frequency = 0;
  };

  struct TermState {
    std::uint64_t last_entry = 0;  // index in entries_ + 1
    std::uint64_t passages = 0;    // with the term
  };

  SegmentBuilder(std::string directory, const BuilderOptions& options, SegmentWriter writer);
  void Prepare(const StoredDocument& document, PreparedDocument& prepared) const;
  absl::Status EmbedAll(std::span<PreparedDocument> documents, std::stop_token stop) const;
  absl::Status Insert(const PreparedDocument& document);
  // Returns by how much the passage grew: 1, or 0 if the term's frequency is at its limit.
  std::uint32_t Count(std::string_view term, PassageId passage);
  absl::Status WriteTerms();

  std::string directory_;
  BuilderOptions options_;
  SegmentWriter writer_;
  std::string codes_;  // [passages, dimension]
  TermTable terms_;
  std::vector<TermState> states_;           // [terms]
  std::vector<Entry> entries_;              // by passage
  std::vector<std::uint64_t> first_entry_;  // [passages + 1]
};

}  // namespace citeseek::indexer
