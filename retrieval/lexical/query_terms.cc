#include "retrieval/lexical/query_terms.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace citeseek::retrieval {

std::vector<QueryTerm> CountTerms(const indexer::Analyzer& analyzer, std::string_view query) {
  std::vector<indexer::Term> words = analyzer.Analyze(query);
  const auto is_stop = [](const indexer::Term& term) { return indexer::IsStopTerm(term.text); };
  if (!std::all_of(words.begin(), words.end(), is_stop)) std::erase_if(words, is_stop);
  std::vector<QueryTerm> terms;
  std::unordered_map<std::string, std::size_t> places;
  for (indexer::Term& word : words) {
    const auto place = places.find(word.text);
    if (place != places.end()) {
      terms[place->second].weight += 1;
    } else if (terms.size() < kMaxDistinctTerms) {
      places.emplace(word.text, terms.size());
      terms.push_back({.text = std::move(word.text), .weight = 1, .source = word.source});
    }
  }
  return terms;
}

}  // namespace citeseek::retrieval
