// Spelling: replaces the terms of a query that no passage holds by those that were probably meant.
//
// A word of letters that the index does not know becomes the most frequent one that is one edit
// away (Damerau 1964), if there is one. Free function, thread-safe; costs nothing where all words
// are known.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "indexer/analyzer.h"
#include "indexer/snapshot.h"
#include "retrieval/lexical/query_terms.h"

namespace citeseek::retrieval {

// Words of one query that are looked at; each costs about five hundred look-ups.
inline constexpr std::size_t kMaxCorrectedTerms = 3;

void CorrectSpelling(const indexer::Snapshot& snapshot, const indexer::Analyzer& analyzer,
                     std::string_view query, std::vector<QueryTerm>* terms);

}  // namespace citeseek::retrieval
