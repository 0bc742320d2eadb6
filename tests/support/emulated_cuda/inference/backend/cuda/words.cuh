// Stands in for the kernels' words: a grid's blocks run one after another on the CPU, the threads
// of a block in turns, each on a stack of its own, until all that a barrier waits for have come to
// it.
#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <type_traits>

#include "inference/backend/cuda/kernels.h"
#include "inference/backend/widen.h"

#define __global__
#define __device__
#define __shared__ static  // one block at a time
#define __launch_bounds__(threads)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3() = default;
  explicit dim3(unsigned a, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};
struct float4 {
  float x, y, z, w;
};
struct uint2 {
  std::uint32_t x, y;
};
struct uint4 {
  std::uint32_t x, y, z, w;
};
inline dim3 threadIdx, blockIdx, blockDim, gridDim;  // of the thread whose turn it is

inline float __uint_as_float(std::uint32_t bits) { return std::bit_cast<float>(bits); }
inline std::uint32_t __float_as_uint(float value) { return std::bit_cast<std::uint32_t>(value); }

namespace citeseek::inference::cuda {

using std::max;
using std::min;

inline constexpr int kWarp = 32;

// Ends the turn of a thread until its warp, or its block, has come as far.
void AwaitWarp();
void AwaitBlock();
// The values that the threads of this warp gave, after all have; the caller may read them until it
// gives the next.
const float* Exchange(float value);

inline void __syncthreads() { AwaitBlock(); }
inline void WarpBarrier() { AwaitWarp(); }
inline float WarpSum(float value) {
  const float* values = Exchange(value);
  float sums[kWarp];
  std::copy_n(values, kWarp, sums);
  for (int step = kWarp / 2; step > 0; step /= 2) {
    for (int i = 0; i < step; ++i) sums[i] += sums[i + step];
  }
  return sums[0];
}
inline float WarpMax(float value) {
  const float* values = Exchange(value);
  float most = values[0];
  for (int i = 1; i < kWarp; ++i) most = std::fmax(most, values[i]);
  return most;
}
inline int WarpMin(int value) {  // of numbers that an f32 holds, or INT_MAX
  const float* values = Exchange(std::bit_cast<float>(value));
  int least = value;
  for (int i = 0; i < kWarp; ++i) least = std::min(least, std::bit_cast<int>(values[i]));
  return least;
}
inline float HalfToFloat(std::uint16_t half) { return F16ToF32(half); }

float* BlockMemory();
void RunGrid(dim3 grid, int threads, std::size_t block_memory, const std::function<void()>& thread);

template <typename... Args>
void Launch(Stream, void (*kernel)(Args...), dim3 grid, int threads, std::size_t block_memory,
            const std::type_identity_t<Args>&... args) {
  RunGrid(grid, threads, block_memory, [&] { kernel(args...); });
}

}  // namespace citeseek::inference::cuda
