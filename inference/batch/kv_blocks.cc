#include "inference/batch/kv_blocks.h"

#include <algorithm>

namespace citeseek::inference {

std::size_t KvBlocks::KeyHash::operator()(const Key& key) const {
  std::uint64_t hash = key.parent * 0x9e3779b97f4a7c15ull;
  for (const std::int32_t token : key.tokens) {
    hash ^= static_cast<std::uint32_t>(token);
    hash *= 0xbf58476d1ce4e5b9ull;
    hash ^= hash >> 29;
  }
  return hash;
}

// Content numbers start above those that callers may use as roots.
KvBlocks::KvBlocks(int blocks)
    : blocks_(static_cast<std::size_t>(blocks)), last_content_(BlockContent{1} << 32) {
  for (std::int32_t i = 0; i < blocks; ++i) {
    blocks_[static_cast<std::size_t>(i)].idle = idle_.insert(idle_.end(), i);
  }
}

void KvBlocks::Hold(std::int32_t number) {
  Block& block = blocks_[static_cast<std::size_t>(number)];
  if (block.holders++ == 0) idle_.erase(block.idle);
}

CachedPrefix KvBlocks::Match(std::span<const std::int32_t> tokens, BlockContent root) {
  CachedPrefix prefix;
  Key key = {.parent = root};
  for (std::size_t begin = 0; begin + kKvBlock <= tokens.size(); begin += kKvBlock) {
    std::copy_n(tokens.begin() + static_cast<std::ptrdiff_t>(begin), kKvBlock, key.tokens.begin());
    const auto found = published_.find(key);
    if (found == published_.end()) break;
    Hold(found->second);
    key.parent = blocks_[static_cast<std::size_t>(found->second)].content;
    prefix.blocks.push_back(found->second);
    prefix.contents.push_back(key.parent);
  }
  return prefix;
}

std::optional<std::int32_t> KvBlocks::Take() {
  if (idle_.empty()) return std::nullopt;
  const std::int32_t number = idle_.front();
  Hold(number);
  Block& block = blocks_[static_cast<std::size_t>(number)];
  if (block.content != 0) published_.erase(block.key);
  block.content = 0;
  return number;
}

BlockContent KvBlocks::Publish(std::int32_t number, BlockContent parent,
                               std::span<const std::int32_t> tokens) {
  Key key = {.parent = parent};
  std::copy_n(tokens.begin(), kKvBlock, key.tokens.begin());
  const auto [entry, is_new] = published_.try_emplace(key, number);
  if (!is_new) return blocks_[static_cast<std::size_t>(entry->second)].content;
  Block& block = blocks_[static_cast<std::size_t>(number)];
  block.key = key;
  block.content = ++last_content_;
  return block.content;
}

void KvBlocks::Release(std::span<const std::int32_t> blocks) {
  // A chain is of use from its beginning: its end is to be overwritten first.
  for (auto it = blocks.rbegin(); it != blocks.rend(); ++it) {
    Block& block = blocks_[static_cast<std::size_t>(*it)];
    if (--block.holders > 0) continue;
    // What holds nothing to share is overwritten before everything else.
    block.idle = idle_.insert(block.content == 0 ? idle_.begin() : idle_.end(), *it);
  }
}

}  // namespace citeseek::inference
