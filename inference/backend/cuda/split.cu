// Rows of f32 as three rows of bf16 whose sum they are, and back: so that tensor cores multiply
// them with bf16 weights without rounding an input. A bf16 has 8 significant bits, an f32 24;
// products of two bf16 are exact in f32. (The decomposition is Henry, Tang and Heinecke 2019.)
#include "inference/backend/cuda/kernels.h"
#include "inference/backend/cuda/words.cuh"

namespace citeseek::inference::cuda {
namespace {

constexpr int kThreads = 256;
constexpr std::uint32_t kInfinite = 0x7f800000u;

// To nearest even; a finite number stays finite.
__device__ std::uint32_t RoundToBFloat(float value) {
  const std::uint32_t bits = __float_as_uint(value);
  if ((bits & kInfinite) == kInfinite) {  // not a number: also when its last bits are gone
    return (bits >> 16) | ((bits & 0x7fffffu) != 0 ? 0x40u : 0u);
  }
  const std::uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return (rounded << 16 & kInfinite) == kInfinite ? bits >> 16 : rounded;
}

__global__ void SplitRow(std::uint16_t* parts, int k_padded, const Tensor x) {
  const std::int64_t row = blockIdx.x;
  const std::int64_t next = std::int64_t{x.rows} * k_padded;
  for (int i = static_cast<int>(threadIdx.x); i < k_padded; i += kThreads) {
    float rest = i < x.cols ? x.data[row * x.stride + i] : 0.0f;
    std::uint16_t* part = parts + row * k_padded + i;
    for (int p = 0; p < 3; ++p) {
      const std::uint32_t bits = RoundToBFloat(rest);
      part[p * next] = static_cast<std::uint16_t>(bits);
      const bool finite = (bits << 16 & kInfinite) != kInfinite;
      rest = finite ? rest - __uint_as_float(bits << 16) : 0.0f;
    }
  }
}

__global__ void AddPartsOfRow(const Tensor y, const float* parts, std::int64_t stride,
                              const float* bias, bool accumulate) {
  const std::int64_t row = blockIdx.y;
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= y.cols) return;
  const float* part = parts + row * stride + i;
  const std::int64_t next = y.rows * stride;
  float* out = y.data + row * y.stride + i;
  float start = accumulate ? *out : 0.0f;
  if (bias != nullptr) start += bias[i];
  *out = start + (part[0] + (part[next] + part[2 * next]));
}

}  // namespace

int Probe() {
  cudaFuncAttributes attributes;
  return cudaFuncGetAttributes(&attributes, SplitRow);
}

void SplitRows(Stream stream, std::uint16_t* parts, int k_padded, Tensor x) {
  Launch(stream, SplitRow, dim3(static_cast<unsigned>(x.rows)), kThreads, 0, parts, k_padded, x);
}

void AddParts(Stream stream, Tensor y, const float* parts, std::int64_t stride, const float* bias,
              bool accumulate) {
  const auto columns = static_cast<unsigned>((y.cols + kThreads - 1) / kThreads);
  Launch(stream, AddPartsOfRow, dim3(columns, static_cast<unsigned>(y.rows)), kThreads, 0, y, parts,
         stride, bias, accumulate);
}

}  // namespace citeseek::inference::cuda
