// QuantKernels: products with int8, 5-bit and 4-bit weights, one file an instruction set, compiled
// with that set's flags because Highway 1.0.3 has no byte dot product. quant_kernels.cc chooses one
// and goes through memory.
//
// Include nothing here or there that has inline functions: they would be compiled for the wrong
// processor and might be the copy that the linker keeps.
#pragma once

#include "inference/backend/cpu/quant_layout.h"

namespace citeseek::inference {

// Some rows and panels of a product, and the blocks [begin, end) of their inputs. Sums start where
// the product's do if begin is 0, otherwise from y.
struct QuantTile {
  int row = 0;
  int panel = 0;
  int begin = 0;
  int end = 0;
  const void* unpacked = nullptr;  // the blocks, if a kernel unpacked them
  // The tiles that go through these blocks, `parts` of them, each ask the memory for every parts-th
  // of the blocks that come next, which are `ahead` blocks further: it works while they compute.
  int ahead = 0;
  int part = 0;
  int parts = 1;
};
using QuantTileFunction = void (*)(const QuantProduct& product, const QuantTile& tile);

inline constexpr int kUnpackedBytes = 640;  // at most of a block

// The kernels of one storage and instruction set.
struct QuantKernels {
  int rows = 1;    // at most in a tile
  int panels = 1;  // at most in a tile
  QuantInputs inputs;
  QuantTileFunction tiles[2][8] = {};  // [panels - 1][rows - 1]
  // Blocks of one panel that so many rows go through are unpacked once, each to at most
  // kUnpackedBytes at out, which is aligned to 64 bytes. null: that does not pay.
  int unpack_rows = 0;
  void (*unpack)(const QuantProduct& product, const QuantTile& tile, void* out) = nullptr;
  QuantTileFunction unpacked_tiles[8] = {};  // [rows - 1], of one panel
};

void Multiply(const QuantKernels& kernels, const QuantProduct& product);

extern const QuantKernels kQ8Portable;
extern const QuantKernels kQ5Portable;
extern const QuantKernels kQ4Portable;

// Need AVX2, FMA and F16C. Byte products are added up in 16 bits: the int8 product takes inputs
// that are rounded so that four of them fit (docs/adr/0009), the 5-bit one so that sixteen do.
extern const QuantKernels kQ8Avx2;
extern const QuantKernels kQ5Avx2;
extern const QuantKernels kQ4Avx2;

// Need AVX-512 F, BW, VL and VNNI, inputs with scales that are powers of two and no weight scale 0.
extern const QuantKernels kQ8Avx512;
extern const QuantKernels kQ5Avx512;
extern const QuantKernels kQ4Avx512;

}  // namespace citeseek::inference
