#include "inference/text/memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "inference/backend/idle_backend.h"
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

// Takes no memory and carries out nothing: counts what another backend would take.
class MemoryMeter final : public IdleBackend {
 public:
  using IdleBackend::IdleBackend;

  std::int64_t bytes() const { return bytes_; }

  absl::StatusOr<std::unique_ptr<Buffer>> Allocate(std::size_t bytes) override {
    bytes_ += static_cast<std::int64_t>(BufferBytes(bytes));
    return std::make_unique<Buffer>();
  }
  absl::StatusOr<std::unique_ptr<Matrix>> MakeMatrix(std::span<const MatrixParts> matrices,
                                                     Storage storage) override {
    const auto bytes = MatrixBytes(matrices, storage);
    if (!bytes.ok()) return bytes.status();
    auto matrix = std::make_unique<Matrix>();
    matrix->bytes = *bytes;
    bytes_ += static_cast<std::int64_t>(*bytes);
    return matrix;
  }

 private:
  std::int64_t bytes_ = 0;
};

// The buffers, and a backend's own: it rounds one product's inputs, at most a third of them, to
// integers with their scales, a third of the bytes.
std::int64_t Working(std::int64_t buffers) { return buffers + buffers / 8; }

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

absl::StatusOr<ModelMemory> MemoryOf(const ModelConfig& config, const Weights& weights,
                                     const Backend& backend, const DecoderOptions& options) {
  MemoryMeter meter(backend);
  const auto decoder = Decoder::Load(config, weights, meter, options);
  if (!decoder.ok()) return decoder.status();
  ModelMemory memory{.weights = static_cast<std::int64_t>((*decoder)->weight_bytes()),
                     .cache = Decoder::BlockBytes(config) * options.kv_blocks};
  memory.working = Working(meter.bytes() - memory.weights - memory.cache);
  return memory;
}

absl::StatusOr<ModelMemory> MemoryOf(const ModelConfig& config, const Weights& weights,
                                     const Backend& backend, const EncoderOptions& options) {
  MemoryMeter meter(backend);
  const auto encoder = Encoder::Load(config, weights, meter, options);
  if (!encoder.ok()) return encoder.status();
  ModelMemory memory{.weights = static_cast<std::int64_t>((*encoder)->weight_bytes())};
  memory.working = Working(meter.bytes() - memory.weights);
  return memory;
}

std::int64_t TokenizerMemory(const Tokenizer* tokenizer) {
  constexpr std::int64_t kTokenBytes = 512, kCacheBytes = 1 << 20;
  return tokenizer == nullptr ? 0 : kCacheBytes + kTokenBytes * tokenizer->VocabularySize();
}

std::int64_t EngineMemory(const ModelConfig& config, int max_sequences) {
  const std::int64_t rows = SpeculationOptions().most_step_tokens + 2 * std::int64_t{max_sequences};
  return rows * config.vocabulary_size * static_cast<std::int64_t>(sizeof(float));
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
