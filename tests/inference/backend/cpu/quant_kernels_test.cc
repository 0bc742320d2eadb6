// Every instruction set's products with quantised weights against the portable ones.
#include "inference/backend/cpu/quant_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "inference/backend/cpu/kernels.h"
#include "inference/backend/widen.h"

namespace citeseek::inference {

// quant_avx512.cc compiled with emulated instructions.
extern const QuantKernels kEmulatedQ8Avx512;
extern const QuantKernels kEmulatedQ5Avx512;
extern const QuantKernels kEmulatedQ4Avx512;

namespace {

struct Kernel {
  std::string name;
  const QuantKernels* kernels = nullptr;
  const QuantKernels* portable = nullptr;
  int bits = 8;
  std::function<bool()> runs_here = [] { return true; };
};

void PrintTo(const Kernel& kernel, std::ostream* out) { *out << kernel.name; }  // for CTest

bool HasAvx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool HasAvx512() {
  return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}

class QuantKernelsTest : public testing::TestWithParam<Kernel> {
 protected:
  void SetUp() override {
    if (!GetParam().runs_here()) GTEST_SKIP() << "this processor lacks the instructions";
  }

  float Normal() { return std::normal_distribution<float>()(random_); }

  // Blocks with random codes, the extreme ones among them.
  std::vector<std::byte> Weights(int panels, int blocks) {
    const auto count = static_cast<std::size_t>(panels) * static_cast<std::size_t>(blocks);
    // The codes come first, then numbers in f16.
    const auto [each, codes] =
        GetParam().bits == 8   ? std::pair(sizeof(Q8Block), offsetof(Q8Block, scales))
        : GetParam().bits == 5 ? std::pair(sizeof(Q5Block), offsetof(Q5Block, scales))
                               : std::pair(sizeof(Q4Block), offsetof(Q4Block, scales));
    std::vector<std::byte> out(count * each);
    for (std::byte& b : out) {
      const auto bits = static_cast<std::uint32_t>(random_());
      b = bits % 8 == 0 ? std::byte{0} : (bits % 8 == 1 ? std::byte{255} : std::byte(bits >> 24));
    }
    for (std::size_t i = 0; i < count; ++i) {
      std::uint16_t halves[2 * kPanel];
      for (std::uint16_t& half : halves) half = F32ToF16(0.01f + std::abs(Normal()));
      std::memcpy(out.data() + i * each + codes, halves, each - codes);
    }
    return out;
  }

  std::mt19937 random_{5};
};

TEST_P(QuantKernelsTest, ProductsEqualThePortableOnesForEveryNumberOfRowsAndPanels) {
  for (const auto& [blocks, most_rows] : {std::pair(1, 19), {2, 19}, {7, 19}, {65, 5}, {33, 70}}) {
    for (int rows = 1; rows <= most_rows; rows += most_rows > 19 ? 23 : 1) {
      const int panels = 1 + rows % 4;
      const int k = blocks * kQuantBlock;
      const int n = panels * kPanel;
      const std::vector<std::byte> weights = Weights(panels, blocks);
      std::vector<std::vector<InputBlock>> inputs;
      std::vector<const InputBlock*> x;
      for (int r = 0; r < rows; ++r) {
        std::vector<float> row(static_cast<std::size_t>(k));
        for (float& v : row) v = Normal();
        if (r == 1) std::fill(row.begin(), row.end(), 3.0f);  // the largest value everywhere
        if (r == 2) std::fill(row.begin(), row.end(), -3.0f);
        if (r == 3) std::fill(row.begin(), row.begin() + kQuantBlock, 0.0f);
        // All that meets in one sum is largest, and its neighbours are largest the other way.
        for (int i = 0; r == 4 && i < k; ++i) row[static_cast<std::size_t>(i)] = i % 4 < 2 ? 1 : -1;
        inputs.emplace_back(static_cast<std::size_t>(blocks));
        QuantizeRow(row.data(), k, GetParam().kernels->inputs, inputs.back().data());
        x.push_back(inputs.back().data());
      }
      std::vector<float> bias(static_cast<std::size_t>(n));
      for (float& v : bias) v = Normal();
      for (const bool accumulate : {false, true}) {
        const std::vector<float> before(static_cast<std::size_t>(rows * n), 0.5f);
        const auto multiply = [&, blocks = blocks](const QuantKernels& kernels) {
          std::vector<float> out = before;
          std::vector<float*> y;
          for (int r = 0; r < rows; ++r) y.push_back(out.data() + r * n);
          Multiply(kernels, {.x = x.data(),
                             .y = y.data(),
                             .rows = rows,
                             .start = {accumulate, accumulate ? nullptr : bias.data()},
                             .w = weights.data(),
                             .blocks = blocks,
                             .panels = panels});
          return out;
        };
        const std::vector<float> out = multiply(*GetParam().kernels);
        const std::vector<float> expected = multiply(*GetParam().portable);
        for (std::size_t i = 0; i < out.size(); ++i) {
          // The sums of integers are exact; the rest differs by the rounding of a few operations.
          ASSERT_NEAR(out[i], expected[i], 2e-5f * (100.0f + std::abs(expected[i])))
              << rows << " rows, " << panels << " panels, " << blocks << " blocks, at " << i;
        }
      }
    }
  }
}

TEST_P(QuantKernelsTest, InputsAreRoundedToTheNearestLevelOfTheirBlock) {
  const QuantInputs& inputs = GetParam().kernels->inputs;
  const int k = 70;  // the last block is not full
  std::vector<float> row(k);
  for (float& v : row) v = Normal();
  std::vector<InputBlock> blocks(3);
  QuantizeRow(row.data(), k, inputs, blocks.data());
  for (std::size_t b = 0; b < 3; ++b) {
    const auto& [values, scale, block_sum, offset] = blocks[b];
    float max = 0;
    int sum = 0;
    float above[8] = {};  // what the numbers of a group come to
    float below[8] = {};
    for (std::size_t i = b * 32; i < b * 32 + 32; ++i) {
      const float v = i < row.size() ? row[i] : 0.0f;
      max = std::max(max, std::abs(v));
      above[i % 32 / 8 * 2 + i % 4 / 2] += std::max(v, 0.0f);
      below[i % 32 / 8 * 2 + i % 4 / 2] += std::max(-v, 0.0f);
      sum += values[i % 32];
      EXPECT_LE(std::abs(values[i % 32]), inputs.levels);
      EXPECT_NEAR(static_cast<float>(values[i % 32]) * scale, v, 0.501f * scale);
    }
    EXPECT_EQ(offset, -128 * sum);
    EXPECT_NEAR(block_sum, inputs.sum_factor * static_cast<float>(sum) * scale,
                1e-6f * inputs.sum_factor);
    if (inputs.power_of_two) {
      int exponent = 0;
      EXPECT_EQ(std::frexp(scale, &exponent), 0.5f);
      EXPECT_GT(scale * 2.0f * static_cast<float>(inputs.levels), max);
    } else {
      if (GetParam().kernels == &kQ8Avx2) {
        max = std::max(*std::max_element(above, above + 8), *std::max_element(below, below + 8));
      }
      EXPECT_NEAR(scale * static_cast<float>(inputs.levels), max, 1e-5f);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kernels, QuantKernelsTest,
    testing::Values(Kernel{"Q8Avx2", &kQ8Avx2, &kQ8Portable, 8, HasAvx2},
                    Kernel{"Q5Avx2", &kQ5Avx2, &kQ5Portable, 5, HasAvx2},
                    Kernel{"Q4Avx2", &kQ4Avx2, &kQ4Portable, 4, HasAvx2},
                    Kernel{"Q8Avx512", &kQ8Avx512, &kQ8Portable, 8, HasAvx512},
                    Kernel{"Q5Avx512", &kQ5Avx512, &kQ5Portable, 5, HasAvx512},
                    Kernel{"Q4Avx512", &kQ4Avx512, &kQ4Portable, 4, HasAvx512},
                    Kernel{"Q8Avx512Emulated", &kEmulatedQ8Avx512, &kQ8Portable, 8},
                    Kernel{"Q5Avx512Emulated", &kEmulatedQ5Avx512, &kQ5Portable, 5},
                    Kernel{"Q4Avx512Emulated", &kEmulatedQ4Avx512, &kQ4Portable, 4}),
    [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace citeseek::inference
