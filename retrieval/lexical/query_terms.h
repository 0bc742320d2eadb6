// Query terms: turn a query into distinct terms, each with how often it was asked for.
//
// Free functions, thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "indexer/analyzer.h"

namespace citeseek::retrieval {

struct QueryTerm {
  std::string text;
  double weight = 1;
  indexer::ByteRange source = {};  // where in the query it stands first
};

// A 32 KB query may hold ten thousand words: only this many distinct ones are looked up in the
// dictionary, in the order in which they come...
inline constexpr std::size_t kMaxDistinctTerms = 1024;
// ... and the rarest of them are searched.
inline constexpr std::size_t kMaxSearchedTerms = 64;

// Stop terms are left out unless the query holds nothing else: on the judged sets that is worth
// .015 nDCG@10 on average, and they have the longest lists.
std::vector<QueryTerm> CountTerms(const indexer::Analyzer& analyzer, std::string_view query);

}  // namespace citeseek::retrieval
