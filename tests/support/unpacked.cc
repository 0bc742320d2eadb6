#include "tests/support/unpacked.h"

#include <stdio.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace citeseek {

std::string Unpack(const std::filesystem::path& path) {
  const std::string command = "xz -dc '" + path.string() + "'";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  std::string bytes;
  std::array<char, 65536> block;
  for (std::size_t n = 0; (n = fread(block.data(), 1, block.size(), pipe)) > 0;) {
    bytes.append(block.data(), n);
  }
  if (pclose(pipe) != 0) throw std::runtime_error("failed: " + command);
  return bytes;
}

}  // namespace citeseek
