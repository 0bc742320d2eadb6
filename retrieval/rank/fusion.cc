#include "retrieval/rank/fusion.h"

#include <algorithm>
#include <tuple>

#include "absl/container/flat_hash_set.h"

namespace citeseek::retrieval {

FusionWeights DenseLeg(bool knows_meaning, std::optional<double> weight, std::size_t terms) {
  if (knows_meaning) return {.dense = weight.value_or(0.5), .spread = true};
  constexpr double kShortQuery = 4;
  const double share = kShortQuery / static_cast<double>(std::max<std::size_t>(terms, 1));
  return {.dense = weight.value_or(0.03) * std::min(1.0, share)};
}

std::vector<Candidate> Fuse(std::span<const Candidate> candidates, const FusionWeights& weights,
                            std::size_t top_k, bool each_passage) {
  std::vector<Candidate> ranked(candidates.begin(), candidates.end());
  float best_lexical = 0;
  float least_dense = ranked.empty() ? 0 : ranked[0].dense;
  float best_dense = least_dense;
  for (const Candidate& c : ranked) {
    best_lexical = std::max(best_lexical, c.lexical);
    least_dense = std::min(least_dense, c.dense);
    best_dense = std::max(best_dense, c.dense);
  }
  for (Candidate& c : ranked) {
    const double lexical = best_lexical > 0 ? c.lexical / best_lexical : 0;
    double dense = std::max(0.0F, c.dense);
    if (weights.spread) {
      const double band = double{best_dense} - double{least_dense};
      dense = band > 0 ? (double{c.dense} - double{least_dense}) / band : 0;
    }
    c.fused = (1 - weights.dense) * lexical + weights.dense * dense;
  }
  std::sort(ranked.begin(), ranked.end(), [](const Candidate& a, const Candidate& b) {
    return std::tuple(-a.fused, a.segment, a.passage) < std::tuple(-b.fused, b.segment, b.passage);
  });
  absl::flat_hash_set<std::uint64_t> documents;
  std::size_t kept = 0;
  for (const Candidate& c : ranked) {
    if (kept == top_k) break;
    if (each_passage || documents.insert(std::uint64_t{c.segment} << 32 | c.document).second)
      ranked[kept++] = c;
  }
  ranked.resize(kept);
  return ranked;
}

}  // namespace citeseek::retrieval
