#include "inference/backend/backend.h"

namespace citeseek::inference {

absl::StatusOr<std::unique_ptr<Backend>> MakeBackend(const ModelOptions& options) {
  if (options.device != Device::kCpu) {
    auto cuda = MakeCudaBackend({.threads = options.threads});
    if (cuda.ok() || options.device == Device::kCuda) return cuda;
  }
  return MakeCpuBackend({.threads = options.threads});
}

}  // namespace citeseek::inference
