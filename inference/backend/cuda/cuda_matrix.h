// CudaMatrix: weights in the device's memory, row by row in the kernels' storages.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "inference/backend/backend.h"
#include "inference/backend/cpu/thread_pool.h"
#include "inference/backend/cuda/dense_product.h"
#include "inference/backend/cuda/device.h"
#include "inference/backend/matrix_source.h"

namespace citeseek::inference::cuda {

class CudaMatrix : public Matrix {
 public:
  // Errors: kInvalidArgument (parts that do not fit each other), those of CudaDevice.
  static absl::StatusOr<std::unique_ptr<CudaMatrix>> Pack(const MatrixSource& source,
                                                          CudaDevice& device, ThreadPool& pool);
  static std::size_t Bytes(const MatrixSource& source);  // of one packed from it

  const Weights& weights() const { return weights_; }
  // How products with it go through tensor cores; null: they do not.
  const DensePlan* plan = nullptr;

 private:
  Weights weights_;
  DeviceMemory codes_;
  DeviceMemory scales_;
  DeviceMemory mins_;
};

}  // namespace citeseek::inference::cuda
