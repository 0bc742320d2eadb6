// Compiled with -mavx2 -mfma -mf16c.
//
// Two multiplications start a cycle at best on the machines that this is for, and a product takes
// two: nothing else may cost one.
#include <immintrin.h>

#include "inference/backend/cpu/pin.h"
#include "inference/backend/cpu/quant_kernels.h"

namespace citeseek::inference {
namespace {

constexpr int kRowsAtOnce = 4;  // times two vectors of outputs: 8 sums beside weights and inputs

inline __m256i Load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

inline __m256 Halves(const std::uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

inline __m256i FourInputs(const std::int8_t* values) {
  int four;
  __builtin_memcpy(&four, values, 4);
  return _mm256_set1_epi32(four);
}

inline void AddTo(float* y, __m256 factor, __m256i sums) {
  _mm256_store_ps(y, _mm256_fmadd_ps(factor, _mm256_cvtepi32_ps(sums), _mm256_load_ps(y)));
}

// y of the rows in one panel, kept in the L1 cache while the panel is gone through.
template <int kRows>
struct alignas(32) PanelSums {
  float y[kRows][kPanel];

  PanelSums(const QuantProduct& p, int row, int panel) {
    for (int r = 0; r < kRows; ++r) {
      for (int j = 0; j < kPanel; j += 8) {
        const int at = panel * kPanel + j;
        __m256 sum = p.start.accumulate ? _mm256_loadu_ps(p.y[row + r] + at) : _mm256_setzero_ps();
        if (p.start.bias != nullptr) sum = _mm256_add_ps(sum, _mm256_loadu_ps(p.start.bias + at));
        _mm256_store_ps(y[r] + j, sum);
      }
    }
  }
  void Store(const QuantProduct& p, int row, int panel) const {
    for (int r = 0; r < kRows; ++r) {
      __builtin_memcpy(p.y[row + r] + panel * kPanel, y[r], sizeof(y[r]));
    }
  }
};

// Two products of code and input are at most 2 * 255 * kQ8LevelsAvx2, which fits 16 bits.
template <int kRows>
void Q8Panel(const QuantProduct& p, int row, int panel) {
  const __m256i ones = _mm256_set1_epi16(1);
  const Q8Block* block = static_cast<const Q8Block*>(p.w) + std::int64_t{panel} * p.blocks;
  const std::int8_t* values[kRows];
  for (int r = 0; r < kRows; ++r) values[r] = p.x[row + r].values;
  PanelSums<kRows> out(p, row, panel);
  for (int b = 0; b < p.blocks; ++b, ++block) {
    __m256i low[kRows];
    __m256i high[kRows];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      low[r] = high[r] = _mm256_set1_epi32(p.x[row + r].offsets[b]);
    }
#pragma GCC unroll 8
    for (int g = 0; g < 8; ++g) {
      const __m256i codes_low = Load(block->codes[g]);
      const __m256i codes_high = Load(block->codes[g][8]);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const __m256i x = FourInputs(values[r] + 4 * g);
        low[r] =
            _mm256_add_epi32(low[r], _mm256_madd_epi16(_mm256_maddubs_epi16(codes_low, x), ones));
        Pin(low[r]);
        high[r] =
            _mm256_add_epi32(high[r], _mm256_madd_epi16(_mm256_maddubs_epi16(codes_high, x), ones));
        Pin(high[r]);
      }
    }
    const __m256 scale_low = Halves(block->scales);
    const __m256 scale_high = Halves(block->scales + 8);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const __m256 x_scale = _mm256_set1_ps(p.x[row + r].scales[b]);
      AddTo(out.y[r], _mm256_mul_ps(scale_low, x_scale), low[r]);
      AddTo(out.y[r] + 8, _mm256_mul_ps(scale_high, x_scale), high[r]);
      values[r] += kQuantBlock;
    }
  }
  out.Store(p, row, panel);
}

// A block's products are added up in 16 bits: 16 * 15 * kQ4Levels at most, 30480.
template <int kRows>
void Q4Panel(const QuantProduct& p, int row, int panel) {
  const __m256i ones = _mm256_set1_epi16(1);
  const __m256i low_half = _mm256_set1_epi8(15);
  const Q4Block* block = static_cast<const Q4Block*>(p.w) + std::int64_t{panel} * p.blocks;
  const std::int8_t* values[kRows];
  for (int r = 0; r < kRows; ++r) values[r] = p.x[row + r].values;
  PanelSums<kRows> out(p, row, panel);
  for (int b = 0; b < p.blocks; ++b, ++block) {
    __m256i low[kRows];
    __m256i high[kRows];
#pragma GCC unroll 4
    for (int g = 0; g < 4; ++g) {
      const __m256i both_low = Load(block->codes[g]);
      const __m256i both_high = Load(block->codes[g][8]);
      const __m256i a_low = _mm256_and_si256(both_low, low_half);
      const __m256i a_high = _mm256_and_si256(both_high, low_half);
      const __m256i b_low = _mm256_and_si256(_mm256_srli_epi16(both_low, 4), low_half);
      const __m256i b_high = _mm256_and_si256(_mm256_srli_epi16(both_high, 4), low_half);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const __m256i xa = FourInputs(values[r] + 4 * g);
        const __m256i first_low = _mm256_maddubs_epi16(a_low, xa);
        const __m256i first_high = _mm256_maddubs_epi16(a_high, xa);
        low[r] = g == 0 ? first_low : _mm256_add_epi16(low[r], first_low);
        high[r] = g == 0 ? first_high : _mm256_add_epi16(high[r], first_high);
        const __m256i xb = FourInputs(values[r] + 16 + 4 * g);
        low[r] = _mm256_add_epi16(low[r], _mm256_maddubs_epi16(b_low, xb));
        Pin(low[r]);
        high[r] = _mm256_add_epi16(high[r], _mm256_maddubs_epi16(b_high, xb));
        Pin(high[r]);
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
      const __m256 x_sum = _mm256_set1_ps(x.sums[b]);
      const __m256 y_low = _mm256_fnmadd_ps(min_low, x_sum, _mm256_load_ps(out.y[r]));
      const __m256 y_high = _mm256_fnmadd_ps(min_high, x_sum, _mm256_load_ps(out.y[r] + 8));
      _mm256_store_ps(out.y[r],
                      _mm256_fmadd_ps(_mm256_mul_ps(scale_low, x_scale),
                                      _mm256_cvtepi32_ps(_mm256_madd_epi16(low[r], ones)), y_low));
      _mm256_store_ps(
          out.y[r] + 8,
          _mm256_fmadd_ps(_mm256_mul_ps(scale_high, x_scale),
                          _mm256_cvtepi32_ps(_mm256_madd_epi16(high[r], ones)), y_high));
      values[r] += kQuantBlock;
    }
  }
  out.Store(p, row, panel);
}

// Rows in groups of nearly the same size; a row's result is the same in each of the kernels.
using PanelFunction = void (*)(const QuantProduct&, int row, int panel);
void Multiply(const QuantProduct& product, const PanelFunction (&rows)[kRowsAtOnce]) {
  const int groups = (product.rows + kRowsAtOnce - 1) / kRowsAtOnce;
  for (int group = 0, row = 0; group < groups; ++group) {
    const int count = (product.rows - row) / (groups - group);
    for (int panel = 0; panel < product.panels; ++panel) rows[count - 1](product, row, panel);
    row += count;
  }
}

}  // namespace

void ProductQ8Avx2(const QuantProduct& product) {
  Multiply(product, {Q8Panel<1>, Q8Panel<2>, Q8Panel<3>, Q8Panel<4>});
}

void ProductQ4Avx2(const QuantProduct& product) {
  Multiply(product, {Q4Panel<1>, Q4Panel<2>, Q4Panel<3>, Q4Panel<4>});
}

}  // namespace citeseek::inference
