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

// y[r][16 p + j] = start + sum over i < k of x[r][i] * w(i)[p * panel_stride + j], where w(i) is
// w + i * k_stride; or, with w_blocks, w_blocks[i / 16] + (i % 16) * k_stride.
struct Product {
  const float* const* x = nullptr;  // [rows]
  float* const* y = nullptr;        // [rows], each 16 * panels long
  int rows = 0;
  ProductStart start;
  const void* w = nullptr;  // f32, or 16-bit numbers; strides in elements
  const float* const* w_blocks = nullptr;
  std::int64_t panel_stride = 0;
  std::int64_t k_stride = kPanel;
  std::int64_t k = 0;
  int panels = 0;
};
void ProductF32(const Product& product);
void ProductF16(const Product& product);
void ProductBF16(const Product& product);

void ProductQ8(const QuantProduct& product);
void ProductQ5(const QuantProduct& product);
void ProductQ4(const QuantProduct& product);

// What the chosen kernels want.
QuantInputs Q8Inputs();
QuantInputs Q5Inputs();
QuantInputs Q4Inputs();

// k inputs as k / 32 blocks, rounded up; the last is filled up with zeros.
void QuantizeRow(const float* x, int k, const QuantInputs& inputs, InputBlock* out);

void NormRow(float* y, const float* x, int n, const float* weight, const float* bias, float eps,
             NormKind kind);
// y[i] = f(x[i]) * gate[i]; gate may be null.
void ActivateRow(float* y, const float* x, const float* gate, int n, Nonlinearity nonlinearity);
// x[i] = exp(x[i] - max); returns the sum, added up in a fixed order.
float ExpRow(float* x, int n, float max);
float MaxRow(const float* x, int n);
// One more tile of a running softmax: x[i] = exp(scale * x[i] - max), where max and total are
// brought up to date first. Returns what the sums of earlier tiles are to be multiplied with.
float SoftmaxTile(float* x, int n, float scale, float& max, float& total);
void ScaleRow(float* x, int n, float factor);
void AddScaledRow(float* y, const float* x, int n, float factor);  // y += factor * x

std::string InstructionSetName();

}  // namespace citeseek::inference
