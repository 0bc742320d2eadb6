#include "indexer/store/term_table.h"

#include <cstring>

#include "indexer/store/block_file.h"

namespace citeseek::indexer {

TermTable::TermTable() : slots_(1 << 12) {}

TermTable::Key TermTable::KeyOf(std::string_view term, std::uint64_t hash) {
  Key key;
  if (term.size() <= kShortBytes) {
    key.bytes[0] = static_cast<char>(term.size());
    std::memcpy(key.bytes.data() + 1, term.data(), term.size());
  } else {
    key.bytes[0] = '\xFF';
    std::memcpy(key.bytes.data() + 1, &hash, sizeof(hash));
  }
  return key;
}

std::uint32_t TermTable::Number(std::string_view term) {
  const std::uint64_t hash = Checksum(AsBytes(term));
  const Key key = KeyOf(term, hash);
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  for (; slots_[slot].number != 0; slot = (slot + 1) & mask) {
    if (slots_[slot].key != key) continue;
    const std::uint32_t number = slots_[slot].number - 1;
    if (term.size() <= kShortBytes || Text(number) == term) return number;
  }
  const std::uint32_t number = size();
  arena_.append(term);
  starts_.push_back(arena_.size());
  slots_[slot] = {key, number + 1};
  if (std::size_t{size()} * 2 > slots_.size()) Grow();
  return number;
}

void TermTable::Grow() {
  slots_.assign(slots_.size() * 2, {});
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t number = 0; number < size(); ++number) {
    const std::uint64_t hash = Checksum(AsBytes(Text(number)));
    std::size_t slot = hash & mask;
    while (slots_[slot].number != 0) slot = (slot + 1) & mask;
    slots_[slot] = {KeyOf(Text(number), hash), number + 1};
  }
}

}  // namespace citeseek::indexer
