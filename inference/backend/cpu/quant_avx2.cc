// Compiled with -mavx2 -mfma -mf16c.
#include <immintrin.h>

#include "inference/backend/cpu/quant_kernels.h"

namespace citeseek::inference {
namespace {

struct Sums {  // of 16 outputs
  __m256i low;
  __m256i high;
};

inline __m256i Load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

inline __m256 Halves(const std::uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

inline __m256i FourInputs(const std::int8_t* values) {
  int four;
  __builtin_memcpy(&four, values, 4);
  return _mm256_set1_epi32(four);
}

// Pairs of u8 * s8 added up to 16 bits; the caller keeps them from saturating.
inline __m256i Pairs(__m256i codes, __m256i x) { return _mm256_maddubs_epi16(codes, x); }

inline void AddTo(float* y, __m256 factor_low, __m256 factor_high, Sums sums) {
  _mm256_storeu_ps(y,
                   _mm256_fmadd_ps(factor_low, _mm256_cvtepi32_ps(sums.low), _mm256_loadu_ps(y)));
  _mm256_storeu_ps(
      y + 8, _mm256_fmadd_ps(factor_high, _mm256_cvtepi32_ps(sums.high), _mm256_loadu_ps(y + 8)));
}

template <int kRows>
void Q8Rows(const QuantProduct& p, int row) {
  const __m256i ones = _mm256_set1_epi16(1);
  const __m256i offset = _mm256_set1_epi8(-128);
  const Q8Block* block = static_cast<const Q8Block*>(p.w);
  for (int panel = 0; panel < p.panels; ++panel) {
    alignas(32) float y[kRows][kPanel];
    for (int r = 0; r < kRows; ++r) {
      for (int j = 0; j < kPanel; ++j) y[r][j] = p.y[row + r][panel * kPanel + j];
    }
    for (int b = 0; b < p.blocks; ++b, ++block) {
      Sums sums[kRows];
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) sums[r] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
      for (int g = 0; g < 8; ++g) {
        // |w| * (x with w's sign): two products are at most 2 * 128 * 127, which fits 16 bits.
        const __m256i w_low = _mm256_xor_si256(Load(block->codes[g]), offset);
        const __m256i w_high = _mm256_xor_si256(Load(block->codes[g][8]), offset);
        const __m256i abs_low = _mm256_abs_epi8(w_low);
        const __m256i abs_high = _mm256_abs_epi8(w_high);
#pragma GCC unroll 4
        for (int r = 0; r < kRows; ++r) {
          const __m256i x = FourInputs(p.x[row + r].values + b * kQuantBlock + 4 * g);
          const __m256i low = Pairs(abs_low, _mm256_sign_epi8(x, w_low));
          const __m256i high = Pairs(abs_high, _mm256_sign_epi8(x, w_high));
          sums[r].low = _mm256_add_epi32(sums[r].low, _mm256_madd_epi16(low, ones));
          sums[r].high = _mm256_add_epi32(sums[r].high, _mm256_madd_epi16(high, ones));
        }
      }
      const __m256 scale_low = Halves(block->scales);
      const __m256 scale_high = Halves(block->scales + 8);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const __m256 x_scale = _mm256_set1_ps(p.x[row + r].scales[b]);
        AddTo(y[r], _mm256_mul_ps(scale_low, x_scale), _mm256_mul_ps(scale_high, x_scale), sums[r]);
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int j = 0; j < kPanel; ++j) p.y[row + r][panel * kPanel + j] = y[r][j];
    }
  }
}

template <int kRows>
void Q4Rows(const QuantProduct& p, int row) {
  const __m256i ones = _mm256_set1_epi16(1);
  const __m256i low_half = _mm256_set1_epi8(15);
  const Q4Block* block = static_cast<const Q4Block*>(p.w);
  for (int panel = 0; panel < p.panels; ++panel) {
    alignas(32) float y[kRows][kPanel];
    for (int r = 0; r < kRows; ++r) {
      for (int j = 0; j < kPanel; ++j) y[r][j] = p.y[row + r][panel * kPanel + j];
    }
    for (int b = 0; b < p.blocks; ++b, ++block) {
      Sums pairs[kRows];  // 16-bit: 8 groups * 2 products * 15 * 127 = 30480 at most
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) pairs[r] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
      for (int g = 0; g < 4; ++g) {
        const __m256i both_low = Load(block->codes[g]);
        const __m256i both_high = Load(block->codes[g][8]);
        const __m256i a_low = _mm256_and_si256(both_low, low_half);
        const __m256i a_high = _mm256_and_si256(both_high, low_half);
        const __m256i b_low = _mm256_and_si256(_mm256_srli_epi16(both_low, 4), low_half);
        const __m256i b_high = _mm256_and_si256(_mm256_srli_epi16(both_high, 4), low_half);
#pragma GCC unroll 4
        for (int r = 0; r < kRows; ++r) {
          const std::int8_t* values = p.x[row + r].values + b * kQuantBlock + 4 * g;
          const __m256i xa = FourInputs(values);
          const __m256i xb = FourInputs(values + 16);
          pairs[r].low =
              _mm256_add_epi16(pairs[r].low, _mm256_add_epi16(Pairs(a_low, xa), Pairs(b_low, xb)));
          pairs[r].high = _mm256_add_epi16(pairs[r].high,
                                           _mm256_add_epi16(Pairs(a_high, xa), Pairs(b_high, xb)));
        }
      }
      const __m256 scale_low = Halves(block->scales);
      const __m256 scale_high = Halves(block->scales + 8);
      const __m256 min_low = Halves(block->mins);
      const __m256 min_high = Halves(block->mins + 8);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const QuantRow& x = p.x[row + r];
        const __m256 x_scale = _mm256_set1_ps(x.scales[b]);
        const __m256 x_sum = _mm256_set1_ps(x.scales[b] * static_cast<float>(x.sums[b]));
        AddTo(y[r], _mm256_mul_ps(scale_low, x_scale), _mm256_mul_ps(scale_high, x_scale),
              {_mm256_madd_epi16(pairs[r].low, ones), _mm256_madd_epi16(pairs[r].high, ones)});
        _mm256_store_ps(y[r], _mm256_fnmadd_ps(min_low, x_sum, _mm256_load_ps(y[r])));
        _mm256_store_ps(y[r] + 8, _mm256_fnmadd_ps(min_high, x_sum, _mm256_load_ps(y[r] + 8)));
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int j = 0; j < kPanel; ++j) p.y[row + r][panel * kPanel + j] = y[r][j];
    }
  }
}

}  // namespace

void ProductQ8Avx2(const QuantProduct& product) {
  int row = 0;
  for (; row + 4 <= product.rows; row += 4) Q8Rows<4>(product, row);
  if (product.rows - row == 3) Q8Rows<3>(product, row);
  if (product.rows - row == 2) Q8Rows<2>(product, row);
  if (product.rows - row == 1) Q8Rows<1>(product, row);
}

void ProductQ4Avx2(const QuantProduct& product) {
  int row = 0;
  for (; row + 4 <= product.rows; row += 4) Q4Rows<4>(product, row);
  if (product.rows - row == 3) Q4Rows<3>(product, row);
  if (product.rows - row == 2) Q4Rows<2>(product, row);
  if (product.rows - row == 1) Q4Rows<1>(product, row);
}

}  // namespace citeseek::inference
