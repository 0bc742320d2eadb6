#include "retrieval/rank/filter_sets.h"

#include <cstddef>
#include <utility>

namespace citeseek::retrieval {

absl::StatusOr<std::vector<indexer::PassageSet>> AllowedPassages(const indexer::Snapshot& snapshot,
                                                                 const std::string& collection,
                                                                 std::vector<Filter> filters) {
  if (!collection.empty()) filters.push_back({"collection", collection});
  std::vector<indexer::PassageSet> sets;
  if (filters.empty()) return sets;
  for (const auto& segment : snapshot.segments()) {
    indexer::PassageSet all;
    for (const Filter& filter : filters) {
      auto matching = segment->Match(filter.field, filter.value);
      if (!matching.ok()) return matching.status();
      if (all.words.empty()) {
        all = *std::move(matching);
      } else {
        for (std::size_t w = 0; w < all.words.size(); ++w) all.words[w] &= matching->words[w];
      }
    }
    sets.push_back(std::move(all));
  }
  return sets;
}

}  // namespace citeseek::retrieval
