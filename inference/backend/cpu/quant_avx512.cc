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

constexpr int kRowsAtOnce = 8;

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

// y of the rows in kPanels panels, kept in the L1 cache while the panels are gone through.
template <int kRows, int kPanels>
struct alignas(64) PanelSums {
  float y[kRows][kPanels][kPanel];

  PanelSums(const QuantProduct& p, int row, int panel) {
    for (int r = 0; r < kRows; ++r) {
      for (int c = 0; c < kPanels; ++c) {
        const int at = (panel + c) * kPanel;
        __m512 sum = p.start.accumulate ? _mm512_loadu_ps(p.y[row + r] + at) : _mm512_setzero_ps();
        if (p.start.bias != nullptr) sum = _mm512_add_ps(sum, _mm512_loadu_ps(p.start.bias + at));
        _mm512_store_ps(y[r][c], sum);
      }
    }
  }
  void Store(const QuantProduct& p, int row, int panel) const {
    for (int r = 0; r < kRows; ++r) {
      __builtin_memcpy(p.y[row + r] + panel * kPanel, y[r], sizeof(y[r]));
    }
  }
};

template <int kRows, int kPanels>
void Q8Panels(const QuantProduct& p, int row, int panel) {
  const Q8Block* block = static_cast<const Q8Block*>(p.w) + std::int64_t{panel} * p.blocks;
  PanelSums<kRows, kPanels> out(p, row, panel);
  for (int b = 0; b < p.blocks; ++b, ++block) {
    __m512i sums[kRows][kPanels];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int c = 0; c < kPanels; ++c) {
        sums[r][c] = _mm512_set1_epi32(p.x[row + r].offsets[b]);
      }
    }
#pragma GCC unroll 8
    for (int g = 0; g < 8; ++g) {
      __m512i codes[kPanels];
#pragma GCC unroll 2
      for (int c = 0; c < kPanels; ++c) codes[c] = Load(block[c * p.blocks].codes[g]);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const __m512i x = FourInputs(p.x[row + r].values + b * kQuantBlock + 4 * g);
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
        const __m512 factor = TimesPower(scale, p.x[row + r].scales + b);
        _mm512_store_ps(y,
                        _mm512_fmadd_ps(factor, _mm512_cvtepi32_ps(sums[r][c]), _mm512_load_ps(y)));
      }
    }
  }
  out.Store(p, row, panel);
}

template <int kRows, int kPanels>
void Q4Panels(const QuantProduct& p, int row, int panel) {
  const __m512i low_half = _mm512_set1_epi8(15);
  const Q4Block* block = static_cast<const Q4Block*>(p.w) + std::int64_t{panel} * p.blocks;
  PanelSums<kRows, kPanels> out(p, row, panel);
  for (int b = 0; b < p.blocks; ++b, ++block) {
    __m512i sums[kRows][kPanels];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int c = 0; c < kPanels; ++c) sums[r][c] = _mm512_setzero_si512();
    }
#pragma GCC unroll 4
    for (int g = 0; g < 4; ++g) {
      __m512i first[kPanels];
      __m512i second[kPanels];
#pragma GCC unroll 2
      for (int c = 0; c < kPanels; ++c) {
        const __m512i both = Load(block[c * p.blocks].codes[g]);
        first[c] = _mm512_and_si512(both, low_half);
        second[c] = _mm512_and_si512(_mm512_srli_epi16(both, 4), low_half);
      }
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const std::int8_t* values = p.x[row + r].values + b * kQuantBlock + 4 * g;
        const __m512i xa = FourInputs(values);
        const __m512i xb = FourInputs(values + 16);
#pragma GCC unroll 2
        for (int c = 0; c < kPanels; ++c) {
          sums[r][c] = _mm512_dpbusd_epi32(sums[r][c], first[c], xa);
          sums[r][c] = _mm512_dpbusd_epi32(sums[r][c], second[c], xb);
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
            _mm512_fnmadd_ps(min, _mm512_set1_ps(p.x[row + r].sums[b]), _mm512_load_ps(y));
        const __m512 factor = TimesPower(scale, p.x[row + r].scales + b);
        _mm512_store_ps(y, _mm512_fmadd_ps(factor, _mm512_cvtepi32_ps(sums[r][c]), less_min));
      }
    }
  }
  out.Store(p, row, panel);
}

using PanelFunction = void (*)(const QuantProduct&, int row, int panel);

// Rows in groups of nearly the same size; a row's result is the same in each of the kernels.
void Multiply(const QuantProduct& product, const PanelFunction (&two)[kRowsAtOnce],
              const PanelFunction (&one)[kRowsAtOnce]) {
  const int groups = (product.rows + kRowsAtOnce - 1) / kRowsAtOnce;
  for (int group = 0, row = 0; group < groups; ++group) {
    const int count = (product.rows - row) / (groups - group);
    int panel = 0;
    for (; panel + 2 <= product.panels; panel += 2) two[count - 1](product, row, panel);
    if (panel < product.panels) one[count - 1](product, row, panel);
    row += count;
  }
}

}  // namespace

void ProductQ8Avx512(const QuantProduct& product) {
  Multiply(product,
           {Q8Panels<1, 2>, Q8Panels<2, 2>, Q8Panels<3, 2>, Q8Panels<4, 2>, Q8Panels<5, 2>,
            Q8Panels<6, 2>, Q8Panels<7, 2>, Q8Panels<8, 2>},
           {Q8Panels<1, 1>, Q8Panels<2, 1>, Q8Panels<3, 1>, Q8Panels<4, 1>, Q8Panels<5, 1>,
            Q8Panels<6, 1>, Q8Panels<7, 1>, Q8Panels<8, 1>});
}

void ProductQ4Avx512(const QuantProduct& product) {
  Multiply(product,
           {Q4Panels<1, 2>, Q4Panels<2, 2>, Q4Panels<3, 2>, Q4Panels<4, 2>, Q4Panels<5, 2>,
            Q4Panels<6, 2>, Q4Panels<7, 2>, Q4Panels<8, 2>},
           {Q4Panels<1, 1>, Q4Panels<2, 1>, Q4Panels<3, 1>, Q4Panels<4, 1>, Q4Panels<5, 1>,
            Q4Panels<6, 1>, Q4Panels<7, 1>, Q4Panels<8, 1>});
}

}  // namespace citeseek::inference
