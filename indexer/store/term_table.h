// TermTable: turns terms into small numbers, 0.. in order of first sight.
//
// An open-addressing hash table over one arena of bytes. Short terms stand in their slots, so that
// a look-up touches one cache line. Single-threaded.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace citeseek::indexer {

class TermTable {
 public:
  TermTable();
  std::uint32_t Number(std::string_view term);
  std::string_view Text(std::uint32_t number) const {
    return std::string_view(arena_).substr(starts_[number], starts_[number + 1] - starts_[number]);
  }
  std::uint32_t size() const { return static_cast<std::uint32_t>(starts_.size() - 1); }
  std::size_t bytes() const {
    return arena_.size() + starts_.size() * 8 + slots_.size() * sizeof(Slot);
  }

 private:
  static constexpr std::size_t kShortBytes = 11;
  // Of a term of up to kShortBytes its size and bytes; of a longer one 0xFF and some of its hash.
  struct Key {
    std::array<char, kShortBytes + 1> bytes{};
    bool operator==(const Key&) const = default;
  };
  struct Slot {
    Key key;
    std::uint32_t number = 0;  // number + 1; 0: free
  };

  static Key KeyOf(std::string_view term, std::uint64_t hash);
  void Grow();

  std::string arena_;
  std::vector<std::uint64_t> starts_{0};  // [size + 1]
  std::vector<Slot> slots_;
};

}  // namespace citeseek::indexer
