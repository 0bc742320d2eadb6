// BlockFile: turns an immutable file into bytes that are known to be the ones that were written.
//
// Content (it begins with its own magic and version), then one XXH3-64 for each 64 KiB of it, then
// a footer. Opening maps the file and verifies every block, so that what reads the content later
// needs no error path for damage. kDataLoss names the file and the offset of the damaged block.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "indexer/store/coding.h"
#include "indexer/store/file.h"

namespace citeseek::indexer {

std::uint64_t Checksum(Bytes bytes);

class BlockFileWriter {
 public:
  static absl::StatusOr<BlockFileWriter> Create(const std::string& path);

  absl::Status Append(std::string_view bytes);
  std::uint64_t size() const { return size_ + block_.size(); }
  absl::Status Finish();

 private:
  explicit BlockFileWriter(FileWriter file) : file_(std::move(file)) {}
  absl::Status EndBlock();

  FileWriter file_;
  std::string block_;
  std::string checksums_;
  std::uint64_t size_ = 0;
};

class BlockFile {
 public:
  static absl::StatusOr<BlockFile> Open(const std::string& path);
  BlockFile() = default;
  Bytes content() const { return content_; }

 private:
  MappedFile file_;
  Bytes content_;
};

// What Open checks, for bytes in memory: the content, or what is wrong (without the file's name).
absl::StatusOr<Bytes> VerifyBlocks(Bytes file);

}  // namespace citeseek::indexer
