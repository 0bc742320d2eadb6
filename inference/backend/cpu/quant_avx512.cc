// Compiled with -mavx512f -mavx512bw -mavx512vl -mavx512vnni.
#include <immintrin.h>

#include "inference/backend/cpu/quant_kernels.h"

namespace citeseek::inference {
namespace {

inline __m512 Halves(const std::uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

inline __m512i FourInputs(const std::int8_t* values) {
  int four;
  __builtin_memcpy(&four, values, 4);
  return _mm512_set1_epi32(four);
}

template <int kRows>
void Q8Rows(const QuantProduct& p, int row) {
  const Q8Block* block = static_cast<const Q8Block*>(p.w);
  for (int panel = 0; panel < p.panels; ++panel) {
    __m512 y[kRows];
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) y[r] = _mm512_loadu_ps(p.y[row + r] + panel * kPanel);
    for (int b = 0; b < p.blocks; ++b, ++block) {
      __m512i sums[kRows];  // starts at what the codes' offset of 128 adds too much
#pragma GCC unroll 12
      for (int r = 0; r < kRows; ++r) sums[r] = _mm512_set1_epi32(-128 * p.x[row + r].sums[b]);
#pragma GCC unroll 8
      for (int g = 0; g < 8; ++g) {
        const __m512i codes = _mm512_loadu_si512(block->codes[g]);
#pragma GCC unroll 12
        for (int r = 0; r < kRows; ++r) {
          sums[r] = _mm512_dpbusd_epi32(sums[r], codes,
                                        FourInputs(p.x[row + r].values + b * kQuantBlock + 4 * g));
        }
      }
      const __m512 scale = Halves(block->scales);
#pragma GCC unroll 12
      for (int r = 0; r < kRows; ++r) {
        const __m512 factor = _mm512_mul_ps(scale, _mm512_set1_ps(p.x[row + r].scales[b]));
        y[r] = _mm512_fmadd_ps(factor, _mm512_cvtepi32_ps(sums[r]), y[r]);
      }
    }
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) _mm512_storeu_ps(p.y[row + r] + panel * kPanel, y[r]);
  }
}

template <int kRows>
void Q4Rows(const QuantProduct& p, int row) {
  const __m512i low_half = _mm512_set1_epi8(15);
  const Q4Block* block = static_cast<const Q4Block*>(p.w);
  for (int panel = 0; panel < p.panels; ++panel) {
    __m512 y[kRows];
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) y[r] = _mm512_loadu_ps(p.y[row + r] + panel * kPanel);
    for (int b = 0; b < p.blocks; ++b, ++block) {
      __m512i sums[kRows];
#pragma GCC unroll 12
      for (int r = 0; r < kRows; ++r) sums[r] = _mm512_setzero_si512();
#pragma GCC unroll 4
      for (int g = 0; g < 4; ++g) {
        const __m512i both = _mm512_loadu_si512(block->codes[g]);
        const __m512i first = _mm512_and_si512(both, low_half);
        const __m512i second = _mm512_and_si512(_mm512_srli_epi16(both, 4), low_half);
#pragma GCC unroll 12
        for (int r = 0; r < kRows; ++r) {
          const std::int8_t* values = p.x[row + r].values + b * kQuantBlock + 4 * g;
          sums[r] = _mm512_dpbusd_epi32(sums[r], first, FourInputs(values));
          sums[r] = _mm512_dpbusd_epi32(sums[r], second, FourInputs(values + 16));
        }
      }
      const __m512 scale = Halves(block->scales);
      const __m512 min = Halves(block->mins);
#pragma GCC unroll 12
      for (int r = 0; r < kRows; ++r) {
        const QuantRow& x = p.x[row + r];
        const __m512 factor = _mm512_mul_ps(scale, _mm512_set1_ps(x.scales[b]));
        y[r] = _mm512_fmadd_ps(factor, _mm512_cvtepi32_ps(sums[r]), y[r]);
        y[r] = _mm512_fnmadd_ps(min, _mm512_set1_ps(x.scales[b] * static_cast<float>(x.sums[b])),
                                y[r]);
      }
    }
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) _mm512_storeu_ps(p.y[row + r] + panel * kPanel, y[r]);
  }
}

}  // namespace

void ProductQ8Avx512(const QuantProduct& product) {
  int row = 0;
  for (; row + 8 <= product.rows; row += 8) Q8Rows<8>(product, row);
  for (; row + 4 <= product.rows; row += 4) Q8Rows<4>(product, row);
  for (; row + 2 <= product.rows; row += 2) Q8Rows<2>(product, row);
  for (; row < product.rows; ++row) Q8Rows<1>(product, row);
}

void ProductQ4Avx512(const QuantProduct& product) {
  int row = 0;
  for (; row + 8 <= product.rows; row += 8) Q4Rows<8>(product, row);
  for (; row + 4 <= product.rows; row += 4) Q4Rows<4>(product, row);
  for (; row + 2 <= product.rows; row += 2) Q4Rows<2>(product, row);
  for (; row < product.rows; ++row) Q4Rows<1>(product, row);
}

}  // namespace citeseek::inference
