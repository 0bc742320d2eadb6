// SafetensorsFile: the bytes of a safetensors file with this header and this data, however wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

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

}  // namespace citeseek
