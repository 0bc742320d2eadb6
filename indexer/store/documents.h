// Documents: turns stored documents into `documents.sst`, a RocksDB table, and reads them back.
//
// The key is the document's number in the segment (u32, big endian), the value EncodeDocument.
// RocksDB compresses blocks of 16 KiB with Zstandard and checks each when it reads it: kDataLoss.
// DocumentsWriter is single-threaded, Documents thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "indexer/document.h"

namespace citeseek::indexer {

void EncodeDocument(const StoredDocument& document, std::string& out);
absl::StatusOr<StoredDocument> DecodeDocument(std::string_view bytes);

class DocumentsWriter {
 public:
  static absl::StatusOr<DocumentsWriter> Create(const std::string& directory);
  DocumentsWriter(DocumentsWriter&&) noexcept;
  DocumentsWriter& operator=(DocumentsWriter&&) noexcept;
  ~DocumentsWriter();

  absl::Status Add(std::string_view encoded);  // numbers count up from 0
  absl::Status Finish();                       // durable

 private:
  struct Impl;
  explicit DocumentsWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class Documents {
 public:
  static absl::StatusOr<Documents> Open(const std::string& directory);
  Documents();
  Documents(Documents&&) noexcept;
  Documents& operator=(Documents&&) noexcept;
  ~Documents();

  absl::StatusOr<StoredDocument> Read(std::uint32_t number) const;
  // Calls visit(number, encoded) for all in order, until it fails.
  absl::Status ForEach(
      const std::function<absl::Status(std::uint32_t, std::string_view)>& visit) const;
  std::uint64_t count() const;
  absl::Status VerifyChecksums() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace citeseek::indexer
