#include "inference/backend/cpu/quant_kernels.h"

#include "inference/backend/cpu/kernels.h"
#include "inference/backend/widen.h"

namespace citeseek::inference {
namespace {

struct QuantFunctions {
  void (*q8)(const QuantProduct&);
  void (*q4)(const QuantProduct&);
  QuantInputs q8_inputs;
  QuantInputs q4_inputs;
};

QuantFunctions Choose() {
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl")) {
    return {ProductQ8Avx512, ProductQ4Avx512, kAvx512Inputs, kAvx512Inputs};
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c")) {
    return {ProductQ8Avx2, ProductQ4Avx2, kQ8Avx2Inputs, {}};
  }
  return {ProductQ8Portable, ProductQ4Portable, {}, {}};
}

const QuantFunctions& Chosen() {
  static const QuantFunctions functions = Choose();
  return functions;
}

void StartPanel(const QuantProduct& product, int panel) {
  for (int r = 0; r < product.rows; ++r) {
    for (int j = panel * kPanel; j < (panel + 1) * kPanel; ++j) {
      float& y = product.y[r][j];
      if (!product.start.accumulate) y = 0;
      if (product.start.bias != nullptr) y += product.start.bias[j];
    }
  }
}

}  // namespace

void ProductQ8(const QuantProduct& product) { Chosen().q8(product); }
void ProductQ4(const QuantProduct& product) { Chosen().q4(product); }
QuantInputs Q8Inputs() { return Chosen().q8_inputs; }
QuantInputs Q4Inputs() { return Chosen().q4_inputs; }

void ProductQ8Portable(const QuantProduct& product) {
  const auto* block = static_cast<const Q8Block*>(product.w);
  for (int panel = 0; panel < product.panels; ++panel) {
    StartPanel(product, panel);
    for (int b = 0; b < product.blocks; ++b, ++block) {
      for (int r = 0; r < product.rows; ++r) {
        const QuantRow& x = product.x[r];
        const std::int8_t* values = x.values + b * kQuantBlock;
        for (int j = 0; j < kPanel; ++j) {
          int sum = x.offsets[b];
          for (int i = 0; i < kQuantBlock; ++i) sum += block->codes[i / 4][j][i % 4] * values[i];
          product.y[r][panel * kPanel + j] +=
              F16ToF32(block->scales[j]) * x.scales[b] * static_cast<float>(sum);
        }
      }
    }
  }
}

void ProductQ4Portable(const QuantProduct& product) {
  const auto* block = static_cast<const Q4Block*>(product.w);
  for (int panel = 0; panel < product.panels; ++panel) {
    StartPanel(product, panel);
    for (int b = 0; b < product.blocks; ++b, ++block) {
      for (int r = 0; r < product.rows; ++r) {
        const QuantRow& x = product.x[r];
        const std::int8_t* values = x.values + b * kQuantBlock;
        for (int j = 0; j < kPanel; ++j) {
          int sum = 0;
          for (int i = 0; i < kQuantBlock / 2; ++i) {
            const int pair = block->codes[i / 4][j][i % 4];
            sum += (pair & 15) * values[i] + (pair >> 4) * values[i + 16];
          }
          float& y = product.y[r][panel * kPanel + j];
          y += F16ToF32(block->scales[j]) * x.scales[b] * static_cast<float>(sum);
          y -= F16ToF32(block->mins[j]) * x.sums[b];
        }
      }
    }
  }
}

}  // namespace citeseek::inference
