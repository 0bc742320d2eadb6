// LexicalQuery: one query's terms opened on one snapshot: the best documents by BM25, and the exact
// BM25 score of any passage.
//
// Statistics are those of the whole snapshot (deleted passages count until they are merged away, as
// in Lucene), so scores do not depend on how it is cut into segments. Single-threaded; the snapshot
// outlives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "indexer/snapshot.h"
#include "retrieval/lexical/bm25.h"
#include "retrieval/lexical/query_terms.h"
#include "retrieval/lexical/term_list.h"
#include "retrieval/lexical/top_documents.h"

namespace citeseek::retrieval {

class LexicalQuery {
 public:
  // Looks the terms up and keeps the kMaxSearchedTerms rarest that some segment holds.
  LexicalQuery(const indexer::Snapshot& snapshot, std::span<const QueryTerm> terms,
               const Bm25Parameters& bm25);

  struct SearchOptions {
    std::size_t top_k = 10;
    bool each_passage = false;                     // or one a document
    std::span<const indexer::PassageSet> allowed;  // one a segment; empty: all
    absl::Time deadline = absl::InfiniteFuture();
    std::stop_token stop = {};
  };
  // The top_k best documents, or passages, with a score > 0, best first. kCancelled,
  // kDeadlineExceeded.
  absl::StatusOr<std::vector<ScoredPassage>> Search(const SearchOptions& options);

  // The same sum as Search takes, 0 if the passage holds none of the terms.
  float Score(std::uint32_t segment, indexer::PassageId passage);

  std::size_t term_count() const { return term_count_; }

 private:
  const indexer::Snapshot& snapshot_;
  LengthNorm norm_;
  std::size_t term_count_ = 0;
  std::vector<std::vector<TermList>> lists_;  // [segments], by falling weight
};

}  // namespace citeseek::retrieval
