// SegmentWriter: turns documents, and then their sorted posting lists, into a segment's files.
//
// Single-threaded. First AddDocument for each document, then AddTerm for each term in order, then
// Finish, after which these files are durable; `vectors.faiss` is written apart (VectorWriter),
// before Finish. A failure leaves a directory to remove.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "indexer/store/documents.h"
#include "indexer/store/lexicon.h"
#include "indexer/store/passages.h"
#include "indexer/store/vectors.h"

namespace citeseek::indexer {

struct PassageFacts {
  ByteRange range;
  std::uint32_t length = 0;  // terms
  float scale = 0;           // of its vector
};

class SegmentWriter {
 public:
  static absl::StatusOr<SegmentWriter> Create(const std::string& directory);

  // Versions ascend. `encoded` is what EncodeDocument made.
  absl::Status AddDocument(std::uint64_t version, std::size_t text_bytes, std::string_view encoded,
                           std::span<const PassageFacts> passages);

  std::uint32_t document_count() const {
    return static_cast<std::uint32_t>(table_.versions.size());
  }
  std::uint32_t passage_count() const { return static_cast<std::uint32_t>(table_.lengths.size()); }
  const PassageTable& table() const { return table_; }

  absl::Status AddTerm(std::string_view term, std::span<const Posting> postings);

  absl::Status Finish();

 private:
  SegmentWriter(std::string directory, DocumentsWriter documents, LexiconWriter lexicon);

  std::string directory_;
  DocumentsWriter documents_;
  LexiconWriter lexicon_;
  PassageTable table_;
};

}  // namespace citeseek::indexer
