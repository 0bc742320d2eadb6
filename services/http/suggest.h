// Suggest: turns what somebody has typed so far into questions and documents that the corpus has.
//
// From the words alone, so that it may run at every key: the last word, which is perhaps not whole,
// is completed by words of the passages found, and the documents found are named. Free functions,
// thread-safe. Errors: those of the retriever.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "retrieval/retriever.h"

namespace citeseek::http {

inline constexpr std::size_t kMaxSuggestBytes = 256;  // a longer text has no suggestions

struct Suggestion {
  std::string text;         // the question completed, or the document's title
  std::string document_id;  // empty: a question
  std::string collection;
};

// Questions first, then documents; each once, at most kMaxSuggestions.
inline constexpr std::size_t kMaxSuggestions = 7;
absl::StatusOr<std::vector<Suggestion>> Suggest(retrieval::Retriever* retriever,
                                                std::string_view typed, absl::Time deadline,
                                                std::stop_token stop);

}  // namespace citeseek::http
