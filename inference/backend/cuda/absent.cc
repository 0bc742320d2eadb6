// In the place of the CUDA backend where CITESEEK_CUDA is off.
#include "absl/status/status.h"
#include "inference/backend/backend.h"

namespace citeseek::inference {

absl::StatusOr<std::unique_ptr<Backend>> MakeCudaBackend(const CudaOptions&) {
  return absl::UnimplementedError(
      "device cuda: this binary was built without CUDA; build it with the preset cuda");
}

}  // namespace citeseek::inference
