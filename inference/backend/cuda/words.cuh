// Words: the few things that kernels say in CUDA's own language, so that all else in them is C++.
//
// Tests run the same kernels on the CPU: they put a header of this name before this one.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "inference/backend/cuda/kernels.h"

namespace citeseek::inference::cuda {

inline constexpr int kWarp = 32;

// Over the 32 threads of a warp, all of which must be there; every thread gets the result, added up
// in a fixed order.
__device__ inline float WarpSum(float value) {
  for (int step = kWarp / 2; step > 0; step /= 2) {
    value += __shfl_xor_sync(0xffffffffu, value, step);
  }
  return value;
}
__device__ inline float WarpMax(float value) {
  for (int step = kWarp / 2; step > 0; step /= 2) {
    value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, step));
  }
  return value;
}
__device__ inline int WarpMin(int value) {
  for (int step = kWarp / 2; step > 0; step /= 2) {
    value = min(value, __shfl_xor_sync(0xffffffffu, value, step));
  }
  return value;
}
__device__ inline void WarpBarrier() { __syncwarp(); }

__device__ inline float HalfToFloat(std::uint16_t half) {
  return __half2float(__ushort_as_half(half));
}

// The memory of a block that its launch asked for.
__device__ inline float* BlockMemory() {
  extern __shared__ float memory[];
  return memory;
}

template <typename... Args>
void Launch(Stream stream, void (*kernel)(Args...), dim3 grid, int threads,
            std::size_t block_memory, const std::type_identity_t<Args>&... args) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  kernel<<<grid, static_cast<unsigned>(threads), block_memory, stream>>>(args...);
}

}  // namespace citeseek::inference::cuda
