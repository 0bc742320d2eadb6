// TopDocuments: keeps the k best documents of a stream of scored passages, one passage each; or the
// k best passages.
//
// Of two passages with equal scores the one of the earlier segment, then the lower number, is
// better; so the outcome does not depend on the order in which they come. Single-threaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "indexer/snapshot.h"

namespace citeseek::retrieval {

struct ScoredPassage {
  std::uint32_t segment = 0;  // in Snapshot::segments()
  indexer::PassageId passage = 0;
  std::uint32_t document = 0;  // of the segment
  float score = 0;
};

// The order of every ranking: by falling score, then by rising place.
inline bool BetterPassage(const ScoredPassage& a, const ScoredPassage& b) {
  return std::tuple(-a.score, a.segment, a.passage) < std::tuple(-b.score, b.segment, b.passage);
}

class TopDocuments {
 public:
  explicit TopDocuments(std::size_t k, bool each_passage = false);

  // Passages that score less than this cannot enter.
  float threshold() const { return threshold_; }

  void Offer(const ScoredPassage& passage);

  // Best first; leaves the collector empty.
  std::vector<ScoredPassage> Take();

 private:
  std::size_t k_;
  bool each_passage_;
  float threshold_ = 0;
  std::vector<ScoredPassage> heap_;  // worst on top once it holds k
  absl::flat_hash_set<std::uint64_t> documents_;
};

}  // namespace citeseek::retrieval
