// Runs a fuzzer over the files of a folder, and over each of them cut short: the ordinary test of a
// corpus. usage: <name>_fuzz FOLDER
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/fuzz/fuzz.h"

int main(int argc, char** argv) {
  if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    for (const std::size_t parts : {1, 2, 3, 7}) {
      const std::string cut = bytes.substr(0, bytes.size() - bytes.size() * (parts - 1) / parts);
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(cut.data()), cut.size());
    }
    ++files;
  }
  LLVMFuzzerTestOneInput(nullptr, 0);
  std::printf("%d files\n", files);
  return files > 0 ? 0 : 1;
}
