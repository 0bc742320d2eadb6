// Dequantize: weights in any storage become f32, eight at a time.
#pragma once

#include "inference/backend/cuda/words.cuh"

namespace citeseek::inference::cuda {

inline constexpr int kChunk = 8;  // neighbouring inputs that one thread takes at once

__device__ inline float BFloatToFloat(std::uint32_t bits) { return __uint_as_float(bits << 16); }

// out = weights [k, k + 8) of row `row` of all matrices together; k is a multiple of 8.
template <Storage kStorage>
__device__ inline void LoadWeights(const Weights& w, std::int64_t row, int k,
                                   float (&out)[kChunk]) {
  const std::int64_t at = row * w.k_padded + k;
  if constexpr (kStorage == Storage::kF32) {
    const auto* codes = reinterpret_cast<const float4*>(static_cast<const float*>(w.codes) + at);
    const float4 a = codes[0];
    const float4 b = codes[1];
    out[0] = a.x, out[1] = a.y, out[2] = a.z, out[3] = a.w;
    out[4] = b.x, out[5] = b.y, out[6] = b.z, out[7] = b.w;
  } else if constexpr (kStorage == Storage::kF16 || kStorage == Storage::kBF16) {
    const uint4 pairs =
        *reinterpret_cast<const uint4*>(static_cast<const std::uint16_t*>(w.codes) + at);
    const std::uint32_t words[4] = {pairs.x, pairs.y, pairs.z, pairs.w};
#pragma unroll
    for (int i = 0; i < kChunk; ++i) {
      const std::uint32_t bits = (words[i / 2] >> (16 * (i % 2))) & 0xffffu;
      out[i] = kStorage == Storage::kF16 ? HalfToFloat(static_cast<std::uint16_t>(bits))
                                         : BFloatToFloat(bits);
    }
  } else if constexpr (kStorage == Storage::kQ8) {
    const uint2 bytes =
        *reinterpret_cast<const uint2*>(static_cast<const std::int8_t*>(w.codes) + at);
    const std::uint32_t words[2] = {bytes.x, bytes.y};
    const float scale = HalfToFloat(w.scales[at / 32]);
#pragma unroll
    for (int i = 0; i < kChunk; ++i) {
      const auto code = static_cast<std::int8_t>((words[i / 4] >> (8 * (i % 4))) & 0xffu);
      out[i] = scale * static_cast<float>(code);
    }
  } else {
    const std::uint32_t word =
        *reinterpret_cast<const std::uint32_t*>(static_cast<const std::uint8_t*>(w.codes) + at / 2);
    const float scale = HalfToFloat(w.scales[at / 32]);
    const float min = HalfToFloat(w.mins[at / 32]);
#pragma unroll
    for (int i = 0; i < kChunk; ++i) {
      out[i] = fmaf(scale, static_cast<float>((word >> (4 * i)) & 15u), -min);
    }
  }
}

}  // namespace citeseek::inference::cuda
