// Stands in for cuBLASLt: the same products, summed in order of k.
#include "inference/backend/cuda/dense_product.h"

#include <cmath>

#include "inference/backend/cuda/words.cuh"

namespace citeseek::inference::cuda {

struct DensePlan {
  int n = 0;
  int k = 0;
};
struct DenseProduct::Parts {
  std::map<std::pair<int, int>, DensePlan> plans;
};

DenseProduct::DenseProduct(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
DenseProduct::~DenseProduct() = default;

absl::StatusOr<std::unique_ptr<DenseProduct>> DenseProduct::Make(CudaDevice&) {
  return std::unique_ptr<DenseProduct>(new DenseProduct(std::make_unique<Parts>()));
}

absl::StatusOr<const DensePlan*> DenseProduct::Plan(int n, int k) {
  return &(parts_->plans[{n, k}] = {n, k});
}

absl::Status DenseProduct::Multiply(const DensePlan& plan, float* y, std::int64_t stride,
                                    const std::uint16_t* x, const std::uint16_t* w, int rows) {
  if (rows % kRowTile != 0 || stride % 4 != 0 || plan.k % 32 != 0) {
    return absl::InvalidArgumentError("cuBLASLt would take another algorithm");
  }
  const auto widened = [](std::uint16_t bits) {
    return __uint_as_float(static_cast<std::uint32_t>(bits) << 16);
  };
  for (int row = 0; row < rows; ++row) {
    for (int n = 0; n < plan.n; ++n) {
      float sum = 0;
      for (int k = 0; k < plan.k; ++k) {
        sum = std::fmaf(widened(x[std::int64_t{row} * plan.k + k]),
                        widened(w[std::int64_t{n} * plan.k + k]), sum);
      }
      y[row * stride + n] = sum;
    }
  }
  return absl::OkStatus();
}

}  // namespace citeseek::inference::cuda
