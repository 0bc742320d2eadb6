// DenseProduct: products of bf16 matrices on tensor cores, through cuBLASLt.
//
// Single-threaded. A row's result must not depend on how many rows are multiplied with it, but
// cuBLASLt takes another algorithm, with another order of sums, for another number of rows. So each
// shape of weights has one algorithm, chosen once for kRowTile rows among those that do not split
// k, and every product with it has a whole number of row tiles (docs/adr, row independence).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "inference/backend/cuda/device.h"

namespace citeseek::inference::cuda {

inline constexpr int kRowTile = 64;

struct DensePlan;  // of weights [n, k]

class DenseProduct {
 public:
  static absl::StatusOr<std::unique_ptr<DenseProduct>> Make(CudaDevice& device);
  ~DenseProduct();

  // The plan for weights [n, k], owned by this; null: cuBLASLt has no algorithm of this kind. k is
  // a multiple of 32.
  absl::StatusOr<const DensePlan*> Plan(int n, int k);

  // y [rows, stride] = x [rows, k] . w [n, k]^T, in f32; rows is a multiple of kRowTile, stride one
  // of 4, all pointers are 16 bytes aligned.
  absl::Status Multiply(const DensePlan& plan, float* y, std::int64_t stride,
                        const std::uint16_t* x, const std::uint16_t* w, int rows);

 private:
  struct Parts;
  explicit DenseProduct(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace citeseek::inference::cuda
