#include "indexer/store/bitpack.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace citeseek::indexer {
namespace {

typedef std::uint32_t Lanes __attribute__((vector_size(16)));

Lanes Load(const std::uint8_t* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}

void Store(Lanes lanes, std::uint32_t* to) { std::memcpy(to, &lanes, sizeof(lanes)); }

// Row `row` of 32 rows, each of kBits bits in every lane.
template <int kBits, int kRow>
inline Lanes Row(const std::uint8_t* from) {
  constexpr int kWord = kRow * kBits / 32;
  constexpr int kShift = kRow * kBits % 32;
  Lanes value = Load(from + kWord * 16) >> kShift;
  if constexpr (kShift + kBits > 32) value |= Load(from + kWord * 16 + 16) << (32 - kShift);
  if constexpr (kBits < 32) value &= (1U << kBits) - 1;
  return value;
}

template <int kBits, std::size_t... kRows>
void UnpackRows(const std::uint8_t* from, std::uint32_t plus, std::uint32_t* out,
                std::index_sequence<kRows...>) {
  (Store(Row<kBits, static_cast<int>(kRows)>(from) + plus, out + 4 * kRows), ...);
}

inline Lanes PrefixSum(Lanes value, Lanes before) {
  value += __builtin_shufflevector(value, Lanes{}, 4, 0, 1, 2);
  value += __builtin_shufflevector(value, Lanes{}, 4, 4, 0, 1);
  return value + __builtin_shufflevector(before, before, 3, 3, 3, 3);
}

template <int kBits, std::size_t... kRows>
void UnpackGapRows(const std::uint8_t* from, std::uint32_t before, std::uint32_t* out,
                   std::index_sequence<kRows...>) {
  Lanes sum = Lanes{} + before;
  ((sum = PrefixSum(Row<kBits, static_cast<int>(kRows)>(from) + 1U, sum),
    Store(sum, out + 4 * kRows)),
   ...);
}

using UnpackFunction = void (*)(const std::uint8_t*, std::uint32_t, std::uint32_t*);
using Rows = std::make_index_sequence<32>;

template <int kBits>
void UnpackBits(const std::uint8_t* from, std::uint32_t plus, std::uint32_t* out) {
  if constexpr (kBits == 0) {
    for (std::size_t i = 0; i < kPackedValues; ++i) out[i] = plus;
  } else {
    UnpackRows<kBits>(from, plus, out, Rows());
  }
}

template <int kBits>
void UnpackGapBits(const std::uint8_t* from, std::uint32_t before, std::uint32_t* out) {
  if constexpr (kBits == 0) {
    for (std::size_t i = 0; i < kPackedValues; ++i) {
      out[i] = before + static_cast<std::uint32_t>(i) + 1;
    }
  } else {
    UnpackGapRows<kBits>(from, before, out, Rows());
  }
}

template <int... kBits>
constexpr std::array<UnpackFunction, 33> UnpackTable(std::integer_sequence<int, kBits...>) {
  return {&UnpackBits<kBits>...};
}

template <int... kBits>
constexpr std::array<UnpackFunction, 33> GapTable(std::integer_sequence<int, kBits...>) {
  return {&UnpackGapBits<kBits>...};
}

constexpr auto kUnpack = UnpackTable(std::make_integer_sequence<int, 33>());
constexpr auto kUnpackGaps = GapTable(std::make_integer_sequence<int, 33>());

}  // namespace

int BitsNeeded(std::span<const std::uint32_t, kPackedValues> values) {
  std::uint32_t all = 0;
  for (const std::uint32_t value : values) all |= value;
  return static_cast<int>(std::bit_width(all));
}

void Pack(std::span<const std::uint32_t, kPackedValues> values, int bits, std::string& out) {
  std::array<std::uint32_t, kPackedValues> words{};
  for (std::size_t i = 0; i < kPackedValues; ++i) {
    const std::size_t lane = i % 4;
    const std::size_t bit = i / 4 * static_cast<std::size_t>(bits);
    const std::uint64_t shifted = static_cast<std::uint64_t>(values[i]) << (bit % 32);
    if (bits > 0) words[bit / 32 * 4 + lane] |= static_cast<std::uint32_t>(shifted);
    if (shifted >> 32 != 0) {
      words[(bit / 32 + 1) * 4 + lane] |= static_cast<std::uint32_t>(shifted >> 32);
    }
  }
  out.append(reinterpret_cast<const char*>(words.data()), PackedBytes(bits));
}

void Unpack(const std::uint8_t* from, int bits, std::uint32_t plus, std::uint32_t* out) {
  kUnpack[static_cast<std::size_t>(bits)](from, plus, out);
}

void UnpackGaps(const std::uint8_t* from, int bits, std::uint32_t before, std::uint32_t* out) {
  kUnpackGaps[static_cast<std::size_t>(bits)](from, before, out);
}

}  // namespace citeseek::indexer
