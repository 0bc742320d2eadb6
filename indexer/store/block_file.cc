#include "indexer/store/block_file.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace citeseek::indexer {
namespace {

constexpr std::size_t kBlockBytes = 64 << 10;
constexpr std::string_view kFooterMagic = "CSBLOCK1";
// content bytes u64, checksum of (checksums, content bytes) u64, magic.
constexpr std::size_t kFooterBytes = 24;

}  // namespace

std::uint64_t Checksum(Bytes bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

absl::StatusOr<BlockFileWriter> BlockFileWriter::Create(const std::string& path) {
  auto file = FileWriter::Create(path);
  if (!file.ok()) return file.status();
  return BlockFileWriter(*std::move(file));
}

absl::Status BlockFileWriter::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t part = std::min(bytes.size(), kBlockBytes - block_.size());
    block_.append(bytes.substr(0, part));
    bytes.remove_prefix(part);
    if (block_.size() == kBlockBytes) {
      if (auto status = EndBlock(); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::Status BlockFileWriter::EndBlock() {
  PutFixed(checksums_, Checksum(AsBytes(block_)));
  size_ += block_.size();
  const absl::Status status = file_.Append(block_);
  block_.clear();
  return status;
}

absl::Status BlockFileWriter::Finish() {
  if (!block_.empty()) {
    if (auto status = EndBlock(); !status.ok()) return status;
  }
  std::string tail = std::move(checksums_);
  PutFixed(tail, size_);
  PutFixed(tail, Checksum(AsBytes(tail)));
  tail.append(kFooterMagic);
  if (auto status = file_.Append(tail); !status.ok()) return status;
  return file_.Finish();
}

absl::StatusOr<Bytes> VerifyBlocks(Bytes file) {
  if (file.size() < kFooterBytes) {
    return absl::DataLossError(absl::StrCat("file of ", file.size(), " bytes has no footer"));
  }
  const Bytes footer = file.last(kFooterBytes);
  if (AsText(footer.last(8)) != kFooterMagic) {
    return absl::DataLossError("footer is damaged or of another version");
  }
  const auto size = LoadFixed<std::uint64_t>(footer.data());
  const std::uint64_t rest = file.size() - kFooterBytes;
  if (size > rest) return absl::DataLossError("footer is damaged");
  const std::uint64_t blocks = (size + kBlockBytes - 1) / kBlockBytes;
  if (rest - size != blocks * 8) return absl::DataLossError("footer is damaged");
  const Bytes tail = file.subspan(size, blocks * 8 + 8);
  if (Checksum(tail) != LoadFixed<std::uint64_t>(footer.data() + 8)) {
    return absl::DataLossError("checksum table is damaged");
  }
  for (std::uint64_t i = 0; i < blocks; ++i) {
    const std::uint64_t start = i * kBlockBytes;
    const Bytes block = file.subspan(start, std::min<std::uint64_t>(kBlockBytes, size - start));
    if (Checksum(block) != LoadFixed<std::uint64_t>(tail.data() + i * 8)) {
      return absl::DataLossError(absl::StrCat("block at byte ", start, " is damaged"));
    }
  }
  return file.first(size);
}

absl::StatusOr<BlockFile> BlockFile::Open(const std::string& path) {
  auto mapped = MappedFile::Open(path);
  if (!mapped.ok()) return mapped.status();
  const auto content = VerifyBlocks(mapped->bytes());
  if (!content.ok()) {
    return absl::Status(content.status().code(),
                        absl::StrCat(path, ": ", content.status().message()));
  }
  BlockFile file;
  file.file_ = *std::move(mapped);
  file.content_ = *content;
  return file;
}

}  // namespace citeseek::indexer
