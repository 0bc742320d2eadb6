// EmulatedAvx512: the AVX-512 intrinsics that our kernels use, in plain C++, so that a processor
// without them runs the kernels' own source in tests. It stands before the compiler's header on the
// include path of emulated_quant_avx512.cc alone. Meaning as in Intel's guide.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "inference/backend/widen.h"

struct __m256i {
  std::uint16_t half[16];
};
struct __m512i {
  std::int32_t lane[16];
};
struct __m512 {
  float lane[16];
};

template <typename Out, typename Function>
Out EmulatedLanes(const Function& function) {
  Out out;
  for (int i = 0; i < 16; ++i) out.lane[i] = function(i);
  return out;
}
// Sums wrap around as the processor's do.
inline std::int32_t WrappedSum(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}

inline __m256i _mm256_loadu_si256(const __m256i* p) {
  __m256i out;
  std::memcpy(&out, p, sizeof(out));
  return out;
}
inline __m512i _mm512_loadu_si512(const void* p) {
  __m512i out;
  std::memcpy(&out, p, sizeof(out));
  return out;
}
inline __m512 _mm512_loadu_ps(const void* p) {
  __m512 out;
  std::memcpy(&out, p, sizeof(out));
  return out;
}
inline __m512 _mm512_load_ps(const void* p) { return _mm512_loadu_ps(p); }
inline void _mm512_storeu_ps(void* p, __m512 v) { std::memcpy(p, &v, sizeof(v)); }
inline void _mm512_store_ps(void* p, __m512 v) { _mm512_storeu_ps(p, v); }

inline __m512i _mm512_set1_epi32(std::int32_t v) {
  return EmulatedLanes<__m512i>([&](int) { return v; });
}
inline __m512i _mm512_set1_epi8(char v) {
  return _mm512_set1_epi32(static_cast<std::int32_t>(0x01010101u * static_cast<unsigned char>(v)));
}
inline __m512i _mm512_setzero_si512() { return _mm512_set1_epi32(0); }
inline __m512 _mm512_set1_ps(float v) {
  return EmulatedLanes<__m512>([&](int) { return v; });
}
inline __m512 _mm512_setzero_ps() { return _mm512_set1_ps(0.0f); }

inline __m512 _mm512_castsi512_ps(__m512i v) { return std::bit_cast<__m512>(v); }
inline __m512i _mm512_castps_si512(__m512 v) { return std::bit_cast<__m512i>(v); }

inline __m512i _mm512_add_epi32(__m512i a, __m512i b) {
  return EmulatedLanes<__m512i>([&](int i) { return WrappedSum(a.lane[i], b.lane[i]); });
}
inline __m512i _mm512_sub_epi32(__m512i a, __m512i b) {
  return EmulatedLanes<__m512i>([&](int i) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(a.lane[i]) -
                                     static_cast<std::uint32_t>(b.lane[i]));
  });
}
inline __m512i _mm512_and_si512(__m512i a, __m512i b) {
  return EmulatedLanes<__m512i>([&](int i) { return a.lane[i] & b.lane[i]; });
}
inline __m512i _mm512_or_si512(__m512i a, __m512i b) {
  return EmulatedLanes<__m512i>([&](int i) { return a.lane[i] | b.lane[i]; });
}
inline __m512i _mm512_srli_epi16(__m512i a, unsigned count) {
  return EmulatedLanes<__m512i>([&](int i) {
    const auto bits = static_cast<std::uint32_t>(a.lane[i]);
    const std::uint32_t low = (bits & 0xffffu) >> count;
    return static_cast<std::int32_t>(low | (((bits >> 16) >> count) << 16));
  });
}
// Four products of an unsigned and a signed byte a lane, added to sum without saturation.
inline __m512i _mm512_dpbusd_epi32(__m512i sum, __m512i a, __m512i b) {
  return EmulatedLanes<__m512i>([&](int i) {
    std::uint8_t u[4];
    std::int8_t s[4];
    std::memcpy(u, &a.lane[i], 4);
    std::memcpy(s, &b.lane[i], 4);
    std::int32_t out = sum.lane[i];
    for (int j = 0; j < 4; ++j) out = WrappedSum(out, u[j] * s[j]);
    return out;
  });
}

inline __m512 _mm512_cvtepi32_ps(__m512i a) {
  return EmulatedLanes<__m512>([&](int i) { return static_cast<float>(a.lane[i]); });
}
inline __m512 _mm512_cvtph_ps(__m256i a) {
  return EmulatedLanes<__m512>([&](int i) { return citeseek::inference::F16ToF32(a.half[i]); });
}
inline __m512 _mm512_add_ps(__m512 a, __m512 b) {
  return EmulatedLanes<__m512>([&](int i) { return a.lane[i] + b.lane[i]; });
}
inline __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) {
  return EmulatedLanes<__m512>([&](int i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
}
inline __m512 _mm512_fnmadd_ps(__m512 a, __m512 b, __m512 c) {
  return EmulatedLanes<__m512>([&](int i) { return std::fma(-a.lane[i], b.lane[i], c.lane[i]); });
}
