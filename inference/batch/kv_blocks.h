// KvBlocks: says which blocks of the cache are whose, and finds prompts' beginnings that are
// cached.
//
// Single-threaded. A full block may be published under its tokens and the block before it;
// sequences that begin with the same tokens then share it, read-only. Blocks that nobody holds keep
// their content until they are needed, least recently used first. No hashing stands for equality: a
// match compares tokens.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "inference/backend/backend.h"

namespace citeseek::inference {

// A published block's content: a number never used for another. 0: before the first block.
using BlockContent = std::uint64_t;

struct CachedPrefix {
  std::vector<std::int32_t> blocks;    // now held by the caller
  std::vector<BlockContent> contents;  // of each
};

class KvBlocks {
 public:
  explicit KvBlocks(int blocks);

  int total() const { return static_cast<int>(blocks_.size()); }
  int free() const { return static_cast<int>(idle_.size()); }  // that Take can give
  int cached() const { return static_cast<int>(published_.size()); }

  // Takes hold of the longest run of published blocks that `tokens` begin with. `root`: contents of
  // different roots are never shared.
  CachedPrefix Match(std::span<const std::int32_t> tokens, BlockContent root = 0);

  // A block to write to, held by the caller; nullopt if all are held.
  std::optional<std::int32_t> Take();

  // Publishes a full block of these kKvBlock tokens that follows `parent`; returns the content's
  // number, which is an earlier block's if that holds the same.
  BlockContent Publish(std::int32_t block, BlockContent parent,
                       std::span<const std::int32_t> tokens);

  // Lets go of a sequence's blocks, given in order.
  void Release(std::span<const std::int32_t> blocks);

 private:
  struct Key {
    BlockContent parent = 0;
    std::array<std::int32_t, kKvBlock> tokens = {};
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  struct Block {
    int holders = 0;
    BlockContent content = 0;  // 0: not published
    Key key;
    std::list<std::int32_t>::iterator idle;  // where in idle_, if there are no holders
  };

  void Hold(std::int32_t block);

  std::vector<Block> blocks_;
  std::list<std::int32_t> idle_;  // not held; the first is taken next
  std::unordered_map<Key, std::int32_t, KeyHash> published_;
  BlockContent last_content_ = 0;
};

}  // namespace citeseek::inference
