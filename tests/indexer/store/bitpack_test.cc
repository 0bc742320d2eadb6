#include "indexer/store/bitpack.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace citeseek::indexer {
namespace {

using Values = std::array<std::uint32_t, kPackedValues>;

class Bitpack : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Widths, Bitpack, ::testing::Range(0, 33));

Values RandomValues(int bits) {
  std::mt19937 random(static_cast<unsigned>(bits) + 1);
  Values values;
  for (std::uint32_t& value : values) {
    value = bits == 0 ? 0 : static_cast<std::uint32_t>(random()) >> (32 - bits);
  }
  if (bits > 0) values[77] = 0xFFFFFFFF >> (32 - bits);
  return values;
}

TEST_P(Bitpack, GivesBackWhatWasPacked) {
  const Values values = RandomValues(GetParam());
  ASSERT_EQ(BitsNeeded(values), GetParam());
  std::string packed;
  Pack(values, GetParam(), packed);
  ASSERT_EQ(packed.size(), PackedBytes(GetParam()));
  Values out;
  Unpack(AsBytes(packed).data(), GetParam(), 0, out.data());
  EXPECT_EQ(out, values);
  Unpack(AsBytes(packed).data(), GetParam(), 5, out.data());
  for (std::size_t i = 0; i < kPackedValues; ++i) EXPECT_EQ(out[i], values[i] + 5);
}

TEST_P(Bitpack, SumsGaps) {
  const Values values = RandomValues(GetParam());
  std::string packed;
  Pack(values, GetParam(), packed);
  Values out;
  UnpackGaps(AsBytes(packed).data(), GetParam(), 9, out.data());
  std::uint32_t expected = 9;
  for (std::size_t i = 0; i < kPackedValues; ++i) {
    expected += values[i] + 1;
    EXPECT_EQ(out[i], expected);
  }
}

}  // namespace
}  // namespace citeseek::indexer
