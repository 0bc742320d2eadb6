#include "indexer/store/term_table.h"

#include "indexer/store/block_file.h"

namespace citeseek::indexer {

TermTable::TermTable() : slots_(1 << 12) {}

std::uint32_t TermTable::Number(std::string_view term) {
  const auto hash = static_cast<std::uint32_t>(Checksum(AsBytes(term)));
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  while (slots_[slot] != 0) {
    const std::uint32_t number = slots_[slot] - 1;
    if (hashes_[number] == hash && Text(number) == term) return number;
    slot = (slot + 1) & mask;
  }
  arena_.append(term);
  starts_.push_back(arena_.size());
  hashes_.push_back(hash);
  slots_[slot] = size();
  const std::uint32_t number = size() - 1;
  if (std::size_t{size()} * 2 > slots_.size()) Grow();
  return number;
}

void TermTable::Grow() {
  slots_.assign(slots_.size() * 2, 0);
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t number = 0; number < size(); ++number) {
    std::size_t slot = hashes_[number] & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = number + 1;
  }
}

}  // namespace citeseek::indexer
