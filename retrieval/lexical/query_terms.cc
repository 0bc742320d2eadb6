#include "retrieval/lexical/query_terms.h"

#include <cstdint>
#include <unordered_map>
#include <utility>

namespace citeseek::retrieval {

std::vector<QueryTerm> CountTerms(const indexer::Analyzer& analyzer, std::string_view query) {
  std::vector<QueryTerm> terms;
  std::unordered_map<std::string, std::size_t> places;
  for (indexer::Term& term : analyzer.Analyze(query)) {
    const auto [place, added] = places.try_emplace(std::move(term.text), terms.size());
    if (!added) {
      if (place->second < terms.size()) terms[place->second].weight += 1;
    } else if (terms.size() < kMaxDistinctTerms) {
      terms.push_back({.text = place->first, .weight = 1});
    } else {
      places.erase(place);
    }
  }
  return terms;
}

}  // namespace citeseek::retrieval
