// Documents: turns stored documents into `documents.sst`, a RocksDB table, and reads them back.
//
// EncodeDocument's bytes are cut into parts at every 4 KiB of the text, so that a passage is read
// without its whole document; the key is the document's number in the segment and the part's.
// RocksDB compresses blocks of a few parts with Zstandard and checks each when it reads it:
// kDataLoss. DocumentsWriter is single-threaded, the others thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "indexer/document.h"
#include "indexer/snapshot.h"

namespace citeseek::indexer {

void EncodeDocument(const StoredDocument& document, std::string& out);
absl::StatusOr<StoredDocument> DecodeDocument(std::string_view bytes);

class DocumentsWriter {
 public:
  static absl::StatusOr<DocumentsWriter> Create(const std::string& directory);
  DocumentsWriter(DocumentsWriter&&) noexcept;
  DocumentsWriter& operator=(DocumentsWriter&&) noexcept;
  ~DocumentsWriter();

  // Numbers count up from 0. `encoded` ends with the `text_bytes` of the text.
  absl::Status Add(std::string_view encoded, std::size_t text_bytes);
  absl::Status Finish();  // durable

 private:
  struct Impl;
  explicit DocumentsWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Blocks read lately, decompressed, of all tables opened with it. Grows up to the size as used.
class DocumentCache {
 public:
  explicit DocumentCache(std::size_t bytes);
  ~DocumentCache();

 private:
  friend class Documents;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Documents {
 public:
  // `cache` may be null.
  static absl::StatusOr<Documents> Open(const std::string& directory, const DocumentCache* cache);
  Documents();
  Documents(Documents&&) noexcept;
  Documents& operator=(Documents&&) noexcept;
  ~Documents();

  absl::StatusOr<StoredDocument> Read(std::uint32_t number) const;
  // `range` in the document's text. Reads the document's first part and those of the range.
  absl::StatusOr<StoredPassage> ReadPassage(std::uint32_t number, ByteRange range) const;
  // Calls visit(number, encoded) for all in order, until it fails.
  absl::Status ForEach(
      const std::function<absl::Status(std::uint32_t, std::string_view)>& visit) const;
  std::uint32_t count() const;
  absl::Status VerifyChecksums() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace citeseek::indexer
