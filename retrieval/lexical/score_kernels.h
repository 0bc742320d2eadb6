// Score kernels: turn runs of postings into sums of scores, with the widest vectors of this
// machine.
//
// Free functions, thread-safe. Each sum is the same to the last bit as that of TermScore: no fused
// multiply-add, whatever the vector width, so results do not depend on the machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "indexer/snapshot.h"
#include "retrieval/lexical/bm25.h"

namespace citeseek::retrieval {

// Passages of a run lie in [first, first + scores.size()), each at most once.
struct PostingRun {
  std::span<const indexer::PassageId> passages;  // at most PostingCursor::kBlockSize
  std::span<const std::uint32_t> frequencies;    // one a passage
  float weight = 0;
  LengthNorm norm;
  const std::uint32_t* lengths = nullptr;  // of the segment, by passage
};

// scores[p - first] += score of p, for each passage p of the run.
void AddScores(const PostingRun& run, indexer::PassageId first, std::span<float> scores);

// Writes the offsets i with scores[i] > threshold, ascending, and returns how many. `offsets` holds
// scores.size() of them; scores.size() is a multiple of 16 and scores lies on 64 bytes.
std::size_t CollectAbove(std::span<const float> scores, float threshold,
                         std::span<std::uint32_t> offsets);

}  // namespace citeseek::retrieval
