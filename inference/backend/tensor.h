// Tensor: a view of f32 numbers in a backend's memory. Owns nothing.
#pragma once

#include <cstdint>

namespace citeseek::inference {

// [rows, cols]; row r begins at data + r * stride.
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
