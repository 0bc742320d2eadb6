// Bitpack: turns 128 integers into 16 bytes for each bit of the widest, and back, four at a time.
//
// Value 4 r + lane lies in bits [r b, r b + b) of lane `lane`; each lane is 32 values, so b words
// of 32 bits, and the words of the four lanes alternate (Lemire and Boytsov 2015, SIMD-BP128).
// Written with the compiler's vector type, so it is SSE2 on any x86-64 and NEON on ARM.
// Thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "indexer/store/coding.h"

namespace citeseek::indexer {

inline constexpr std::size_t kPackedValues = 128;

inline std::size_t PackedBytes(int bits) { return static_cast<std::size_t>(bits) * 16; }

// The smallest width that holds every value, in [0, 32].
int BitsNeeded(std::span<const std::uint32_t, kPackedValues> values);

void Pack(std::span<const std::uint32_t, kPackedValues> values, int bits, std::string& out);

// `from` holds PackedBytes(bits) bytes, bits in [0, 32]. Adds `plus` to every value.
void Unpack(const std::uint8_t* from, int bits, std::uint32_t plus, std::uint32_t* out);

// The same for gaps: out[i] = before + sum over j <= i of (value[j] + 1).
void UnpackGaps(const std::uint8_t* from, int bits, std::uint32_t before, std::uint32_t* out);

}  // namespace citeseek::indexer
