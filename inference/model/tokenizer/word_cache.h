// WordCache: remembers the ids of short words, so that frequent words are tokenised once.
//
// Direct-mapped, of fixed size, single-threaded.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "inference/model/tokenizer/huge_pages.h"

namespace citeseek::inference {

class WordCache {
 public:
  static constexpr std::size_t kMaxWordBytes = 23;
  static constexpr std::size_t kMaxIds = 9;

  // Appends the ids of `word` and returns true if they are known.
  bool Find(std::string_view word, std::vector<std::int32_t>& ids) const {
    if (word.size() > kMaxWordBytes) return false;
    const Key key = KeyOf(word);
    const Entry& entry = entries_[Slot(key)];
    // Word by word: the arrays' own comparison is a call.
    const bool same =
        ((entry.key[0] ^ key[0]) | (entry.key[1] ^ key[1]) | (entry.key[2] ^ key[2])) == 0;
    if (!same || entry.count == 0) return false;
    if (entry.count == 1) [[likely]] {
      ids.push_back(entry.ids[0]);
    } else {
      ids.insert(ids.end(), entry.ids, entry.ids + entry.count);
    }
    return true;
  }

  void Put(std::string_view word, std::span<const std::int32_t> ids) {
    if (word.size() > kMaxWordBytes || ids.empty() || ids.size() > kMaxIds) return;
    const Key key = KeyOf(word);
    Entry& entry = entries_[Slot(key)];
    entry.key = key;
    entry.count = static_cast<std::uint32_t>(ids.size());
    std::memcpy(entry.ids, ids.data(), ids.size_bytes());
  }

 private:
  static constexpr int kSlotBits = 14;
  // The word, zeros behind it, and its length in the last byte.
  using Key = std::array<std::uint64_t, 3>;
  struct alignas(64) Entry {
    Key key = {};
    std::uint32_t count = 0;  // 0: empty
    std::int32_t ids[kMaxIds] = {};
  };

  // The 0 to 7 bytes at `begin`, without reading behind them and without a call.
  static std::uint64_t Tail(const char* begin, std::size_t size) {
    if (size >= 4) {
      std::uint32_t low = 0, high = 0;
      std::memcpy(&low, begin, 4);
      std::memcpy(&high, begin + size - 4, 4);
      return low | std::uint64_t{high} << 8 * (size - 4);  // the bytes in common agree
    }
    if (size == 0) return 0;
    // The first, the middle and the last of one to three bytes.
    const auto byte = [&](std::size_t i) -> std::uint32_t {
      return static_cast<unsigned char>(begin[i]);
    };
    return byte(0) | byte(size / 2) << 8 * (size / 2) | byte(size - 1) << 8 * (size - 1);
  }
  static Key KeyOf(std::string_view word) {
    Key key = {};
    const char* at = word.data();
    std::size_t left = word.size();
    if (left >= 8) {
      std::memcpy(&key[0], at, 8);
      std::memcpy(&key[1], left >= 16 ? at + 8 : at, 8);
      at += left & ~std::size_t{7};
      left &= 7;
    }
    key[word.size() / 8] = Tail(at, left);
    key[2] |= std::uint64_t{word.size()} << 56;
    return key;
  }
  static std::size_t Slot(const Key& key) {
    // Multiply and fold (the mixing of wyhash, Wang Yi 2019).
    const auto fold = [](std::uint64_t a, std::uint64_t b) {
      const auto wide = static_cast<unsigned __int128>(a) * b;
      return static_cast<std::uint64_t>(wide) ^ static_cast<std::uint64_t>(wide >> 64);
    };
    return fold(key[0] ^ 0xA0761D6478BD642Fu, key[1] ^ 0xE7037ED1A0B428DBu ^ key[2]) >>
           (64 - kSlotBits);
  }

  HugeVector<Entry> entries_ = HugeVector<Entry>(std::size_t{1} << kSlotBits);
};

}  // namespace citeseek::inference
