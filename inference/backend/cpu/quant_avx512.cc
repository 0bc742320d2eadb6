// Compiled with -mavx512f -mavx512bw -mavx512vl -mavx512vnni.
//
// Two byte dot products start a cycle at best, in the pipes that multiply floats too, and loads
// must keep up: a tile is eight rows by two panels, and the scales of inputs are powers of two, so
// that they are added to the exponents of the weights' scales in another pipe.
#include <immintrin.h>

#include "inference/backend/cpu/pin.h"
#include "inference/backend/cpu/quant_kernels.h"

namespace citeseek::inference {
namespace {

inline __m512i Load(const void* p) { return _mm512_loadu_si512(p); }

inline __m512 Halves(const std::uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

inline __m512i FourInputs(const std::int8_t* values) {
  int four;
  __builtin_memcpy(&four, values, 4);
  return _mm512_set1_epi32(four);
}

// scale times a power of two, by adding their exponents; scale is not 0.
inline __m512 TimesPower(__m512i scale_less_one, const float* power) {
  int bits;
  __builtin_memcpy(&bits, power, 4);
  return _mm512_castsi512_ps(_mm512_add_epi32(scale_less_one, _mm512_set1_epi32(bits)));
}
inline __m512i LessOne(__m512 scale) {  // 1.0f has the exponent 127
  return _mm512_sub_epi32(_mm512_castps_si512(scale), _mm512_set1_epi32(127 << 23));
}

// y of the rows in kPanels panels, kept in the L1 cache while the tile is gone through.
template <int kRows, int kPanels>
struct alignas(64) PanelSums {
  float y[kRows][kPanels][kPanel];

  PanelSums(const QuantProduct& p, const QuantTile& tile) {
    const bool from_y = tile.begin > 0 || p.start.accumulate;
    const float* bias = tile.begin > 0 ? nullptr : p.start.bias;
    for (int r = 0; r < kRows; ++r) {
      for (int c = 0; c < kPanels; ++c) {
        const int at = (tile.panel + c) * kPanel;
        __m512 sum = from_y ? _mm512_loadu_ps(p.y[tile.row + r] + at) : _mm512_setzero_ps();
        if (bias != nullptr) sum = _mm512_add_ps(sum, _mm512_loadu_ps(bias + at));
        _mm512_store_ps(y[r][c], sum);
      }
    }
  }
  void Store(const QuantProduct& p, const QuantTile& tile) const {
    for (int r = 0; r < kRows; ++r) {
      __builtin_memcpy(p.y[tile.row + r] + tile.panel * kPanel, y[r], sizeof(y[r]));
    }
  }
};

template <int kRows, int kPanels>
void Q8Tile(const QuantProduct& p, const QuantTile& tile) {
  const Q8Block* block =
      static_cast<const Q8Block*>(p.w) + std::int64_t{tile.panel} * p.blocks + tile.begin;
  const InputBlock* const* rows = p.x + tile.row;
  PanelSums<kRows, kPanels> out(p, tile);
  for (int b = tile.begin; b < tile.end; ++b, ++block) {
    __m512i sums[kRows][kPanels];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int c = 0; c < kPanels; ++c) {
        sums[r][c] = _mm512_set1_epi32(rows[r][b].offset);
      }
    }
#pragma GCC unroll 8
    for (int g = 0; g < 8; ++g) {
      __m512i codes[kPanels];
#pragma GCC unroll 2
      for (int c = 0; c < kPanels; ++c) codes[c] = Load(block[c * p.blocks].codes[g]);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const __m512i x = FourInputs(rows[r][b].values + 4 * g);
#pragma GCC unroll 2
        for (int c = 0; c < kPanels; ++c) {
          sums[r][c] = _mm512_dpbusd_epi32(sums[r][c], codes[c], x);
          Pin(sums[r][c]);
        }
      }
    }
#pragma GCC unroll 2
    for (int c = 0; c < kPanels; ++c) {
      const __m512i scale = LessOne(Halves(block[c * p.blocks].scales));
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        float* y = out.y[r][c];
        const __m512 factor = TimesPower(scale, &rows[r][b].scale);
        _mm512_store_ps(y,
                        _mm512_fmadd_ps(factor, _mm512_cvtepi32_ps(sums[r][c]), _mm512_load_ps(y)));
      }
    }
  }
  out.Store(p, tile);
}

// Codes of inputs 4g to 4g + 3 (first) and 16 + 4g to 16 + 4g + 3 (second).
struct Codes {
  __m512i first;
  __m512i second;
};
inline Codes CodesOf(const Q4Block& block, int g) {
  const __m512i low_half = _mm512_set1_epi8(15);
  const __m512i both = Load(block.codes[g]);
  return {_mm512_and_si512(both, low_half), _mm512_and_si512(_mm512_srli_epi16(both, 4), low_half)};
}
inline Codes CodesOf(const Q5Block& block, int g) {
  const __m512i both = Load(block.codes[g]);
  const __m512i fifths = _mm512_srli_epi16(Load(block.bits), static_cast<unsigned>(g));
  return {_mm512_or_si512(_mm512_and_si512(both, _mm512_set1_epi8(15)),
                          _mm512_and_si512(fifths, _mm512_set1_epi8(16))),
          _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(both, 3), _mm512_set1_epi8(30)),
                          _mm512_and_si512(fifths, _mm512_set1_epi8(1)))};
}

template <typename Block, int kRows, int kPanels>
void OffsetTile(const QuantProduct& p, const QuantTile& tile) {
  const Block* block =
      static_cast<const Block*>(p.w) + std::int64_t{tile.panel} * p.blocks + tile.begin;
  const InputBlock* const* rows = p.x + tile.row;
  PanelSums<kRows, kPanels> out(p, tile);
  for (int b = tile.begin; b < tile.end; ++b, ++block) {
    __m512i sums[kRows][kPanels];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int c = 0; c < kPanels; ++c) sums[r][c] = _mm512_setzero_si512();
    }
#pragma GCC unroll 4
    for (int g = 0; g < 4; ++g) {
      Codes codes[kPanels];
#pragma GCC unroll 2
      for (int c = 0; c < kPanels; ++c) codes[c] = CodesOf(block[c * p.blocks], g);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const std::int8_t* values = rows[r][b].values + 4 * g;
        const __m512i xa = FourInputs(values);
        const __m512i xb = FourInputs(values + 16);
#pragma GCC unroll 2
        for (int c = 0; c < kPanels; ++c) {
          sums[r][c] = _mm512_dpbusd_epi32(sums[r][c], codes[c].first, xa);
          sums[r][c] = _mm512_dpbusd_epi32(sums[r][c], codes[c].second, xb);
          Pin(sums[r][c]);
        }
      }
    }
#pragma GCC unroll 2
    for (int c = 0; c < kPanels; ++c) {
      const __m512i scale = LessOne(Halves(block[c * p.blocks].scales));
      const __m512 min = Halves(block[c * p.blocks].mins);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        float* y = out.y[r][c];
        const __m512 less_min =
            _mm512_fnmadd_ps(min, _mm512_set1_ps(rows[r][b].sum), _mm512_load_ps(y));
        const __m512 factor = TimesPower(scale, &rows[r][b].scale);
        _mm512_store_ps(y, _mm512_fmadd_ps(factor, _mm512_cvtepi32_ps(sums[r][c]), less_min));
      }
    }
  }
  out.Store(p, tile);
}

template <typename Block>
constexpr QuantKernels OffsetKernels() {
  return {.rows = 8,
          .panels = 2,
          .inputs = {.power_of_two = true},
          .tiles = {{OffsetTile<Block, 1, 1>, OffsetTile<Block, 2, 1>, OffsetTile<Block, 3, 1>,
                     OffsetTile<Block, 4, 1>, OffsetTile<Block, 5, 1>, OffsetTile<Block, 6, 1>,
                     OffsetTile<Block, 7, 1>, OffsetTile<Block, 8, 1>},
                    {OffsetTile<Block, 1, 2>, OffsetTile<Block, 2, 2>, OffsetTile<Block, 3, 2>,
                     OffsetTile<Block, 4, 2>, OffsetTile<Block, 5, 2>, OffsetTile<Block, 6, 2>,
                     OffsetTile<Block, 7, 2>, OffsetTile<Block, 8, 2>}}};
}

}  // namespace

const QuantKernels kQ8Avx512 = {
    .rows = 8,
    .panels = 2,
    .inputs = {.power_of_two = true},
    .tiles = {{Q8Tile<1, 1>, Q8Tile<2, 1>, Q8Tile<3, 1>, Q8Tile<4, 1>, Q8Tile<5, 1>, Q8Tile<6, 1>,
               Q8Tile<7, 1>, Q8Tile<8, 1>},
              {Q8Tile<1, 2>, Q8Tile<2, 2>, Q8Tile<3, 2>, Q8Tile<4, 2>, Q8Tile<5, 2>, Q8Tile<6, 2>,
               Q8Tile<7, 2>, Q8Tile<8, 2>}}};
const QuantKernels kQ5Avx512 = OffsetKernels<Q5Block>();
const QuantKernels kQ4Avx512 = OffsetKernels<Q4Block>();

}  // namespace citeseek::inference
