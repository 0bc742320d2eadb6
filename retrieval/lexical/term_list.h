// TermList: walks one term's posting list for a scorer, a window or a single passage at a time.
//
// Decodes a block only when its postings are needed. Single-threaded.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

#include "indexer/snapshot.h"
#include "retrieval/lexical/bm25.h"

namespace citeseek::retrieval {

class TermList {
 public:
  TermList(std::unique_ptr<indexer::PostingCursor> cursor, float weight, LengthNorm norm);

  std::uint32_t passage_count() const { return passage_count_; }
  float weight() const { return weight_; }

  // Writes what no passage of [w * window, (w + 1) * window) exceeds to bounds[w], 0 if the list
  // has none there: the best score itself for short lists, the bound of the blocks for long ones.
  void WindowBounds(std::uint32_t window, std::span<const std::uint32_t> lengths,
                    std::span<float> bounds);

  // Calls run(passages, frequencies) for the postings in [first, last], a block at a time.
  template <typename Run>
  void ForEachRun(indexer::PassageId first, indexer::PassageId last, Run run) {
    for (SeekBlock(first); block_last_ != indexer::kNoMorePassages; SeekBlock(block_last_ + 1)) {
      Decode();
      const auto from = passages_.begin() + SkipTo(first);
      const auto to =
          block_last_ <= last ? passages_.end() : std::upper_bound(from, passages_.end(), last);
      const auto offset = static_cast<std::size_t>(from - passages_.begin());
      const auto count = static_cast<std::size_t>(to - from);
      if (count > 0) run(passages_.subspan(offset, count), frequencies_.subspan(offset, count));
      if (block_last_ >= last) break;
    }
  }

  // How often the passage holds the term, 0 if it does not.
  std::uint32_t FrequencyIn(indexer::PassageId passage);

 private:
  void SeekBlock(indexer::PassageId passage) {
    if (passage >= block_first_ && passage <= block_last_) return;
    cursor_->SeekBlock(passage);
    block_first_ = passage;
    block_last_ = cursor_->block_last();
    decoded_ = false;
  }
  void Decode() {
    if (decoded_) return;
    passages_ = cursor_->passages();
    frequencies_ = cursor_->frequencies();
    decoded_ = true;
    position_ = 0;
  }
  // Index of the first posting >= passage in the decoded block.
  std::ptrdiff_t SkipTo(indexer::PassageId passage);

  std::unique_ptr<indexer::PostingCursor> cursor_;
  float weight_;
  LengthNorm norm_;
  std::uint32_t passage_count_;
  // The block serves seeks to [block_first_, block_last_]; no posting lies between block_first_ and
  // the block's own first.
  indexer::PassageId block_first_ = 0;
  indexer::PassageId block_last_ = 0;
  bool decoded_ = false;
  std::ptrdiff_t position_ = 0;
  std::span<const indexer::PassageId> passages_;
  std::span<const std::uint32_t> frequencies_;
};

}  // namespace citeseek::retrieval
