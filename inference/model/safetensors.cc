#include "inference/model/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <unordered_set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/model/json.h"

namespace citeseek::inference {
namespace {

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr std::size_t kMaxDimensions = 8;

struct SourceType {
  std::string_view name;
  std::int64_t bytes;
  DType dtype = DType::kOther;
};
constexpr SourceType kSourceTypes[] = {
    {"F32", 4, DType::kF32},
    {"F16", 2, DType::kF16},
    {"BF16", 2, DType::kBF16},
    {"F64", 8},
    {"I64", 8},
    {"U64", 8},
    {"I32", 4},
    {"U32", 4},
    {"I16", 2},
    {"U16", 2},
    {"I8", 1},
    {"U8", 1},
    {"BOOL", 1},
    {"F8_E4M3", 1},
    {"F8_E5M2", 1},
};

const SourceType* FindSourceType(std::string_view name) {
  const auto it = std::find_if(std::begin(kSourceTypes), std::end(kSourceTypes),
                               [&](const SourceType& type) { return type.name == name; });
  return it == std::end(kSourceTypes) ? nullptr : it;
}

std::optional<std::vector<std::int64_t>> NonNegativeInts(const Json* json, std::size_t max_count) {
  if (json == nullptr || json->Array() == nullptr || json->Array()->size() > max_count) {
    return std::nullopt;
  }
  std::vector<std::int64_t> values;
  for (const Json& item : *json->Array()) {
    if (item.Int() == nullptr || *item.Int() < 0) return std::nullopt;
    values.push_back(*item.Int());
  }
  return values;
}

// Checks one header entry against the data's size; its begin offset goes to *begin.
absl::StatusOr<NamedTensor> ParseEntry(const std::string& name, const Json& entry,
                                       std::span<const std::byte> data, std::int64_t* begin) {
  const auto error = [&](const auto&... problem) {
    return absl::InvalidArgumentError(absl::StrCat("tensor ", name, " ", problem...));
  };
  const Json* type_name = entry.Find("dtype");
  if (type_name == nullptr || type_name->String() == nullptr) return error("has no dtype");
  const SourceType* type = FindSourceType(*type_name->String());
  if (type == nullptr) return error("has the unknown dtype ", *type_name->String());
  auto shape = NonNegativeInts(entry.Find("shape"), kMaxDimensions);
  if (!shape) return error("has no shape of at most ", kMaxDimensions, " dimensions");
  const auto offsets = NonNegativeInts(entry.Find("data_offsets"), 2);
  if (!offsets || offsets->size() != 2) return error("has no data_offsets");
  const auto [first, last] = std::pair((*offsets)[0], (*offsets)[1]);
  if (first > last || last > static_cast<std::int64_t>(data.size())) {
    return error("lies at bytes [", first, ", ", last, ") of ", data.size());
  }
  const std::int64_t count = ElementCount(*shape);
  if (count < 0 || count > static_cast<std::int64_t>(data.size()) ||
      count * type->bytes != last - first) {
    return error("of shape ", ShapeString(*shape), " and dtype ", *type_name->String(), " has ",
                 last - first, " bytes");
  }
  *begin = first;
  return NamedTensor{
      name,
      {type->dtype, *std::move(shape),
       data.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first))},
      *type_name->String()};
}

}  // namespace

absl::StatusOr<std::vector<NamedTensor>> ParseSafetensors(std::span<const std::byte> file,
                                                          std::string_view file_name) {
  static_assert(std::endian::native == std::endian::little, "tensors are read in place");
  const auto error = [&](const auto&... problem) {
    return absl::InvalidArgumentError(absl::StrCat(std::string(file_name), " ", problem...));
  };
  std::uint64_t header_bytes = 0;
  if (file.size() < sizeof(header_bytes)) return error("is too short for a safetensors file");
  std::memcpy(&header_bytes, file.data(), sizeof(header_bytes));
  if (header_bytes > kMaxHeaderBytes || header_bytes > file.size() - sizeof(header_bytes)) {
    return error("has a header of ", header_bytes, " bytes in a file of ", file.size());
  }
  const auto header_text = std::string_view(
      reinterpret_cast<const char*>(file.data()) + sizeof(header_bytes), header_bytes);
  const auto data = file.subspan(sizeof(header_bytes) + header_bytes);
  const auto header = ParseJson(header_text, absl::StrCat(std::string(file_name), " header"));
  if (!header.ok()) return header.status();
  if (header->Object() == nullptr) return error("has a header that is no JSON object");

  std::vector<std::pair<std::int64_t, NamedTensor>> tensors;  // by begin offset
  std::unordered_set<std::string_view> names;
  for (const auto& [name, entry] : *header->Object()) {
    if (!names.insert(name).second) return error("names tensor ", name, " twice");
    if (name == "__metadata__") continue;
    std::int64_t begin = 0;
    auto tensor = ParseEntry(name, entry, data, &begin);
    if (!tensor.ok()) return error("is damaged: ", tensor.status().message());
    tensors.emplace_back(begin, *std::move(tensor));
  }
  // Empty tensors share their offset with the next one: they sort first.
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first, a.second.view.bytes.size()) <
           std::pair(b.first, b.second.view.bytes.size());
  });
  std::int64_t end = 0;
  std::vector<NamedTensor> result;
  result.reserve(tensors.size());
  for (auto& [begin, tensor] : tensors) {
    if (begin != end) {
      return error("is damaged: tensor ", tensor.name, begin < end ? " overlaps" : " leaves a gap",
                   " at byte ", begin);
    }
    end = begin + static_cast<std::int64_t>(tensor.view.bytes.size());
    result.push_back(std::move(tensor));
  }
  if (end != static_cast<std::int64_t>(data.size())) {
    return error("is damaged: its tensors end at byte ", end, " of ", data.size());
  }
  return result;
}

}  // namespace citeseek::inference
