// QuantLayout: how int8, 5-bit and 4-bit weights and quantised inputs lie in memory.
//
// Weights lie in panels of 16 outputs; a panel is its blocks of 32 inputs one after another. Four
// inputs of one output are neighbours, as the byte dot product instructions want them.
#pragma once

#include <cstdint>

namespace citeseek::inference {

inline constexpr int kPanel = 16;       // outputs side by side
inline constexpr int kQuantBlock = 32;  // inputs that share a scale
// Blocks of a panel that products go through for many rows: they stay in half of the first cache.
inline constexpr int kBlocksAtOnce = 32;

// 32 inputs: x[i] ~ values[i] * scale. All numbers of a block side by side: kernels go through
// several rows of them and have one pointer for each.
struct InputBlock {
  std::int8_t values[kQuantBlock];
  float scale;
  float sum;            // sum_factor * scale * the sum of the values
  std::int32_t offset;  // -128 * the sum of the values
};

// How inputs to the products with quantised weights are rounded: to [-levels, levels]. A quantize
// of its own may keep what some of them come to within that (QuantizeGroups of quant_avx2.cc).
struct QuantInputs {
  int levels = 127;
  bool power_of_two = false;  // the scales
  float sum_factor = 1;       // of an InputBlock's sum
  // Does it for whole blocks; null: there is nothing faster than what every processor does.
  void (*quantize)(const float* x, int blocks, const QuantInputs& inputs,
                   InputBlock* out) = nullptr;
};

// weight = scale * (code - 128); codes [input / 4][output][input % 4].
struct Q8Block {
  std::uint8_t codes[8][kPanel][4];
  std::uint16_t scales[kPanel];  // f16, not 0
};

// weight = scale * code - min; codes[g] has inputs 4g to 4g + 3 in the low halves of its bytes and
// inputs 16 + 4g to 16 + 4g + 3 in the high halves.
struct Q4Block {
  std::uint8_t codes[4][kPanel][4];
  std::uint16_t scales[kPanel];  // f16, not 0
  std::uint16_t mins[kPanel];    // f16
};

// The same with a fifth bit, which bits[output][i] has of eight inputs: bit 4 + g is the highest of
// input 4g + i, bit g the lowest of input 16 + 4g + i, so that one shift brings both to their
// places.
struct Q5Block {
  std::uint8_t codes[4][kPanel][4];
  std::uint8_t bits[kPanel][4];
  std::uint16_t scales[kPanel];  // f16, not 0
  std::uint16_t mins[kPanel];    // f16
};

// What a product's sums start from: y itself or 0, plus bias [16 * panels] or nothing.
struct ProductStart {
  bool accumulate = true;
  const float* bias = nullptr;
};

// y[r][16 p + j] = start + x[r] . the weights of output j of panel p, block by block in order.
struct QuantProduct {
  const InputBlock* const* x = nullptr;  // [rows], each [blocks]
  float* const* y = nullptr;             // [rows], each 16 * panels long
  int rows = 0;
  ProductStart start;
  const void* w = nullptr;  // Q8Block, Q5Block or Q4Block [panels, blocks]
  int blocks = 0;
  int panels = 0;
};

}  // namespace citeseek::inference
