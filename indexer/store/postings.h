// Postings: turns a term's (passage, frequency) pairs into bytes and walks them back.
//
// A list of one is kept in the lexicon. Up to 128 are one block of varints; more are a skip table
// (last passage, offset, largest frequency and shortest length of each block, for block-max
// pruning) and blocks of 128, bit-packed; the last block, if it is not full, is varints.
// The cursor trusts nothing: whatever the bytes, passages ascend, are below the segment's count,
// and end each block with block_last().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "indexer/snapshot.h"
#include "indexer/store/coding.h"

namespace citeseek::indexer {

// Frequencies and shortest lengths are stored up to this; frequencies are cut to it when indexed.
inline constexpr std::uint32_t kMaxFrequency = 0xFFFF;
// Passages of a segment: so that 128 gaps of 24 bits cannot overflow.
inline constexpr std::uint32_t kMaxPassages = 1U << 30;

struct Posting {
  PassageId passage = 0;
  std::uint32_t frequency = 0;  // [1, kMaxFrequency]
};

// What the lexicon says of a list.
struct PostingList {
  std::uint32_t count = 0;  // >= 1
  std::uint32_t max_frequency = 0;
  std::uint32_t min_length = 0;
  Posting single;  // if count is 1; then there are no bytes
  Bytes bytes;     // else
};

// Appends nothing for a list of one. `postings` ascend; lengths [passages]. In the result `bytes`
// is left empty.
PostingList EncodePostings(std::span<const Posting> postings,
                           std::span<const std::uint32_t> lengths, std::string& out);

// Null if the bytes cannot be such a list.
std::unique_ptr<PostingCursor> MakePostingCursor(const PostingList& list,
                                                 std::uint32_t passage_count);

}  // namespace citeseek::indexer
