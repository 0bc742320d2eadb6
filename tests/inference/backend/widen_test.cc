#include "inference/backend/widen.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <initializer_list>
#include <utility>
#include <vector>

namespace citeseek::inference {
namespace {

std::vector<float> Widen(DType dtype, const std::vector<std::uint8_t>& bytes, int count) {
  std::vector<float> out(static_cast<std::size_t>(count));
  WidenToF32(dtype, reinterpret_cast<const std::byte*>(bytes.data()), out);
  return out;
}

TEST(WidenTest, HalfPrecisionWidensExactlyIncludingSubnormalsAndInfinity) {
  const std::vector<float> out = Widen(
      DType::kF16, {0x00, 0x3c, 0x01, 0x00, 0x00, 0xc0, 0x00, 0x7c, 0x00, 0x80, 0xff, 0x7b}, 6);
  EXPECT_EQ(out[0], 1.0f);
  EXPECT_EQ(out[1], std::ldexp(1.0f, -24));
  EXPECT_EQ(out[2], -2.0f);
  EXPECT_TRUE(std::isinf(out[3]));
  EXPECT_EQ(out[4], 0.0f);
  EXPECT_TRUE(std::signbit(out[4]));
  EXPECT_EQ(out[5], 65504.0f);
}

TEST(WidenTest, Bfloat16IsTheUpperHalfOfAFloat) {
  EXPECT_EQ(Widen(DType::kBF16, {0x80, 0x3f, 0x49, 0xc0}, 2),
            (std::vector<float>{1.0f, -3.140625f}));
}

TEST(WidenTest, Q8_0ScalesSignedBytes) {
  std::vector<std::uint8_t> block(34, 0);
  block[1] = 0x38;  // scale 0.5
  block[2] = 0xff;  // -1
  block[33] = 127;
  const std::vector<float> out = Widen(DType::kQ8_0, block, 32);
  EXPECT_EQ(out[0], -0.5f);
  EXPECT_EQ(out[1], 0.0f);
  EXPECT_EQ(out[31], 63.5f);
}

TEST(WidenTest, Q4_0KeepsTheFirstHalfInTheLowNibbles) {
  std::vector<std::uint8_t> block(18, 0x88);
  block[0] = 0x00;
  block[1] = 0x3c;
  block[2] = 0x1f;  // element 0: 15 - 8, element 16: 1 - 8
  const std::vector<float> out = Widen(DType::kQ4_0, block, 32);
  EXPECT_EQ(out[0], 7.0f);
  EXPECT_EQ(out[16], -7.0f);
  EXPECT_EQ(out[1], 0.0f);
}

// Sub-block j gets scale 10 + 5 j (needs six bits) and min 3 + 7 j, packed as the format says.
std::array<std::uint8_t, 12> PackedScales() {
  std::array<std::uint8_t, 12> packed = {};
  for (int j = 0; j < 8; ++j) {
    const int scale = 10 + 5 * j;
    const int min = 3 + 7 * j;
    const auto at = static_cast<std::size_t>(j);
    if (j < 4) {
      packed[at] = static_cast<std::uint8_t>(packed[at] | scale);
      packed[at + 4] = static_cast<std::uint8_t>(packed[at + 4] | min);
    } else {
      packed[at + 4] = static_cast<std::uint8_t>((scale & 15) | ((min & 15) << 4));
      packed[at - 4] = static_cast<std::uint8_t>(packed[at - 4] | ((scale >> 4) << 6));
      packed[at] = static_cast<std::uint8_t>(packed[at] | ((min >> 4) << 6));
    }
  }
  return packed;
}

TEST(WidenTest, KQuantsUseTheScaleAndMinOfEachSubBlock) {
  for (const DType dtype : {DType::kQ4_K, DType::kQ5_K}) {
    std::vector<std::uint8_t> block(static_cast<std::size_t>(BlockOf(dtype).bytes), 0);
    block[1] = 0x3c;  // scale 1
    block[3] = 0x3c;  // min 1
    const std::array<std::uint8_t, 12> packed = PackedScales();
    std::copy(packed.begin(), packed.end(), block.begin() + 4);
    const std::size_t nibbles = dtype == DType::kQ4_K ? 16 : 48;
    for (std::size_t i = nibbles; i < block.size(); ++i) block[i] = 0x93;  // low 3, high 9
    if (dtype == DType::kQ5_K) block[16 + 7] = 0x04;                       // fifth bit: 2 * 32 + 7
    const std::vector<float> out = Widen(dtype, block, 256);
    for (int i = 0; i < 256; ++i) {
      const int sub = i / 32;
      int quant = sub % 2 == 0 ? 3 : 9;
      if (dtype == DType::kQ5_K && i == 2 * 32 + 7) quant += 16;
      EXPECT_EQ(out[static_cast<std::size_t>(i)],
                static_cast<float>((10 + 5 * sub) * quant - (3 + 7 * sub)))
          << i;
    }
  }
}

TEST(WidenTest, Q6_KJoinsFourLowAndTwoHighBits) {
  std::vector<std::uint8_t> block(210, 0);
  block[209] = 0x3c;
  for (std::size_t i = 192; i < 208; ++i) block[i] = static_cast<std::uint8_t>(i - 191);
  // Element 128 + 2 * 32 + 5: second half, third quarter: high nibble of byte 64 + 5, bits 4-5 of
  // high byte 32 + 5, scale 12 + 1.
  block[64 + 5] = 0xa0;
  block[128 + 32 + 5] = 0x30;
  const std::vector<float> out = Widen(DType::kQ6_K, block, 256);
  EXPECT_EQ(out[128 + 64 + 5], 13.0f * (10 + 48 - 32));
  EXPECT_EQ(out[0], -32.0f);
}

// What tests of blocks of 32 need: a block of zeros but for its f16 numbers and single bytes.
std::vector<std::uint8_t> Block(DType dtype, std::initializer_list<std::pair<int, int>> bytes) {
  std::vector<std::uint8_t> block(static_cast<std::size_t>(BlockOf(dtype).bytes), 0);
  for (const auto& [at, value] : bytes) {
    block[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(value);
  }
  return block;
}

TEST(WidenTest, Q4_1AddsItsMinimum) {
  // Scale 0.5, minimum -2; element 0: 15, element 16: 1.
  const auto out = Widen(DType::kQ4_1, Block(DType::kQ4_1, {{1, 0x38}, {3, 0xc0}, {4, 0x1f}}), 32);
  EXPECT_EQ(out[0], 5.5f);
  EXPECT_EQ(out[16], -1.5f);
  EXPECT_EQ(out[1], -2.0f);
}

TEST(WidenTest, Q5_0AndQ5_1TakeTheFifthBitFromTheirThirtyTwo) {
  // Scale 1; the fifth bits of elements 1 and 18 (bytes 2 to 5, or 4 to 7); element 1: 3 and 16.
  const auto q5_0 =
      Widen(DType::kQ5_0, Block(DType::kQ5_0, {{1, 0x3c}, {2, 0x02}, {4, 0x04}, {7, 0x23}}), 32);
  EXPECT_EQ(q5_0[1], 3.0f);
  EXPECT_EQ(q5_0[17], 2.0f - 16.0f);
  EXPECT_EQ(q5_0[18], 0.0f);
  EXPECT_EQ(q5_0[0], -16.0f);
  const auto q5_1 =
      Widen(DType::kQ5_1,
            Block(DType::kQ5_1, {{1, 0x3c}, {3, 0x3c}, {4, 0x02}, {6, 0x04}, {9, 0x23}}), 32);
  EXPECT_EQ(q5_1[1], 19.0f + 1.0f);
  EXPECT_EQ(q5_1[17], 3.0f);
  EXPECT_EQ(q5_1[18], 17.0f);
  EXPECT_EQ(q5_1[0], 1.0f);
}

TEST(WidenTest, Q2_KHasAScaleAndAMinimumForSixteen) {
  // Scale 1, minimum 0.5. Element 128 + 2 * 32 + 20: byte 16 + 32 + 20, bits 4-5; scale and
  // minimum of group 13: 3 and 2.
  const auto out =
      Widen(DType::kQ2_K,
            Block(DType::kQ2_K, {{81, 0x3c}, {83, 0x38}, {16 + 52, 0x20}, {13, 0x23}}), 256);
  EXPECT_EQ(out[128 + 64 + 20], 3.0f * 2 - 0.5f * 2);
  EXPECT_EQ(out[128 + 64 + 21], -1.0f);
  EXPECT_EQ(out[128 + 64 + 5], 0.0f);
}

TEST(WidenTest, Q3_KTakesFourWhereItsHighBitIsNotSet) {
  // Scale 1. Element 128 + 32 + 20, the 11th group of 16: byte 32 + 32 + 20, bits 2-3: 3; high bit
  // of group 5. Its scale: high half of byte 96 + 3 and bits 4-5 of byte 104 + 3: 5 + 2 * 16 - 32.
  const auto block =
      Block(DType::kQ3_K, {{109, 0x3c}, {32 + 52, 0x0c}, {20, 0x20}, {99, 0x50}, {107, 0x20}});
  const auto out = Widen(DType::kQ3_K, block, 256);
  EXPECT_EQ(out[128 + 32 + 20], 5.0f * 3);
  EXPECT_EQ(out[128 + 32 + 21], 5.0f * -4);
  EXPECT_EQ(out[0], -32.0f * -4);
}

TEST(WidenTest, Iq4HasSixteenLevels) {
  const auto nl = Widen(DType::kIQ4_NL, Block(DType::kIQ4_NL, {{1, 0x3c}, {2, 0xf8}}), 32);
  EXPECT_EQ(nl[0], 1.0f);
  EXPECT_EQ(nl[16], 113.0f);
  EXPECT_EQ(nl[1], -127.0f);
  // Group 5: scale in the high half of byte 4 + 2 and bits 10-11 of bytes 2-3: 7 + 2 * 16 - 32.
  const auto xs =
      Widen(DType::kIQ4_XS,
            Block(DType::kIQ4_XS, {{1, 0x3c}, {3, 0x08}, {6, 0x70}, {8 + 5 * 16 + 2, 0x70}}), 256);
  EXPECT_EQ(xs[5 * 32 + 2], 7.0f * -127);
  EXPECT_EQ(xs[5 * 32 + 18], 7.0f * -10);
  EXPECT_EQ(xs[0], -32.0f * -127);
}

}  // namespace
}  // namespace citeseek::inference
