#include "inference/backend/matrix_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include "inference/backend/widen.h"

namespace citeseek::inference {
namespace {

// Rows of random blocks, whose f16 numbers (the bytes `at` and the next) are made 1, or -1.
struct RandomTensor {
  RandomTensor(DType dtype, int rows, int k, std::vector<std::size_t> at, unsigned seed = 1)
      : view{dtype, {rows, k}, {}} {
    const BlockShape block = BlockOf(dtype);
    bytes.resize(static_cast<std::size_t>(rows * k / block.weights * block.bytes));
    std::mt19937 random(seed);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0xff);
    for (std::size_t i = 0; i < bytes.size(); i += static_cast<std::size_t>(block.bytes)) {
      for (const std::size_t number : at) {
        bytes[i + number] = std::byte{0};
        bytes[i + number + 1] = static_cast<std::byte>(number == 0 ? 0x3c : 0xbc);
      }
    }
    view.bytes = bytes;
  }
  std::vector<float> Widened(int row) const {
    std::vector<float> out(static_cast<std::size_t>(view.shape[1]));
    WidenToF32(view.dtype,
               bytes.data() + static_cast<std::size_t>(row) * bytes.size() /
                                  static_cast<std::size_t>(view.shape[0]),
               out);
    return out;
  }

  std::vector<std::byte> bytes;
  TensorView view;
};

std::vector<float> Row(const MatrixSource& source, int row) {
  std::vector<float> scratch(static_cast<std::size_t>(source.blocks()) * kQuantWeights);
  std::vector<float> out(scratch.size());
  const auto put = [&](int block, int i, float weight) {
    out[static_cast<std::size_t>(block * kQuantWeights + i)] = weight;
  };
  if (source.storage() == Storage::kQ8) {
    source.ReadQ8(0, row, scratch, [&](int b, const Q8Codes& codes) {
      for (int i = 0; i < kQuantWeights; ++i) {
        put(b, i, F16ToF32(codes.scale) * static_cast<float>(codes.codes[i]));
      }
    });
    return out;
  }
  const auto offset = [&](int b, const auto& codes) {
    for (int i = 0; i < kQuantWeights; ++i) {
      put(b, i, F16ToF32(codes.scale) * static_cast<float>(codes.codes[i]) - F16ToF32(codes.min));
    }
  };
  if (source.storage() == Storage::kQ5) {
    source.ReadQ5(0, row, scratch, offset);
  } else {
    source.ReadQ4(0, row, scratch, offset);
  }
  return out;
}

MatrixSource Source(const std::vector<MatrixParts>& matrices,
                    Storage storage = Storage::kAsStored) {
  auto source = MatrixSource::Make(matrices, storage);
  EXPECT_TRUE(source.ok()) << source.status();
  return *source;
}

TEST(MatrixSourceTest, BlocksWithOneScaleKeepTheirOwnCodes) {
  // Where f16 has their scales and minima, nothing may be lost on the way into memory.
  for (const auto& [dtype, storage, numbers] :
       {std::tuple(DType::kQ8_0, Storage::kQ8, std::vector<std::size_t>{0}),
        {DType::kQ4_0, Storage::kQ4, {0}},
        {DType::kQ4_1, Storage::kQ4, {0, 2}},
        {DType::kQ4_K, Storage::kQ4, {0, 2}},
        {DType::kQ5_0, Storage::kQ5, {0}},
        {DType::kQ5_1, Storage::kQ5, {0, 2}},
        {DType::kQ5_K, Storage::kQ5, {0, 2}},
        {DType::kIQ4_NL, Storage::kQ8, {0}},
        {DType::kIQ4_XS, Storage::kQ8, {0}}}) {
    const RandomTensor tensor(dtype, 3, 512, numbers);
    const std::vector<MatrixParts> matrices = {{tensor.view}};
    const MatrixSource source = Source(matrices);
    EXPECT_EQ(source.storage(), storage) << DTypeName(dtype);
    for (int row = 0; row < 3; ++row) {
      EXPECT_EQ(Row(source, row), tensor.Widened(row)) << DTypeName(dtype);
    }
  }
}

TEST(MatrixSourceTest, BlocksOfOtherFormsAreRoundedToEightBits) {
  for (const auto& [dtype, numbers] : {std::pair(DType::kQ2_K, std::vector<std::size_t>{80, 82}),
                                       {DType::kQ3_K, {108}},
                                       {DType::kQ6_K, {208}}}) {
    const RandomTensor tensor(dtype, 1, 256, numbers);
    const std::vector<MatrixParts> matrices = {{tensor.view}};
    const MatrixSource source = Source(matrices);
    ASSERT_EQ(source.storage(), Storage::kQ8) << DTypeName(dtype);
    const std::vector<float> expected = tensor.Widened(0);
    const std::vector<float> row = Row(source, 0);
    for (std::size_t i = 0; i < row.size(); i += kQuantWeights) {
      float most = 0;
      for (std::size_t j = i; j < i + kQuantWeights; ++j) {
        most = std::max(most, std::abs(expected[j]));
      }
      for (std::size_t j = i; j < i + kQuantWeights; ++j) {
        EXPECT_NEAR(row[j], expected[j], most / 250) << DTypeName(dtype) << " " << j;
      }
    }
  }
}

TEST(MatrixSourceTest, PartsOfDifferentTypesAreAllKeptAsTheFinestIs) {
  // As the values of a Q4_K_M file are finer than its queries and keys.
  const RandomTensor coarse(DType::kQ4_0, 2, 64, {0});
  const RandomTensor fine(DType::kQ8_0, 1, 64, {0});
  const std::vector<MatrixParts> mixed = {{coarse.view, fine.view}};
  const MatrixSource source = Source(mixed);
  ASSERT_EQ(source.storage(), Storage::kQ8);
  EXPECT_EQ(Row(source, 1), coarse.Widened(1));
  EXPECT_EQ(Row(source, 2), fine.Widened(0));
  const RandomTensor five(DType::kQ5_1, 1, 64, {0, 2});
  const std::vector<MatrixParts> small = {{coarse.view, five.view}};
  ASSERT_EQ(Source(small).storage(), Storage::kQ5);
  EXPECT_EQ(Row(Source(small), 1), coarse.Widened(1));
  EXPECT_EQ(Row(Source(small), 2), five.Widened(0));
  EXPECT_EQ(Source({{five.view, fine.view}}).storage(), Storage::kQ8);
  const RandomTensor half(DType::kF16, 1, 64, {});
  const RandomTensor brain(DType::kBF16, 1, 64, {});
  EXPECT_EQ(Source({{half.view, brain.view}}).storage(), Storage::kF32);
  EXPECT_EQ(Source({{half.view, fine.view}}).storage(), Storage::kF32);  // a code times its scale
  EXPECT_EQ(Source(mixed, Storage::kQ4).storage(), Storage::kQ4);
}

TEST(MatrixSourceTest, ABlockWithoutAScaleKeepsItsMinimum) {
  RandomTensor tensor(DType::kQ4_1, 1, 32, {0, 2});
  tensor.bytes[1] = std::byte{0};
  const std::vector<MatrixParts> matrices = {{tensor.view}};
  EXPECT_EQ(Row(Source(matrices), 0), std::vector<float>(32, -1.0f));
}

}  // namespace
}  // namespace citeseek::inference
