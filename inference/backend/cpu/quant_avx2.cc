// Compiled with -mavx2 -mfma -mf16c.
//
// Of vector operations, loads among them, fewer than four start a cycle on the machines that this
// is for: what counts is how many there are for a product. Tiles of four rows by two vectors share
// loads and leave registers for the rest.
#include <immintrin.h>

#include <cstddef>

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

// Sums of neighbours. Left alone, GCC 12 loads the ones into a register again for each row.
alignas(32) constexpr std::int16_t kOnes[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
inline __m256i Neighbours(__m256i v) {
  asm("vpmaddwd %1, %0, %0" : "+x"(v) : "m"(kOnes));
  return v;
}

// The largest number of eight, none below 0.
inline float Largest(__m256 v) {
  __m128 top = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  top = _mm_max_ps(top, _mm_movehl_ps(top, top));
  return _mm_cvtss_f32(_mm_max_ss(top, _mm_movehdup_ps(top)));
}

// One block of inputs and the scale that it is rounded with.
inline void PutBlock(const __m256 (&v)[4], float scale, const QuantInputs& inputs,
                     InputBlock* out) {
  const __m256i in_order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m256 inverse = _mm256_set1_ps(scale > 0 ? 1.0f / scale : 0.0f);
  __m256i rounded[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) rounded[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], inverse));
  const __m256i bytes =
      _mm256_permutevar8x32_epi32(_mm256_packs_epi16(_mm256_packs_epi32(rounded[0], rounded[1]),
                                                     _mm256_packs_epi32(rounded[2], rounded[3])),
                                  in_order);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out->values), bytes);
  const __m256i fours =
      _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes), _mm256_set1_epi16(1));
  __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(fours), _mm256_extracti128_si256(fours, 1));
  sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0x4e));
  sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0xb1));
  const int sum = _mm_cvtsi128_si32(sums);
  out->scale = scale;
  out->sum = inputs.sum_factor * scale * static_cast<float>(sum);
  out->offset = -128 * sum;
}

void Quantize(const float* x, int blocks, const QuantInputs& inputs, InputBlock* out) {
  const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
  for (int b = 0; b < blocks; ++b, x += kQuantBlock) {
    __m256 v[4];
    __m256 tops = _mm256_setzero_ps();
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      v[i] = _mm256_loadu_ps(x + 8 * i);
      tops = _mm256_max_ps(tops, _mm256_and_ps(v[i], magnitude));
    }
    PutBlock(v, Largest(tops) / static_cast<float>(inputs.levels), inputs, out + b);
  }
}

// Sums of the four numbers of each group, which are 8i, 8i + 1, 8i + 4, 8i + 5, and the others.
inline __m256 GroupSums(const __m256 (&v)[4]) {
  const __m256 first = _mm256_add_ps(_mm256_permute2f128_ps(v[0], v[1], 0x20),
                                     _mm256_permute2f128_ps(v[0], v[1], 0x31));
  const __m256 second = _mm256_add_ps(_mm256_permute2f128_ps(v[2], v[3], 0x20),
                                      _mm256_permute2f128_ps(v[2], v[3], 0x31));
  return _mm256_hadd_ps(first, second);
}

// Codes of 0 to 255 times four inputs of a group fit 16 bits if those above 0 come to 128 at most,
// and those below 0 too: 126, and a half that rounding may add to each.
void QuantizeGroups(const float* x, int blocks, const QuantInputs& inputs, InputBlock* out) {
  const __m256 zero = _mm256_setzero_ps();
  for (int b = 0; b < blocks; ++b, x += kQuantBlock) {
    __m256 v[4];
    __m256 above[4];
    __m256 below[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      v[i] = _mm256_loadu_ps(x + 8 * i);
      above[i] = _mm256_max_ps(v[i], zero);
      below[i] = _mm256_sub_ps(above[i], v[i]);
    }
    const float top = Largest(_mm256_max_ps(GroupSums(above), GroupSums(below)));
    PutBlock(v, top / static_cast<float>(inputs.levels), inputs, out + b);
  }
}

// Codes of 0 to 31 times the sixteen inputs of a lane of all eight vectors fit 16 bits if those
// above 0 come to 1057 at most, and those below 0 too: 1049, and the halves that rounding may add.
// It is rare that this, and not the largest of 127 levels, decides.
void QuantizeLanes(const float* x, int blocks, const QuantInputs& inputs, InputBlock* out) {
  constexpr float kMostInLane = 1049;
  const __m256 zero = _mm256_setzero_ps();
  for (int b = 0; b < blocks; ++b, x += kQuantBlock) {
    __m256 v[4];
    __m256 tops = zero;
    __m256 above = zero;
    __m256 below = zero;
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      v[i] = _mm256_loadu_ps(x + 8 * i);
      const __m256 positive = _mm256_max_ps(v[i], zero);
      const __m256 negative = _mm256_sub_ps(positive, v[i]);
      tops = _mm256_max_ps(tops, _mm256_max_ps(positive, negative));
      above = _mm256_add_ps(above, positive);
      below = _mm256_add_ps(below, negative);
    }
    // Inputs 4g and 4g + 1 meet in one lane, 4g + 2 and 4g + 3 in the other.
    const __m256 pairs = _mm256_hadd_ps(above, below);
    const __m256 lanes = _mm256_add_ps(pairs, _mm256_permute2f128_ps(pairs, pairs, 1));
    const float by_level = Largest(tops) / static_cast<float>(inputs.levels);
    const float by_lane = Largest(lanes) / kMostInLane;
    PutBlock(v, by_level > by_lane ? by_level : by_lane, inputs, out + b);
  }
}

// y of the rows in one panel, kept in the L1 cache while the tile is gone through.
template <int kRows>
struct alignas(32) PanelSums {
  float y[kRows][kPanel];

  PanelSums(const QuantProduct& p, const QuantTile& tile) {
    const bool from_y = tile.begin > 0 || p.start.accumulate;
    const float* bias = tile.begin > 0 ? nullptr : p.start.bias;
    // Those that the next tile starts from: it would wait for each, they are far apart.
    for (int r = tile.row + kRows; from_y && r < p.rows && r < tile.row + 2 * kRows; ++r) {
      _mm_prefetch(reinterpret_cast<const char*>(p.y[r] + tile.panel * kPanel), _MM_HINT_T0);
    }
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

// The same pointer or number, of which the compiler knows nothing: it cannot keep copies of what
// lies there, nor make one number a pointer for each row. There are registers for neither.
template <typename T>
inline T Opaque(T value) {
  asm volatile("" : "+r"(value));
  return value;
}

// The blocks of a tile's rows; `at` is how far a block is from the first, in bytes.
template <int kRows>
struct RowInputs {
  const char* first[kRows];

  RowInputs(const QuantProduct& p, const QuantTile& tile) {
    for (int r = 0; r < kRows; ++r) {
      first[r] = reinterpret_cast<const char*>(p.x[tile.row + r] + tile.begin);
    }
  }
  const InputBlock& At(int r, std::ptrdiff_t at) const {
    return *reinterpret_cast<const InputBlock*>(first[r] + at);
  }
};

// Asks for a tile's part of the blocks that are to come, every parts-th one, into the second cache.
// The processor's own prefetching stops at the end of each page, and while blocks are gone through
// again.
template <typename Block>
struct Ahead {
  std::ptrdiff_t next;  // blocks from the one that is gone through
  int parts;
  int until;

  explicit Ahead(const QuantTile& tile)
      : next(tile.ahead), parts(tile.parts), until(tile.part + 1) {}
  void Ask(const Block* block) {
    if (--until > 0) return;
    until = parts;
    const char* line = reinterpret_cast<const char*>(block + next);
#pragma GCC unroll 16
    for (std::size_t i = 0; i < sizeof(Block); i += 64) _mm_prefetch(line + i, _MM_HINT_T1);
  }
};

// Four products of code and input fit 16 bits, see QuantizeGroups: only every second vector of
// products is widened to 32. What the codes are too large by is taken off where the input's scale
// is multiplied in.
template <int kRows>
void Q8Tile(const QuantProduct& p, const QuantTile& tile) {
  const Q8Block* block =
      static_cast<const Q8Block*>(p.w) + std::int64_t{tile.panel} * p.blocks + tile.begin;
  const RowInputs<kRows> x(p, tile);
  std::ptrdiff_t at = 0;
  Ahead<Q8Block> ahead(tile);
  PanelSums<kRows> out(p, tile);
  for (const Q8Block* end = block + (tile.end - tile.begin); block < end; ++block) {
    ahead.Ask(block);
    __m256i low[kRows];
    __m256i high[kRows];
#pragma GCC unroll 4
    for (int g = 0; g < 8; g += 2) {
      const __m256i low_codes = Load(block->codes[g]);
      const __m256i high_codes = Load(block->codes[g][8]);
      const __m256i next_low_codes = Load(block->codes[g + 1]);
      const __m256i next_high_codes = Load(block->codes[g + 1][8]);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const __m256i four = FourInputs(x.At(r, at).values + 4 * g);
        __m256i four_low = _mm256_maddubs_epi16(low_codes, four);
        __m256i four_high = _mm256_maddubs_epi16(high_codes, four);
        Pin(four_high);
        const __m256i next = FourInputs(x.At(r, at).values + 4 * g + 4);
        four_low = _mm256_add_epi16(four_low, _mm256_maddubs_epi16(next_low_codes, next));
        Pin(four_low);
        four_high = _mm256_add_epi16(four_high, _mm256_maddubs_epi16(next_high_codes, next));
        Pin(four_high);
        four_low = Neighbours(four_low);
        low[r] = g == 0 ? four_low : _mm256_add_epi32(low[r], four_low);
        Pin(low[r]);
        four_high = Neighbours(four_high);
        high[r] = g == 0 ? four_high : _mm256_add_epi32(high[r], four_high);
        Pin(high[r]);
      }
    }
    float(*sums)[kPanel] = Opaque(out.y);
    const __m256 scale_low = Halves(block->scales);
    const __m256 scale_high = Halves(block->scales + 8);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const __m256 x_scale = _mm256_set1_ps(x.At(r, at).scale);
      const __m256 x_sum = _mm256_set1_ps(x.At(r, at).sum);
      float* y = sums[r];
      const __m256 sum_low = _mm256_fmsub_ps(x_scale, _mm256_cvtepi32_ps(low[r]), x_sum);
      _mm256_store_ps(y, _mm256_fmadd_ps(scale_low, sum_low, _mm256_load_ps(y)));
      const __m256 sum_high = _mm256_fmsub_ps(x_scale, _mm256_cvtepi32_ps(high[r]), x_sum);
      _mm256_store_ps(y + 8, _mm256_fmadd_ps(scale_high, sum_high, _mm256_load_ps(y + 8)));
    }
    at = Opaque(at + std::ptrdiff_t{sizeof(InputBlock)});
  }
  out.Store(p, tile);
}

// A block of 4-bit or 5-bit weights, a byte each, for tiles that would unpack it again and again.
struct alignas(64) Unpacked {
  std::uint8_t codes[8][kPanel][4];
  float scales[kPanel];
  float mins[kPanel];
};
static_assert(sizeof(Unpacked) <= kUnpackedBytes);

// Codes of inputs 4g to 4g + 3 (first) and 16 + 4g to 16 + 4g + 3 (second), and scales and minima,
// of outputs j to j + 7.
struct Codes {
  __m256i first;
  __m256i second;
};
inline Codes CodesOf(const Q4Block& block, int g, int j) {
  const __m256i low_half = _mm256_set1_epi8(15);
  const __m256i both = Load(block.codes[g][j]);
  return {_mm256_and_si256(both, low_half), _mm256_and_si256(_mm256_srli_epi16(both, 4), low_half)};
}
inline Codes CodesOf(const Q5Block& block, int g, int j) {
  const __m256i both = Load(block.codes[g][j]);
  const __m256i fifths = _mm256_srli_epi16(Load(block.bits[j]), g);
  return {_mm256_or_si256(_mm256_and_si256(both, _mm256_set1_epi8(15)),
                          _mm256_and_si256(fifths, _mm256_set1_epi8(16))),
          _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(both, 3), _mm256_set1_epi8(30)),
                          _mm256_and_si256(fifths, _mm256_set1_epi8(1)))};
}
inline Codes CodesOf(const Unpacked& block, int g, int j) {
  return {Load(block.codes[g][j]), Load(block.codes[4 + g][j])};
}
inline __m256 Eight(const std::uint16_t* halves) { return Halves(halves); }
inline __m256 Eight(const float* floats) { return _mm256_load_ps(floats); }

template <typename Packed>
void Unpack(const QuantProduct& p, const QuantTile& tile, void* out) {
  const Packed* block =
      static_cast<const Packed*>(p.w) + std::int64_t{tile.panel} * p.blocks + tile.begin;
  auto* unpacked = static_cast<Unpacked*>(out);
  for (int b = tile.begin; b < tile.end; ++b, ++block, ++unpacked) {
#pragma GCC unroll 4
    for (int g = 0; g < 4; ++g) {
      for (int j = 0; j < kPanel; j += 8) {
        const Codes codes = CodesOf(*block, g, j);
        _mm256_store_si256(reinterpret_cast<__m256i*>(unpacked->codes[g][j]), codes.first);
        _mm256_store_si256(reinterpret_cast<__m256i*>(unpacked->codes[4 + g][j]), codes.second);
      }
    }
    for (int j = 0; j < kPanel; j += 8) {
      _mm256_store_ps(unpacked->scales + j, Halves(block->scales + j));
      _mm256_store_ps(unpacked->mins + j, Halves(block->mins + j));
    }
  }
}

// A block's products are added up in 16 bits: 16 * 15 * 127 at most, 30480; of 5-bit weights see
// QuantizeLanes. Block is Packed or Unpacked.
template <int kRows, typename Packed, typename Block>
void OffsetBlocks(const QuantProduct& p, const QuantTile& tile, const Block* block) {
  const RowInputs<kRows> x(p, tile);
  std::ptrdiff_t at = 0;
  const Packed* packed =
      static_cast<const Packed*>(p.w) + std::int64_t{tile.panel} * p.blocks + tile.begin;
  Ahead<Packed> ahead(tile);
  PanelSums<kRows> out(p, tile);
  for (const Block* end = block + (tile.end - tile.begin); block < end; ++block) {
    ahead.Ask(packed++);
    __m256i low[kRows];
    __m256i high[kRows];
#pragma GCC unroll 4
    for (int g = 0; g < 4; ++g) {
      const Codes codes_low = CodesOf(*block, g, 0);
      const Codes codes_high = CodesOf(*block, g, 8);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const __m256i xa = FourInputs(x.At(r, at).values + 4 * g);
        const __m256i first_low = _mm256_maddubs_epi16(codes_low.first, xa);
        const __m256i first_high = _mm256_maddubs_epi16(codes_high.first, xa);
        low[r] = g == 0 ? first_low : _mm256_add_epi16(low[r], first_low);
        high[r] = g == 0 ? first_high : _mm256_add_epi16(high[r], first_high);
        const __m256i xb = FourInputs(x.At(r, at).values + 16 + 4 * g);
        low[r] = _mm256_add_epi16(low[r], _mm256_maddubs_epi16(codes_low.second, xb));
        Pin(low[r]);
        high[r] = _mm256_add_epi16(high[r], _mm256_maddubs_epi16(codes_high.second, xb));
        Pin(high[r]);
      }
    }
    float(*sums)[kPanel] = Opaque(out.y);
    const __m256 scale_low = Eight(block->scales);
    const __m256 scale_high = Eight(block->scales + 8);
    const __m256 min_low = Eight(block->mins);
    const __m256 min_high = Eight(block->mins + 8);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const __m256 x_scale = _mm256_set1_ps(x.At(r, at).scale);
      const __m256 x_sum = _mm256_set1_ps(x.At(r, at).sum);
      float* y = sums[r];
      const __m256 y_low = _mm256_fnmadd_ps(min_low, x_sum, _mm256_load_ps(y));
      const __m256 y_high = _mm256_fnmadd_ps(min_high, x_sum, _mm256_load_ps(y + 8));
      const __m256 sum_low = _mm256_cvtepi32_ps(Neighbours(low[r]));
      const __m256 sum_high = _mm256_cvtepi32_ps(Neighbours(high[r]));
      _mm256_store_ps(y, _mm256_fmadd_ps(_mm256_mul_ps(scale_low, x_scale), sum_low, y_low));
      _mm256_store_ps(y + 8, _mm256_fmadd_ps(_mm256_mul_ps(scale_high, x_scale), sum_high, y_high));
    }
    at = Opaque(at + std::ptrdiff_t{sizeof(InputBlock)});
  }
  out.Store(p, tile);
}

template <int kRows, typename Packed>
void OffsetTile(const QuantProduct& p, const QuantTile& tile) {
  OffsetBlocks<kRows, Packed>(
      p, tile, static_cast<const Packed*>(p.w) + std::int64_t{tile.panel} * p.blocks + tile.begin);
}

template <int kRows, typename Packed>
void UnpackedTile(const QuantProduct& p, const QuantTile& tile) {
  OffsetBlocks<kRows, Packed>(p, tile, static_cast<const Unpacked*>(tile.unpacked));
}

template <typename Packed>
constexpr QuantKernels OffsetKernels(const QuantInputs& inputs, int unpack_rows) {
  return {.rows = 4,
          .inputs = inputs,
          .tiles = {{OffsetTile<1, Packed>, OffsetTile<2, Packed>, OffsetTile<3, Packed>,
                     OffsetTile<4, Packed>}},
          .unpack_rows = unpack_rows,
          .unpack = Unpack<Packed>,
          .unpacked_tiles = {UnpackedTile<1, Packed>, UnpackedTile<2, Packed>,
                             UnpackedTile<3, Packed>, UnpackedTile<4, Packed>}};
}

}  // namespace

const QuantKernels kQ8Avx2 = {
    .rows = 4,
    .inputs = {.levels = 126, .sum_factor = 128, .quantize = QuantizeGroups},
    .tiles = {{Q8Tile<1>, Q8Tile<2>, Q8Tile<3>, Q8Tile<4>}}};
const QuantKernels kQ5Avx2 = OffsetKernels<Q5Block>({.quantize = QuantizeLanes}, 7);
const QuantKernels kQ4Avx2 = OffsetKernels<Q4Block>({.quantize = Quantize}, 9);

}  // namespace citeseek::inference
