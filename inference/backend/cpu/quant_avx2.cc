// Compiled with -mavx2 -mfma -mf16c.
//
// Two multiplications start a cycle at best on the machines that this is for, and a product takes
// two: nothing else may cost one. Tiles of four rows by two vectors leave registers for the rest.
#include <immintrin.h>

#include "inference/backend/cpu/pin.h"
#include "inference/backend/cpu/quant_kernels.h"

namespace citeseek::inference {
namespace {

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

// y of the rows in one panel, kept in the L1 cache while the tile is gone through.
template <int kRows>
struct alignas(32) PanelSums {
  float y[kRows][kPanel];

  PanelSums(const QuantProduct& p, const QuantTile& tile) {
    const bool from_y = tile.begin > 0 || p.start.accumulate;
    const float* bias = tile.begin > 0 ? nullptr : p.start.bias;
    for (int r = 0; r < kRows; ++r) {
      for (int j = 0; j < kPanel; j += 8) {
        const int at = tile.panel * kPanel + j;
        __m256 sum = from_y ? _mm256_loadu_ps(p.y[tile.row + r] + at) : _mm256_setzero_ps();
        if (bias != nullptr) sum = _mm256_add_ps(sum, _mm256_loadu_ps(bias + at));
        _mm256_store_ps(y[r] + j, sum);
      }
    }
  }
  void Store(const QuantProduct& p, const QuantTile& tile) const {
    for (int r = 0; r < kRows; ++r) {
      __builtin_memcpy(p.y[tile.row + r] + tile.panel * kPanel, y[r], sizeof(y[r]));
    }
  }
};

// Two products of code and input are at most 2 * 255 * 64, which fits 16 bits.
template <int kRows>
void Q8Tile(const QuantProduct& p, const QuantTile& tile) {
  const __m256i ones = _mm256_set1_epi16(1);
  const Q8Block* block =
      static_cast<const Q8Block*>(p.w) + std::int64_t{tile.panel} * p.blocks + tile.begin;
  const QuantRow* rows = p.x + tile.row;
  const std::int8_t* values[kRows];
  for (int r = 0; r < kRows; ++r) values[r] = rows[r].values + tile.begin * kQuantBlock;
  PanelSums<kRows> out(p, tile);
  for (int b = tile.begin; b < tile.end; ++b, ++block) {
    __m256i low[kRows];
    __m256i high[kRows];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      low[r] = high[r] = _mm256_set1_epi32(rows[r].offsets[b]);
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
      const __m256 x_scale = _mm256_set1_ps(rows[r].scales[b]);
      AddTo(out.y[r], _mm256_mul_ps(scale_low, x_scale), low[r]);
      AddTo(out.y[r] + 8, _mm256_mul_ps(scale_high, x_scale), high[r]);
      values[r] += kQuantBlock;
    }
  }
  out.Store(p, tile);
}

// A block's products are added up in 16 bits: 16 * 15 * 127 at most, 30480.
template <int kRows>
void Q4Tile(const QuantProduct& p, const QuantTile& tile) {
  const __m256i ones = _mm256_set1_epi16(1);
  const __m256i low_half = _mm256_set1_epi8(15);
  const Q4Block* block =
      static_cast<const Q4Block*>(p.w) + std::int64_t{tile.panel} * p.blocks + tile.begin;
  const QuantRow* rows = p.x + tile.row;
  const std::int8_t* values[kRows];
  for (int r = 0; r < kRows; ++r) values[r] = rows[r].values + tile.begin * kQuantBlock;
  PanelSums<kRows> out(p, tile);
  for (int b = tile.begin; b < tile.end; ++b, ++block) {
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
      const QuantRow& x = rows[r];
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
  out.Store(p, tile);
}

}  // namespace

const QuantKernels kQ8Avx2 = {
    .rows = 4, .inputs = {.levels = 64}, .tiles = {{Q8Tile<1>, Q8Tile<2>, Q8Tile<3>, Q8Tile<4>}}};
const QuantKernels kQ4Avx2 = {.rows = 4, .tiles = {{Q4Tile<1>, Q4Tile<2>, Q4Tile<3>, Q4Tile<4>}}};

}  // namespace citeseek::inference
