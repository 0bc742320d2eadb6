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

namespace citeseek::inference {

class WordCache {
 public:
  static constexpr std::size_t kMaxWordBytes = 23;
  static constexpr std::size_t kMaxIds = 9;

  // Appends the ids of `word` and returns true if they are known.
  bool Find(std::string_view word, std::vector<std::int32_t>& ids) const {
    if (word.size() > kMaxWordBytes) return false;
    const Entry& entry = entries_[Slot(word)];
    if (entry.size != word.size() || std::memcmp(entry.word, word.data(), word.size()) != 0) {
      return false;
    }
    ids.insert(ids.end(), entry.ids, entry.ids + entry.count);
    return true;
  }

  void Put(std::string_view word, std::span<const std::int32_t> ids) {
    if (word.empty() || word.size() > kMaxWordBytes || ids.size() > kMaxIds) return;
    Entry& entry = entries_[Slot(word)];
    entry.size = static_cast<std::uint8_t>(word.size());
    entry.count = static_cast<std::uint8_t>(ids.size());
    std::memcpy(entry.word, word.data(), word.size());
    std::memcpy(entry.ids, ids.data(), ids.size_bytes());
  }

 private:
  static constexpr std::size_t kEntries = 1 << 14;
  struct Entry {
    std::uint8_t size = 0;  // 0: empty
    std::uint8_t count = 0;
    char word[kMaxWordBytes] = {};
    std::int32_t ids[kMaxIds] = {};
  };

  static std::size_t Slot(std::string_view word) {
    // Multiply and fold eight bytes at a time (the mixing of wyhash, Wang Yi 2019).
    std::uint64_t hash = word.size() * 0x9E3779B97F4A7C15u;
    for (std::size_t at = 0; at < word.size(); at += 8) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, word.data() + at, word.size() - at < 8 ? word.size() - at : 8);
      const auto wide = static_cast<unsigned __int128>(hash ^ eight) * 0xA0761D6478BD642Fu;
      hash = static_cast<std::uint64_t>(wide) ^ static_cast<std::uint64_t>(wide >> 64);
    }
    return hash & (kEntries - 1);
  }

  std::vector<Entry> entries_ = std::vector<Entry>(kEntries);
};

}  // namespace citeseek::inference
