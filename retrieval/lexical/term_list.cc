#include "retrieval/lexical/term_list.h"

#include <utility>

namespace citeseek::retrieval {

using indexer::kNoMorePassages;
using indexer::PassageId;

TermList::TermList(std::unique_ptr<indexer::PostingCursor> cursor, float weight, LengthNorm norm)
    : cursor_(std::move(cursor)),
      weight_(weight),
      norm_(norm),
      passage_count_(cursor_->passage_count()),
      bound_(TermScore(weight, cursor_->max_frequency(), norm(cursor_->min_length()))) {
  cursor_->SeekBlock(0);
  block_last_ = cursor_->block_last();
}

float TermList::BoundIn(PassageId first, PassageId last) {
  SeekBlock(first);
  if (block_last_ == kNoMorePassages) return 0;
  if (block_last_ < last) return bound_;
  if (decoded_) {
    const auto next = SkipTo(first);
    if (passages_[static_cast<std::size_t>(next)] > last) return 0;
  }
  return TermScore(weight_, cursor_->block_max_frequency(), norm_(cursor_->block_min_length()));
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
