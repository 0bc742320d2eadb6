// TermTable: turns terms into small numbers, 0.. in order of first sight.
//
// An open-addressing hash table over one arena of bytes. Single-threaded.
#pragma once

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
  std::uint32_t size() const { return static_cast<std::uint32_t>(hashes_.size()); }
  std::size_t bytes() const { return arena_.size() + hashes_.size() * 24; }

 private:
  void Grow();

  std::string arena_;
  std::vector<std::uint64_t> starts_{0};  // [size + 1]
  std::vector<std::uint32_t> hashes_;     // [size]
  std::vector<std::uint32_t> slots_;      // number + 1, or 0
};

}  // namespace citeseek::indexer
