// Reduce: sums over the threads of a block.
#pragma once

#include "inference/backend/cuda/words.cuh"

namespace citeseek::inference::cuda {

// The sum of all threads' values, the same for each; blockDim.x is a multiple of 32.
__device__ inline float BlockSum(float value) {
  __shared__ float parts[kWarp];
  const float part = WarpSum(value);
  if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = part;
  __syncthreads();
  float sum = 0;
  for (unsigned i = 0; i < blockDim.x / kWarp; ++i) sum += parts[i];
  __syncthreads();
  return sum;
}

}  // namespace citeseek::inference::cuda
