// Sample: the small bilingual corpus of deploy/sample/, compiled into the binary.
#pragma once

#include <span>
#include <string_view>

namespace citeseek::services {

inline constexpr char kSampleCollection[] = "sample";

struct SampleFile {
  std::string_view name;
  std::string_view bytes;
};

// In the order of their names. Lives as long as the process.
std::span<const SampleFile> SampleCorpus();

}  // namespace citeseek::services
