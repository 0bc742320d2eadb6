// Check: turns a text of any origin into its sentences, each with what the documents say to it.
//
// Free functions, thread-safe. Errors: see Answerer::Check.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/gateway/answerer.h"

namespace citeseek::gateway {

// `retriever` may be null if the request brings its documents.
absl::StatusOr<CheckReport> CheckText(const CheckRequest& request, retrieval::Retriever* retriever,
                                      const indexer::Analyzer& analyzer,
                                      const MeaningModels& models = {});

// A line of the list of sources that closes a text: "[2] Harbour Bridge, bridge.md".
struct ListedSource {
  int number = 0;
  std::string_view text;
};

struct SourceList {
  std::size_t start = 0;  // bytes of the text before it; text.size() if there is none
  std::vector<ListedSource> sources;
};

// Linear in the text.
SourceList FindSourceList(std::string_view text);

}  // namespace citeseek::gateway
