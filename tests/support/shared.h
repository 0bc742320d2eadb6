// SharedDirectory: the folder of data and expected outputs that tests may use but that is not part
// of the repository: $CITESEEK_SHARED, or "shared" beside the source tree.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace citeseek {

// nullopt where the folder is absent: such a test says GTEST_SKIP() << what it misses.
std::optional<std::filesystem::path> SharedDirectory();

// The bytes of a file; throws std::ios_base::failure if it cannot be read.
inline std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file;
  file.exceptions(std::ios::failbit | std::ios::badbit);
  file.open(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace citeseek
