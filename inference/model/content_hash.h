// Content hash: turns bytes into a number that is the same on every machine and in every version.
//
// 64 bits, not cryptographic: tells models apart, guards nothing. Reads at memory speed.
// Thread-safe. After xxHash's long-input loop (Collet 2014).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace citeseek::inference {

std::uint64_t ContentHash(std::span<const std::byte> bytes, std::uint64_t seed);

}  // namespace citeseek::inference
