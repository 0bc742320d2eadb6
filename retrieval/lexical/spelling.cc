#include "retrieval/lexical/spelling.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace citeseek::retrieval {
namespace {

std::uint64_t PassagesWith(const indexer::Snapshot& snapshot, std::string_view term) {
  std::uint64_t passages = 0;
  for (const auto& segment : snapshot.segments()) {
    const auto cursor = segment->Find(term);
    if (cursor != nullptr) passages += cursor->passage_count();
  }
  return passages;
}

}  // namespace

void CorrectSpelling(const indexer::Snapshot& snapshot, const indexer::Analyzer& analyzer,
                     std::string_view query, std::vector<QueryTerm>* terms) {
  std::size_t corrected = 0;
  for (QueryTerm& term : *terms) {
    if (corrected == kMaxCorrectedTerms) return;
    const bool letters = std::all_of(term.text.begin(), term.text.end(),
                                     [](char c) { return c >= 'a' && c <= 'z'; });
    if (!letters || PassagesWith(snapshot, term.text) > 0) continue;
    ++corrected;
    const std::string_view word =
        query.substr(term.source.start, term.source.end - term.source.start);
    std::string best;
    std::uint64_t most = 0;
    for (indexer::Term& meant : indexer::AnalyzeMisspelt(analyzer, word)) {
      const std::uint64_t passages = PassagesWith(snapshot, meant.text);
      if (passages > most) {
        most = passages;
        best = std::move(meant.text);
      }
    }
    const bool asked = std::any_of(terms->begin(), terms->end(),
                                   [&](const QueryTerm& other) { return other.text == best; });
    if (most > 0 && !asked) term.text = std::move(best);
  }
}

}  // namespace citeseek::retrieval
