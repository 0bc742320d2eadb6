#include "indexer/store/deletes.h"

#include <roaring/roaring.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "indexer/store/block_file.h"

namespace citeseek::indexer {
namespace {

constexpr std::string_view kMagic = "CSDELET1";

struct Free {
  void operator()(roaring_bitmap_t* bitmap) const { roaring_bitmap_free(bitmap); }
};
using Bitmap = std::unique_ptr<roaring_bitmap_t, Free>;

struct Numbers {
  std::vector<std::uint32_t> values;
  std::uint32_t limit = 0;
};

// False, which ends the walk, when the numbers do not ascend below the limit.
bool Collect(std::uint32_t value, void* numbers) {
  auto& [values, limit] = *static_cast<Numbers*>(numbers);
  if (value >= limit || (!values.empty() && value <= values.back())) return false;
  values.push_back(value);
  return true;
}

}  // namespace

absl::Status WriteDeletes(const std::string& path, std::span<const std::uint32_t> deleted) {
  const Bitmap bitmap(roaring_bitmap_of_ptr(deleted.size(), deleted.data()));
  if (bitmap == nullptr) return absl::ResourceExhaustedError("no memory for a delete bitmap");
  roaring_bitmap_run_optimize(bitmap.get());
  std::string bytes(roaring_bitmap_portable_size_in_bytes(bitmap.get()), '\0');
  roaring_bitmap_portable_serialize(bitmap.get(), bytes.data());
  auto file = BlockFileWriter::Create(path);
  if (!file.ok()) return file.status();
  if (auto status = file->Append(kMagic); !status.ok()) return status;
  if (auto status = file->Append(bytes); !status.ok()) return status;
  return file->Finish();
}

absl::StatusOr<std::vector<std::uint32_t>> DecodeDeletes(Bytes content,
                                                         std::uint32_t document_count) {
  const absl::Status damaged = absl::DataLossError("delete bitmap is damaged");
  if (content.size() < kMagic.size() || AsText(content.first(kMagic.size())) != kMagic) {
    return damaged;
  }
  const std::string_view bytes = AsText(content.subspan(kMagic.size()));
  const Bitmap bitmap(roaring_bitmap_portable_deserialize_safe(bytes.data(), bytes.size()));
  if (bitmap == nullptr) return damaged;
  Numbers numbers{.limit = document_count};
  if (!roaring_iterate(bitmap.get(), Collect, &numbers)) return damaged;
  return std::move(numbers.values);
}

absl::StatusOr<std::vector<std::uint32_t>> ReadDeletes(const std::string& path,
                                                       std::uint32_t document_count) {
  const auto file = BlockFile::Open(path);
  if (!file.ok()) return file.status();
  auto numbers = DecodeDeletes(file->content(), document_count);
  if (!numbers.ok()) {
    return absl::DataLossError(absl::StrCat(path, ": ", numbers.status().message()));
  }
  return numbers;
}

}  // namespace citeseek::indexer
