#include "inference/backend/backend.h"

namespace citeseek::inference {

absl::StatusOr<std::unique_ptr<Backend>> MakeBackend(const ModelOptions& options) {
  return MakeCpuBackend({.threads = options.threads});
}

}  // namespace citeseek::inference
