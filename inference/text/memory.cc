#include "inference/text/memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "inference/backend/matrix_source.h"
#include "inference/batch/token_engine.h"

namespace citeseek::inference {
namespace {

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

std::string ReadText(const std::string& path) {
  std::ostringstream text;
  if (std::ifstream file(path); file) text << file.rdbuf();
  return text.str();
}

// The number behind `key` in lines of "key number".
std::optional<std::int64_t> Field(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    std::int64_t value = 0;
    if (words >> word && word == key && words >> value) return value;
  }
  return std::nullopt;
}

std::optional<std::int64_t> Number(const std::string& path) {
  std::istringstream text(ReadText(path));
  std::int64_t value = 0;
  if (text >> value) return value;
  return std::nullopt;  // "max", or no such file
}

// What a control group has left; file pages that nobody uses can be taken back.
std::int64_t LeftInGroup(const std::string& folder, const char* limit_file, const char* usage_file,
                         const char* inactive_key) {
  const auto limit = Number(folder + limit_file);
  const auto usage = Number(folder + usage_file);
  if (!limit.has_value() || !usage.has_value()) return kNoLimit;
  const std::int64_t pages = Field(ReadText(folder + "memory.stat"), inactive_key).value_or(0);
  return std::max<std::int64_t>(0, *limit - (*usage - pages));
}

// The least that the process's group and those above it have left.
std::int64_t LeftInGroups(const std::string& root) {
  std::int64_t left = kNoLimit;
  std::istringstream groups(ReadText(root + "proc/self/cgroup"));
  for (std::string line; std::getline(groups, line);) {  // "4:memory:/a/b", version 2: "0::/a/b"
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool unified = controllers.empty();
    if (!unified && controllers != "memory") continue;
    const std::string base = root + (unified ? "sys/fs/cgroup" : "sys/fs/cgroup/memory");
    std::string path = line.substr(second + 1);
    while (true) {  // inside a container the path may lead nowhere: only the root is there then
      const std::string folder = base + path + (path.ends_with('/') ? "" : "/");
      left = std::min(
          left, unified ? LeftInGroup(folder, "memory.max", "memory.current", "inactive_file")
                        : LeftInGroup(folder, "memory.limit_in_bytes", "memory.usage_in_bytes",
                                      "total_inactive_file"));
      if (path.empty() || path == "/") break;
      path.resize(path.rfind('/'));
    }
  }
  return left;
}

std::int64_t LeftInAddressSpace() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kNoLimit;
  const std::int64_t pages = Number("/proc/self/statm").value_or(0);
  return std::max<std::int64_t>(
      0, static_cast<std::int64_t>(limit.rlim_cur) - pages * sysconf(_SC_PAGESIZE));
}

// Bytes of a weight, by sixteenths: blocks of 32 with their scales.
std::int64_t Sixteenths(Storage storage) {
  switch (storage) {
    case Storage::kF16:
    case Storage::kBF16:
      return 32;
    case Storage::kQ8:
      return 17;
    case Storage::kQ4:
      return 10;
    default:
      return 64;
  }
}

}  // namespace

std::int64_t FreeMemory(const std::string& root) {
  const auto kilobytes = Field(ReadText(root + "proc/meminfo"), "MemAvailable:");
  const std::int64_t system = kilobytes.has_value() ? *kilobytes * 1024 : kNoLimit;
  return std::min({system, LeftInGroups(root), LeftInAddressSpace()});
}

std::int64_t FreeMemory(const Backend& backend) {
  const std::optional<std::int64_t> device = backend.FreeBytes();
  return device.has_value() ? *device : FreeMemory();
}

std::int64_t WeightMemory(const Weights& weights, Storage storage) {
  std::int64_t bytes = 0;
  for (const auto& [name, tensor] : weights.tensors()) {
    if (tensor.view.dtype == DType::kOther) continue;
    const std::int64_t count = std::max<std::int64_t>(0, ElementCount(tensor.view.shape));
    const bool vector = tensor.view.shape.size() < 2;
    bytes += vector ? count * 4
                    : count / 16 *
                          Sixteenths(storage == Storage::kAsStored ? StorageOf(tensor.view.dtype)
                                                                   : storage);
  }
  return bytes;
}

std::int64_t TokenizerMemory(const Tokenizer* tokenizer) {
  constexpr std::int64_t kTokenBytes = 512, kCacheBytes = 1 << 20;
  return tokenizer == nullptr ? 0 : kCacheBytes + kTokenBytes * tokenizer->VocabularySize();
}

std::int64_t WorkingMemory(const ModelConfig& config, const DecoderOptions& options) {
  const std::int64_t attention = std::int64_t{config.heads} * config.head_size;
  const std::int64_t dense = 3 * std::int64_t{config.intermediate_size};
  const std::int64_t experts =
      std::int64_t{config.moe.experts_per_token} *
      (3 * std::int64_t{config.moe.intermediate_size} + config.hidden_size);
  const std::int64_t prediction = config.prediction_layers > 0 ? 2 * config.hidden_size : 0;
  const std::int64_t token =
      4 * std::int64_t{config.hidden_size} + 4 * attention + dense + experts + prediction;
  const std::int64_t logits =
      (64 + SpeculationOptions().most_step_tokens + 2 * std::int64_t{options.max_sequences}) *
      config.vocabulary_size;
  return 4 * (token * options.max_tokens + logits);
}

std::string MemoryText(std::int64_t bytes) {
  constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return absl::StrFormat("%d bytes", bytes);
  auto number = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; number >= 1024 && unit + 1 < std::size(kUnits); ++unit) number /= 1024;
  return absl::StrFormat("%.1f %s", number, kUnits[unit]);
}

}  // namespace citeseek::inference
