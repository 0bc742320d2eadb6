#include "inference/backend/cpu/quant_kernels.h"

#include <algorithm>
#include <cstddef>

#include "inference/backend/cpu/kernels.h"
#include "inference/backend/widen.h"

namespace citeseek::inference {
namespace {

// Rows of inputs that stay in a part of the second cache while panels go by.
constexpr int kRowsAtOnce = 64;
// Up to here all rows stay in the cache, and the weights are read once, in order.
constexpr int kFewRows = 16;

struct Chosen {
  const QuantKernels& q8;
  const QuantKernels& q5;
  const QuantKernels& q4;
};

Chosen Choose() {
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl")) {
    return {kQ8Avx512, kQ5Avx512, kQ4Avx512};
  }
  // Whatever has AVX2 has F16C, which clang 14 cannot ask for.
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return {kQ8Avx2, kQ5Avx2, kQ4Avx2};
  }
  return {kQ8Portable, kQ5Portable, kQ4Portable};
}

const Chosen& Kernels() {
  static const Chosen chosen = Choose();
  return chosen;
}

// Rows [row, end) of the tile's panels, in groups of nearly the same size.
void Rows(const QuantKernels& kernels, const QuantProduct& product, QuantTile tile, int panels,
          int end) {
  int groups = (end - tile.row + kernels.rows - 1) / kernels.rows;
  const QuantTileFunction* tiles = kernels.tiles[panels - 1];
  alignas(64) std::byte unpacked[kBlocksAtOnce * kUnpackedBytes];  // not touched unless used
  if (end - tile.row >= kernels.unpack_rows && kernels.unpack != nullptr) {
    kernels.unpack(product, tile, unpacked);
    tile.unpacked = unpacked;
    tiles = kernels.unpacked_tiles;
  }
  tile.parts = groups;
  for (; groups > 0; --groups, ++tile.part) {
    const int rows = (end - tile.row) / groups;
    tiles[rows - 1](product, tile);
    tile.row += rows;
  }
}

// Sums of one output start as the product says.
float& StartSum(const QuantProduct& product, const QuantTile& tile, int column) {
  float& y = product.y[tile.row][column];
  if (tile.begin > 0) return y;
  if (!product.start.accumulate) y = 0;
  if (product.start.bias != nullptr) y += product.start.bias[column];
  return y;
}

void Q8Tile(const QuantProduct& product, const QuantTile& tile) {
  const InputBlock* x = product.x[tile.row];
  for (int j = 0; j < kPanel; ++j) {
    float& y = StartSum(product, tile, tile.panel * kPanel + j);
    for (int b = tile.begin; b < tile.end; ++b) {
      const Q8Block& block =
          static_cast<const Q8Block*>(product.w)[std::int64_t{tile.panel} * product.blocks + b];
      const std::int8_t* values = x[b].values;
      int sum = x[b].offset;
      for (int i = 0; i < kQuantBlock; ++i) sum += block.codes[i / 4][j][i % 4] * values[i];
      y += F16ToF32(block.scales[j]) * x[b].scale * static_cast<float>(sum);
    }
  }
}

// Of input i in the block, below 16, and of the one 16 further.
int FirstCode(const Q4Block& block, int j, int i) { return block.codes[i / 4][j][i % 4] & 15; }
int SecondCode(const Q4Block& block, int j, int i) { return block.codes[i / 4][j][i % 4] >> 4; }
int FirstCode(const Q5Block& block, int j, int i) {
  return (block.codes[i / 4][j][i % 4] & 15) | ((block.bits[j][i % 4] >> (i / 4)) & 16);
}
int SecondCode(const Q5Block& block, int j, int i) {
  return (block.codes[i / 4][j][i % 4] >> 4 << 1) | ((block.bits[j][i % 4] >> (i / 4)) & 1);
}

template <typename Block>
void OffsetTile(const QuantProduct& product, const QuantTile& tile) {
  const InputBlock* x = product.x[tile.row];
  for (int j = 0; j < kPanel; ++j) {
    float& y = StartSum(product, tile, tile.panel * kPanel + j);
    for (int b = tile.begin; b < tile.end; ++b) {
      const Block& block =
          static_cast<const Block*>(product.w)[std::int64_t{tile.panel} * product.blocks + b];
      const std::int8_t* values = x[b].values;
      int sum = 0;
      for (int i = 0; i < kQuantBlock / 2; ++i) {
        sum += FirstCode(block, j, i) * values[i] + SecondCode(block, j, i) * values[i + 16];
      }
      y += F16ToF32(block.scales[j]) * x[b].scale * static_cast<float>(sum);
      y -= F16ToF32(block.mins[j]) * x[b].sum;
    }
  }
}

}  // namespace

const QuantKernels kQ8Portable = {.tiles = {{Q8Tile}}};
const QuantKernels kQ5Portable = {.tiles = {{OffsetTile<Q5Block>}}};
const QuantKernels kQ4Portable = {.tiles = {{OffsetTile<Q4Block>}}};

void ProductQ8(const QuantProduct& product) { Multiply(Kernels().q8, product); }
void ProductQ5(const QuantProduct& product) { Multiply(Kernels().q5, product); }
void ProductQ4(const QuantProduct& product) { Multiply(Kernels().q4, product); }
QuantInputs Q8Inputs() { return Kernels().q8.inputs; }
QuantInputs Q5Inputs() { return Kernels().q5.inputs; }
QuantInputs Q4Inputs() { return Kernels().q4.inputs; }

void Multiply(const QuantKernels& kernels, const QuantProduct& product) {
  // Of a row's sums, the order of the blocks alone matters to the result, and it is always the
  // same.
  const auto panels = [&](const QuantTile& tile, const auto& body) {
    for (int panel = 0; panel < product.panels;) {
      const int count = std::min(kernels.panels, product.panels - panel);
      QuantTile at = tile;
      at.panel = panel;
      body(at, count);
      panel += count;
    }
  };
  const auto blocks = [&](const QuantTile& tile, const auto& body) {
    for (int begin = 0; begin < product.blocks; begin += kBlocksAtOnce) {
      QuantTile at = tile;
      at.begin = begin;
      at.end = std::min(product.blocks, begin + kBlocksAtOnce);
      at.ahead = product.rows <= kFewRows ? at.end - begin : product.blocks;
      body(at);
    }
  };
  if (product.rows <= kFewRows) {
    panels({}, [&](const QuantTile& in_panel, int count) {
      blocks(in_panel,
             [&](const QuantTile& tile) { Rows(kernels, product, tile, count, product.rows); });
    });
    return;
  }
  blocks({}, [&](QuantTile in_blocks) {
    for (int row = 0; row < product.rows; row += kRowsAtOnce) {
      in_blocks.row = row;
      panels(in_blocks, [&](const QuantTile& tile, int count) {
        Rows(kernels, product, tile, count, std::min(product.rows, row + kRowsAtOnce));
      });
    }
  });
}

}  // namespace citeseek::inference
