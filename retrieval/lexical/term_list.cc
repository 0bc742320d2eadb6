#include "retrieval/lexical/term_list.h"

#include <utility>

namespace citeseek::retrieval {

using indexer::kNoMorePassages;
using indexer::PassageId;

namespace {

constexpr std::uint32_t kExactBounds = 512;  // lists up to this are decoded for their bounds

}  // namespace

TermList::TermList(std::unique_ptr<indexer::PostingCursor> cursor, float weight, LengthNorm norm)
    : cursor_(std::move(cursor)),
      weight_(weight),
      norm_(norm),
      passage_count_(cursor_->passage_count()) {
  cursor_->SeekBlock(0);
  block_last_ = cursor_->block_last();
}

void TermList::WindowBounds(std::uint32_t window, std::span<const std::uint32_t> lengths,
                            std::span<float> bounds) {
  std::fill(bounds.begin(), bounds.end(), 0.0F);
  if (passage_count_ <= kExactBounds) {
    ForEachRun(0, kNoMorePassages - 1, [&](auto passages, auto frequencies) {
      for (std::size_t i = 0; i < passages.size(); ++i) {
        float& bound = bounds[passages[i] / window];
        bound = std::max(bound, TermScore(weight_, frequencies[i], norm_(lengths[passages[i]])));
      }
    });
    return;
  }
  PassageId first = 0;
  for (SeekBlock(0); block_last_ != kNoMorePassages; SeekBlock(block_last_ + 1)) {
    const float score =
        TermScore(weight_, cursor_->block_max_frequency(), norm_(cursor_->block_min_length()));
    for (std::size_t w = first / window; w <= block_last_ / window; ++w) {
      bounds[w] = std::max(bounds[w], score);
    }
    first = block_last_ + 1;
  }
}

std::uint32_t TermList::FrequencyIn(PassageId passage) {
  SeekBlock(passage);
  if (block_last_ == kNoMorePassages) return 0;
  Decode();
  const auto at = static_cast<std::size_t>(SkipTo(passage));
  return passages_[at] == passage ? frequencies_[at] : 0;
}

std::ptrdiff_t TermList::SkipTo(PassageId passage) {
  const auto begin = passages_.begin();
  // Callers mostly walk forwards: start from where the last one stopped.
  const auto from = position_ > 0 && begin[position_ - 1] >= passage ? begin : begin + position_;
  position_ = std::lower_bound(from, passages_.end(), passage) - begin;
  return position_;
}

}  // namespace citeseek::retrieval
