// GgufWriter: builds the bytes of a GGUF file, however wrong, independently of the reader.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace citeseek {

class GgufWriter {
 public:
  template <typename T>
  static std::string Number(T value) {
    std::string bytes(sizeof(T), '\0');
    std::memcpy(bytes.data(), &value, sizeof(T));
    return bytes;
  }
  static std::string Text(std::string_view text) {
    return Number(std::uint64_t{text.size()}) + std::string(text);
  }

  void Put(std::string_view key, std::uint32_t value) { Raw(key, 4, Number(value)); }
  void Put(std::string_view key, float value) { Raw(key, 6, Number(value)); }
  void Put(std::string_view key, bool value) { Raw(key, 7, std::string(1, value ? 1 : 0)); }
  void Put(std::string_view key, std::string_view value) { Raw(key, 8, Text(value)); }
  void PutTexts(std::string_view key, const std::vector<std::string>& values) {
    std::string bytes = Number(std::uint32_t{8}) + Number(std::uint64_t{values.size()});
    for (const std::string& value : values) bytes += Text(value);
    Raw(key, 9, bytes);
  }
  template <typename T>
  void PutNumbers(std::string_view key, std::uint32_t type, const std::vector<T>& values) {
    std::string bytes = Number(type) + Number(std::uint64_t{values.size()});
    for (const T value : values) bytes += Number(value);
    Raw(key, 9, bytes);
  }
  void Raw(std::string_view key, std::uint32_t type, std::string_view bytes) {
    metadata_ += Text(key) + Number(type) + std::string(bytes);
    ++metadata_count_;
  }

  // `dimensions` in the file's order, the fastest first; type as ggml numbers them.
  void Tensor(std::string_view name, const std::vector<std::uint64_t>& dimensions,
              std::uint32_t type, std::string_view bytes) {
    data_.resize((data_.size() + 31) / 32 * 32);
    infos_ += Text(name) + Number(static_cast<std::uint32_t>(dimensions.size()));
    for (const std::uint64_t size : dimensions) infos_ += Number(size);
    infos_ += Number(type) + Number(std::uint64_t{data_.size()});
    data_ += bytes;
    ++tensor_count_;
  }

  std::string Finish(std::uint32_t version = 3) const {
    std::string file = "GGUF" + Number(version) + Number(tensor_count_) + Number(metadata_count_) +
                       metadata_ + infos_;
    file.resize((file.size() + 31) / 32 * 32);
    return file + data_;
  }

 private:
  std::string metadata_, infos_, data_;
  std::uint64_t metadata_count_ = 0;
  std::uint64_t tensor_count_ = 0;
};

}  // namespace citeseek
