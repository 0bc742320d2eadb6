// Parts: searches for each part of a question by itself and says which have evidence.
//
// Bounded: a part is searched for as it stands; a second time, by its names alone or in other
// words, where that brought no evidence or too little; and a third time for what somebody proposes,
// where there is still none.
#pragma once

#include <functional>
#include <stop_token>
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
  Extract extract;  // of the best search; its sources are numbers of all the hits
  int searches = 1;
};

using SearchPassages =
    std::function<absl::StatusOr<std::vector<retrieval::Hit>>(const std::string& text)>;

// Told what happens to which part, from 0; an error ends the search.
using TellPart = std::function<absl::Status(std::size_t part, PartEvent::State state)>;

// Other words for a part, after those that were `tried`; none if empty.
using ProposeWords = std::function<absl::StatusOr<std::string>(
    const std::string& question, const std::vector<std::string>& tried)>;

struct PartSearch {
  int top_k = 8;
  SearchPassages search;
  TellPart tell;
  ProposeWords propose = {};   // none: no third search
  double enough = 0;           // a confidence below it is too little
  std::stop_token hurry = {};  // requested: no further searches
  const indexer::Analyzer* analyzer = nullptr;
};

// `hits` holds those of the whole question. Of several parts the best half of them stays; what the
// parts' sentences rest on joins them, then the parts' others in turns, 2 * top_k together at most.
// If the question is its only part they are its first search: all of them stay, top_k more may
// join, and only further searches are told. Errors are those of the functions given.
absl::StatusOr<std::vector<Part>> SearchParts(const std::vector<std::string>& questions,
                                              const PartSearch& how,
                                              std::vector<retrieval::Hit>* hits);

}  // namespace citeseek::gateway
