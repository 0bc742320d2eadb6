// Widen: turns stored weights of any type into f32.
//
// Free functions, thread-safe. The value of each type is GGUF's definition of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "inference/model/tensor_view.h"

namespace citeseek::inference {

// out[i] = element i of the blocks at source; out.size() is a whole number of blocks. Reads the
// blocks' bytes and no more, aligned or not. dtype is not kOther.
void WidenToF32(DType dtype, const std::byte* source, std::span<float> out);

// 32 weights as a quantised type has them: weight i is scales[i / 16] * codes[i] - mins[i / 16].
struct QuantGroup {
  std::int8_t codes[32];
  float scales[2];
  float mins[2];
};
// Weights [32 * index, 32 * index + 32) of the block. dtype is one of several weights a block.
QuantGroup UnpackGroup(DType dtype, const std::byte* block, int index);
void WidenGroup(const QuantGroup& group, float* out);

float F16ToF32(std::uint16_t half);
std::uint16_t F32ToF16(float value);   // to nearest even
std::uint16_t F32ToBF16(float value);  // to nearest even

}  // namespace citeseek::inference
