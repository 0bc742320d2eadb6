// Tensor: typed views of arrays: of weights on the host, of numbers in a backend's memory.
//
// Views own nothing. Row-major; in a quantised tensor each row is a whole number of blocks, laid
// out as GGUF defines them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace citeseek::inference {

enum class DType : std::uint8_t {
  kF32,
  kF16,
  kBF16,
  kI32,
  kI64,
  kQ8_0,  // 32 elements: f16 scale, 32 int8
  kQ4_0,  // 32 elements: f16 scale, 16 bytes of nibbles
  kQ4_K,  // 256 elements: f16 scale, f16 min, 8 6-bit scales and mins, nibbles
  kQ5_K,  // as kQ4_K, with a fifth bit
  kQ6_K,  // 256 elements: 6 bits each, 16 int8 scales, f16 scale
};

std::string_view DTypeName(DType dtype);

// Elements in the smallest unit that is stored, and its bytes: (1, 4) for kF32, (32, 34) for kQ8_0.
int BlockElements(DType dtype);
int BlockBytes(DType dtype);

// A tensor in host memory, usually of a mapped file: shape [outermost, ..., innermost].
struct HostTensor {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

// out[i] = element i of the blocks at source, widened to f32; out.size() a multiple of
// BlockElements. kI32 and kI64 are converted. Reads no more than the blocks' bytes, aligned or not.
void WidenToF32(DType dtype, const std::byte* source, std::span<float> out);

// [rows, cols] f32 in a backend's memory; row r begins at data + r * stride.
struct Tensor {
  float* data = nullptr;
  int rows = 0;
  int cols = 0;
  std::int64_t stride = 0;  // in elements

  float* Row(std::int64_t row) const { return data + row * stride; }
  Tensor Columns(int begin, int count) const { return {data + begin, rows, count, stride}; }
  Tensor First(int count) const { return {data, count, cols, stride}; }
};

}  // namespace citeseek::inference
