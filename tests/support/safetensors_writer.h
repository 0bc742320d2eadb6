// SafetensorsFile: the bytes of a safetensors file with this header and this data, however wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace citeseek {

inline std::string SafetensorsFile(std::string_view header, std::string_view data) {
  std::string file;
  for (std::size_t i = 0; i < 8; ++i) {
    file.push_back(static_cast<char>(std::uint64_t{header.size()} >> (8 * i) & 0xff));
  }
  file += header;
  file += data;
  return file;
}

struct SafetensorsEntry {
  std::string name;
  std::string dtype;  // as the file names it
  std::string shape;  // "[2, 3]"
  std::string_view bytes;
};

inline std::string SafetensorsFile(const std::vector<SafetensorsEntry>& entries) {
  std::string header = "{", data;
  for (const SafetensorsEntry& entry : entries) {
    header += header.size() > 1 ? ",\"" : "\"";
    header += entry.name + R"(":{"dtype":")" + entry.dtype + R"(","shape":)" + entry.shape +
              R"(,"data_offsets":[)" + std::to_string(data.size()) + ",";
    data += entry.bytes;
    header += std::to_string(data.size()) + "]}";
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return SafetensorsFile(header, data);
}

}  // namespace citeseek
