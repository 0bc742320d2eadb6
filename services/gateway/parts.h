// Parts: searches for each part of a question by itself and says which have evidence.
//
// Bounded: one search a part, and a second one, by names alone, for a part without evidence.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "indexer/analyzer.h"
#include "retrieval/retriever.h"
#include "services/gateway/answerer.h"
#include "services/gateway/extract.h"

namespace citeseek::gateway {

struct Part {
  std::string question;
  Extract extract;   // its sources are numbers of all the hits
  int searches = 1;  // 2: the first one found no evidence
};

using SearchPassages =
    std::function<absl::StatusOr<std::vector<retrieval::Hit>>(const std::string& text)>;

// Told what happens to which part, from 0; an error ends the search.
using TellPart = std::function<absl::Status(std::size_t part, PartEvent::State state)>;

// `hits` holds those of the whole question, of which the best half stays; what the parts' sentences
// rest on joins them, then the parts' others in turns, 2 * top_k together at most. Errors are those
// of `search` and `tell`.
absl::StatusOr<std::vector<Part>> SearchParts(const std::vector<std::string>& questions, int top_k,
                                              const SearchPassages& search, const TellPart& tell,
                                              const indexer::Analyzer& analyzer,
                                              std::vector<retrieval::Hit>* hits);

}  // namespace citeseek::gateway
