#include "indexer/store/passages.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "indexer/store/block_file.h"
#include "indexer/store/postings.h"

namespace citeseek::indexer {
namespace {

// Followed by documents u32, passages u32 and total length u64.
constexpr std::string_view kMagic = "CSPASSG1";

template <typename T>
std::string_view Raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

template <typename T>
std::span<const T> TakeArray(ByteReader& reader, std::uint64_t count) {
  const Bytes bytes = reader.Take(count * sizeof(T));
  return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
}

absl::Status CheckPassages(const Passages& passages) {
  const auto versions = passages.versions();
  const auto first = passages.first_passages();
  const auto starts = passages.starts();
  const auto ends = passages.ends();
  if (first.front() != 0 || first.back() != passages.passage_count()) {
    return absl::DataLossError("passages do not cover the documents");
  }
  std::uint64_t total = 0;
  for (std::size_t d = 0; d < versions.size(); ++d) {
    if (first[d] >= first[d + 1]) {
      return absl::DataLossError(absl::StrCat("document ", d, " has no passage"));
    }
    if (d > 0 && versions[d] <= versions[d - 1]) {
      return absl::DataLossError(absl::StrCat("version of document ", d, " does not ascend"));
    }
  }
  for (std::size_t d = 0; d < versions.size(); ++d) {
    std::uint32_t before = 0;
    if (first[d + 1] > starts.size()) return absl::DataLossError("passages are out of range");
    for (std::uint32_t p = first[d]; p < first[d + 1]; ++p) {
      if (starts[p] < before || ends[p] < starts[p] || ends[p] > passages.text_bytes()[d]) {
        return absl::DataLossError(absl::StrCat("range of passage ", p, " is not in order"));
      }
      before = ends[p];
      total += passages.lengths()[p];
    }
  }
  if (total != passages.total_length()) return absl::DataLossError("lengths do not add up");
  return absl::OkStatus();
}

}  // namespace

absl::Status WritePassages(const PassageTable& table, const std::string& directory) {
  auto file = BlockFileWriter::Create(directory + "/passages");
  if (!file.ok()) return file.status();
  std::uint64_t total = 0;
  for (const std::uint32_t length : table.lengths) total += length;
  std::string header(kMagic);
  PutFixed(header, static_cast<std::uint32_t>(table.versions.size()));
  PutFixed(header, static_cast<std::uint32_t>(table.lengths.size()));
  PutFixed(header, total);
  for (const std::string_view part :
       {std::string_view(header), Raw(table.versions), Raw(table.text_bytes),
        Raw(table.first_passages), Raw(table.starts), Raw(table.ends), Raw(table.lengths),
        Raw(table.scales)}) {
    if (auto status = file->Append(part); !status.ok()) return status;
  }
  return file->Finish();
}

absl::StatusOr<Passages> Passages::Make(Bytes content) {
  ByteReader reader(content);
  if (AsText(reader.Take(kMagic.size())) != kMagic ||
      reinterpret_cast<std::uintptr_t>(content.data()) % alignof(std::uint64_t) != 0) {
    return absl::DataLossError("passages are damaged or of another version");
  }
  const auto documents = reader.Fixed<std::uint32_t>();
  const auto passages = reader.Fixed<std::uint32_t>();
  Passages table;
  table.total_length_ = reader.Fixed<std::uint64_t>();
  table.versions_ = TakeArray<std::uint64_t>(reader, documents);
  table.text_bytes_ = TakeArray<std::uint32_t>(reader, documents);
  table.first_passages_ = TakeArray<std::uint32_t>(reader, std::uint64_t{documents} + 1);
  table.starts_ = TakeArray<std::uint32_t>(reader, passages);
  table.ends_ = TakeArray<std::uint32_t>(reader, passages);
  table.lengths_ = TakeArray<std::uint32_t>(reader, passages);
  table.scales_ = TakeArray<float>(reader, passages);
  if (!reader.ok() || reader.left() != 0 || passages > kMaxPassages) {
    return absl::DataLossError("passages have the wrong size");
  }
  if (auto status = CheckPassages(table); !status.ok()) return status;
  return table;
}

PassageRef Passages::Find(PassageId passage) const {
  const auto after = std::upper_bound(first_passages_.begin(), first_passages_.end(), passage);
  return {.document = static_cast<std::uint32_t>(after - first_passages_.begin() - 1),
          .range = {starts_[passage], ends_[passage]}};
}

std::optional<std::uint32_t> Passages::DocumentOfVersion(std::uint64_t version) const {
  const auto found = std::lower_bound(versions_.begin(), versions_.end(), version);
  if (found == versions_.end() || *found != version) return std::nullopt;
  return static_cast<std::uint32_t>(found - versions_.begin());
}

}  // namespace citeseek::indexer
