// Kernels: the inner loops of the CPU backend, each compiled for several instruction sets and
// chosen by the processor at run time.
//
// Free functions, thread-safe, no allocation. Weights lie in panels of 16 outputs so that one
// vector holds the same input's weight for neighbouring outputs: each output is then a plain sum
// over k in order, the same whichever rows are computed together.
#pragma once

#include <cstdint>
#include <string>

#include "inference/backend/backend.h"
#include "inference/backend/cpu/quant_layout.h"

namespace citeseek::inference {

// y[r][16 p + j] += sum over i < k of x[r][i] * w[p * panel_stride + i * k_stride + j].
struct Product {
  const float* const* x = nullptr;  // [rows]
  float* const* y = nullptr;        // [rows], each 16 * panels long
  int rows = 0;
  const void* w = nullptr;  // f32, or 16-bit numbers; strides in elements
  std::int64_t panel_stride = 0;
  std::int64_t k_stride = kPanel;
  std::int64_t k = 0;
  int panels = 0;
};
void ProductF32(const Product& product);
void ProductF16(const Product& product);
void ProductBF16(const Product& product);

void ProductQ8(const QuantProduct& product);
void ProductQ4(const QuantProduct& product);

// values, scales, sums [k / 32 rounded up]; the last block is filled up with zeros.
void QuantizeRow(const float* x, int k, std::int8_t* values, float* scales, std::int32_t* sums);

void NormRow(float* y, const float* x, int n, const float* weight, const float* bias, float eps,
             NormKind kind);
// y[i] = f(x[i]) * gate[i]; gate may be null.
void ActivateRow(float* y, const float* x, const float* gate, int n, Nonlinearity nonlinearity);
// x[i] = exp(x[i] - max); returns the sum, added up in a fixed order.
float ExpRow(float* x, int n, float max);
float MaxRow(const float* x, int n);
void ScaleRow(float* x, int n, float factor);
void AddScaledRow(float* y, const float* x, int n, float factor);  // y += factor * x

std::string InstructionSetName();

}  // namespace citeseek::inference
