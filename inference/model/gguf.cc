#include "inference/model/gguf.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <unordered_set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace citeseek::inference {
namespace {

constexpr std::uint64_t kMaxEntries = 1 << 20;  // of metadata, of tensors
constexpr std::uint64_t kMaxDimensions = 4;
constexpr std::uint64_t kMaxElements = 1 << 24;  // of one array
constexpr int kMaxArrayDepth = 4;

// ggml's numbers for the types of tensors.
constexpr std::pair<std::uint32_t, DType> kTensorTypes[] = {
    {0, DType::kF32},     {1, DType::kF16},     {2, DType::kQ4_0},  {3, DType::kQ4_1},
    {6, DType::kQ5_0},    {7, DType::kQ5_1},    {8, DType::kQ8_0},  {10, DType::kQ2_K},
    {11, DType::kQ3_K},   {12, DType::kQ4_K},   {13, DType::kQ5_K}, {14, DType::kQ6_K},
    {20, DType::kIQ4_NL}, {23, DType::kIQ4_XS}, {30, DType::kBF16},
};

// Reads little-endian values; after the first failure all reads give zeros.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::size_t at() const { return at_; }
  bool ok() const { return ok_; }
  std::uint64_t left() const { return bytes_.size() - at_; }

  template <typename T>
  T Take() {
    T value{};
    if (left() < sizeof(T)) {
      ok_ = false;
      at_ = bytes_.size();
      return value;
    }
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

  std::string TakeString() {
    const auto size = Take<std::uint64_t>();
    if (size > left()) {
      ok_ = false;
      at_ = bytes_.size();
      return "";
    }
    std::string text(reinterpret_cast<const char*>(bytes_.data()) + at_, size);
    at_ += size;
    return text;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

// A metadata value of this type into `out`; false if the type is unknown or the file too short.
bool TakeValue(Reader& reader, std::uint32_t type, Json& out, int depth) {
  const auto put = [&](auto number) { out.value.emplace<std::int64_t>(number); };
  switch (type) {
    case 0:
      put(reader.Take<std::uint8_t>());
      break;
    case 1:
      put(reader.Take<std::int8_t>());
      break;
    case 2:
      put(reader.Take<std::uint16_t>());
      break;
    case 3:
      put(reader.Take<std::int16_t>());
      break;
    case 4:
      put(reader.Take<std::uint32_t>());
      break;
    case 5:
      put(reader.Take<std::int32_t>());
      break;
    case 6:
      out.value.emplace<double>(reader.Take<float>());
      break;
    case 7:
      out.value.emplace<bool>(reader.Take<std::uint8_t>() != 0);
      break;
    case 8:
      out.value.emplace<std::string>(reader.TakeString());
      break;
    case 9: {
      const auto element_type = reader.Take<std::uint32_t>();
      const auto count = reader.Take<std::uint64_t>();
      // Every element takes at least a byte: a count beyond the file is a lie.
      if (!reader.ok() || count > std::min(reader.left(), kMaxElements) ||
          depth >= kMaxArrayDepth) {
        return false;
      }
      auto& array = out.value.emplace<JsonArray>();
      for (std::uint64_t i = 0; i < count; ++i) {
        if (!TakeValue(reader, element_type, array.emplace_back(), depth + 1)) return false;
      }
      break;
    }
    case 10: {
      const auto number = reader.Take<std::uint64_t>();
      if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        out.value.emplace<double>(static_cast<double>(number));
      } else {
        put(static_cast<std::int64_t>(number));
      }
      break;
    }
    case 11:
      put(reader.Take<std::int64_t>());
      break;
    case 12:
      out.value.emplace<double>(reader.Take<double>());
      break;
    default:
      return false;
  }
  return reader.ok();
}

struct TensorInfo {
  std::string name;
  std::vector<std::int64_t> shape;
  std::uint32_t type = 0;
  std::uint64_t offset = 0;
};

absl::StatusOr<NamedTensor> MakeTensor(TensorInfo info, std::span<const std::byte> data,
                                       std::uint64_t alignment) {
  const auto error = [&](const auto&... problem) {
    return absl::InvalidArgumentError(absl::StrCat("tensor ", info.name, " ", problem...));
  };
  const auto type = std::find_if(std::begin(kTensorTypes), std::end(kTensorTypes),
                                 [&](const auto& t) { return t.first == info.type; });
  if (type == std::end(kTensorTypes)) {
    return error("has type ", info.type, " of ggml; known are ", KnownDTypes());
  }
  const DType dtype = type->second;
  const BlockShape block = BlockOf(dtype);
  const std::int64_t count = ElementCount(info.shape);
  // No element takes less than a quarter of a byte.
  if (count < 0 || count / 4 > static_cast<std::int64_t>(data.size()) ||
      info.shape.back() % block.weights != 0) {
    return error("of type ", std::string(DTypeName(dtype)), " has the impossible shape ",
                 ShapeString(info.shape));
  }
  const auto bytes = static_cast<std::uint64_t>(count / block.weights * block.bytes);
  if (info.offset % alignment != 0 || info.offset > data.size() ||
      bytes > data.size() - info.offset) {
    return error("lies at byte ", info.offset, " with ", bytes, " bytes in ", data.size());
  }
  return NamedTensor{.name = std::move(info.name),
                     .view = {dtype, std::move(info.shape), data.subspan(info.offset, bytes)},
                     .source_type = std::string(DTypeName(dtype))};
}

}  // namespace

absl::StatusOr<Gguf> ParseGguf(std::span<const std::byte> file, std::string_view name) {
  static_assert(std::endian::native == std::endian::little, "numbers are read in place");
  const auto error = [&](const auto&... problem) {
    return absl::InvalidArgumentError(absl::StrCat(std::string(name), " ", problem...));
  };
  Reader reader(file);
  if (reader.Take<std::uint32_t>() != 0x46554747) return error("is no GGUF file");
  const auto version = reader.Take<std::uint32_t>();
  if (version != 2 && version != 3) {
    return error("has GGUF version ", version, "; known are 2 and 3 (little-endian)");
  }
  const auto tensor_count = reader.Take<std::uint64_t>();
  const auto metadata_count = reader.Take<std::uint64_t>();
  if (!reader.ok() || tensor_count > kMaxEntries || metadata_count > kMaxEntries) {
    return error("has ", tensor_count, " tensors and ", metadata_count, " metadata, more than ",
                 kMaxEntries);
  }

  Gguf gguf;
  auto& metadata = gguf.metadata.value.emplace<JsonObject>();
  std::unordered_set<std::string> names;
  for (std::uint64_t i = 0; i < metadata_count; ++i) {
    std::string key = reader.TakeString();
    const auto type = reader.Take<std::uint32_t>();
    Json value;
    if (!reader.ok() || !TakeValue(reader, type, value, 0)) {
      return error("is damaged: metadata ", key, " of type ", type, " cannot be read");
    }
    if (!names.insert(key).second) return error("is damaged: metadata ", key, " occurs twice");
    metadata.emplace_back(std::move(key), std::move(value));
  }
  names.clear();
  std::vector<TensorInfo> infos;
  for (std::uint64_t i = 0; i < tensor_count; ++i) {
    TensorInfo info;
    info.name = reader.TakeString();
    const auto dimensions = reader.Take<std::uint32_t>();
    if (!reader.ok() || dimensions == 0 || dimensions > kMaxDimensions) {
      return error("is damaged: tensor ", i, " has ", dimensions, " dimensions");
    }
    for (std::uint32_t d = 0; d < dimensions; ++d) {  // the file's order: fastest first
      const auto size = reader.Take<std::uint64_t>();
      if (size == 0 || size > (std::uint64_t{1} << 40)) {
        return error("is damaged: tensor ", info.name, " has a dimension of ", size);
      }
      info.shape.insert(info.shape.begin(), static_cast<std::int64_t>(size));
    }
    info.type = reader.Take<std::uint32_t>();
    info.offset = reader.Take<std::uint64_t>();
    if (!reader.ok()) return error("ends inside its list of tensors");
    if (!names.insert(info.name).second) return error("names tensor ", info.name, " twice");
    infos.push_back(std::move(info));
  }

  JsonReader general(gguf.metadata, name);
  const auto alignment =
      static_cast<std::uint64_t>(general.Int("general.alignment", 32, 1, 1 << 20));
  if (!general.status().ok()) return general.status();
  const std::uint64_t start = (reader.at() + alignment - 1) / alignment * alignment;
  if (tensor_count > 0 && start > file.size()) return error("ends before its tensors");
  const auto data = file.subspan(std::min<std::size_t>(start, file.size()));
  std::sort(infos.begin(), infos.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.offset < b.offset; });
  std::uint64_t end = 0;
  for (TensorInfo& info : infos) {
    const std::uint64_t offset = info.offset;
    auto tensor = MakeTensor(std::move(info), data, alignment);
    if (!tensor.ok()) return error("is damaged: ", tensor.status().message());
    if (offset < end) return error("is damaged: tensor ", tensor->name, " overlaps another");
    end = offset + tensor->view.bytes.size();
    gguf.tensors.push_back(*std::move(tensor));
  }
  return gguf;
}

}  // namespace citeseek::inference
