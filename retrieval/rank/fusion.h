// Fusion: turns the scores of two legs into one ranking of documents.
//
// Convex combination of normalised scores (Bruch et al. 2023): BM25 is divided by the best BM25 of
// this query (its theoretical minimum is 0). A dot product of vectors of spelling is taken as it
// is; those of meaning lie in a narrow band, which differs from model to model, and are spread over
// [0, 1] by the least and the greatest of the candidates. Both scores of every candidate are exact:
// a passage that one leg did not see was scored by the other.
// Free functions, thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "indexer/snapshot.h"

namespace citeseek::retrieval {

struct Candidate {
  std::uint32_t segment = 0;
  indexer::PassageId passage = 0;
  std::uint32_t document = 0;  // of the segment
  float lexical = 0;
  float dense = 0;
  double fused = 0;
};

struct FusionWeights {
  double dense = 0.03;  // [0, 1]; the lexical leg has the rest
  bool spread = false;  // the dense scores
};

// How the dense leg takes part in a query of so many terms. Vectors of meaning have half of the
// votes. Those of spelling have 0.03 up to four terms, then falling as one over the terms: each
// term is evidence for BM25, while the vector stays one opinion, and a weak one. `weight` replaces
// either number.
FusionWeights DenseLeg(bool knows_meaning, std::optional<double> weight, std::size_t terms);

// The best candidate of each document, or all, best first, at most top_k; equal scores by place.
std::vector<Candidate> Fuse(std::span<const Candidate> candidates, const FusionWeights& weights,
                            std::size_t top_k, bool each_passage = false);

}  // namespace citeseek::retrieval
