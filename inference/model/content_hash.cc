#include "inference/model/content_hash.h"

#include <array>
#include <bit>
#include <cstring>

namespace citeseek::inference {
namespace {

constexpr std::uint64_t kPrime1 = 0x9e3779b185ebca87;
constexpr std::uint64_t kPrime2 = 0xc2b2ae3d27d4eb4f;
constexpr std::size_t kLanes = 4;
constexpr std::size_t kStride = kLanes * sizeof(std::uint64_t);

std::uint64_t Round(std::uint64_t lane, std::uint64_t word) {
  return std::rotl(lane + word * kPrime2, 31) * kPrime1;
}

std::uint64_t Mix(std::uint64_t hash) {
  hash = (hash ^ hash >> 33) * kPrime2;
  hash = (hash ^ hash >> 29) * kPrime1;
  return hash ^ hash >> 32;
}

}  // namespace

std::uint64_t ContentHash(std::span<const std::byte> bytes, std::uint64_t seed) {
  // Lanes that do not wait for each other; words are little-endian as on every machine we run on.
  std::array<std::uint64_t, kLanes> lanes = {seed + kPrime1 + kPrime2, seed + kPrime2, seed,
                                             seed - kPrime1};
  std::array<std::uint64_t, kLanes> words;
  std::size_t at = 0;
  for (; at + kStride <= bytes.size(); at += kStride) {
    std::memcpy(words.data(), bytes.data() + at, kStride);
    for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = Round(lanes[i], words[i]);
  }
  words = {};
  if (at < bytes.size()) std::memcpy(words.data(), bytes.data() + at, bytes.size() - at);
  std::uint64_t hash = bytes.size() + seed;
  for (std::size_t i = 0; i < kLanes; ++i) hash = Mix(hash ^ Round(lanes[i], words[i]));
  return hash;
}

}  // namespace citeseek::inference
