#include "retrieval/lexical/lexical_query.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <utility>

#include "retrieval/lexical/max_score.h"

namespace citeseek::retrieval {
namespace {

struct FoundTerm {
  const QueryTerm* term = nullptr;
  std::uint64_t passages = 0;  // of the snapshot that hold it
  float weight = 0;
  std::vector<std::unique_ptr<indexer::PostingCursor>> cursors;  // [segments], null: not there
};

}  // namespace

LexicalQuery::LexicalQuery(const indexer::Snapshot& snapshot, std::span<const QueryTerm> terms,
                           const Bm25Parameters& bm25)
    : snapshot_(snapshot), lists_(snapshot.segments().size()) {
  const auto segments = snapshot.segments();
  std::uint64_t passages = 0, total_length = 0;
  for (const auto& segment : segments) {
    passages += segment->passage_count();
    total_length += segment->total_length();
  }
  norm_ = MakeLengthNorm(bm25, passages, total_length);

  std::vector<FoundTerm> found;
  for (const QueryTerm& term : terms) {
    FoundTerm entry{.term = &term};
    for (const auto& segment : segments) {
      entry.cursors.push_back(segment->Find(term.text));
      if (entry.cursors.back() != nullptr) entry.passages += entry.cursors.back()->passage_count();
    }
    if (entry.passages > 0) found.push_back(std::move(entry));
  }
  if (found.size() > kMaxSearchedTerms) {
    std::stable_sort(found.begin(), found.end(), [](const FoundTerm& a, const FoundTerm& b) {
      return a.passages < b.passages;
    });
    found.resize(kMaxSearchedTerms);
  }
  for (FoundTerm& term : found) {
    term.weight =
        static_cast<float>((bm25.k1 + 1) * term.term->weight * Idf(passages, term.passages));
  }
  std::sort(found.begin(), found.end(), [](const FoundTerm& a, const FoundTerm& b) {
    return std::tie(b.weight, a.term->text) < std::tie(a.weight, b.term->text);
  });
  for (FoundTerm& term : found) {
    for (std::size_t s = 0; s < segments.size(); ++s) {
      if (term.cursors[s] == nullptr) continue;
      lists_[s].emplace_back(std::move(term.cursors[s]), term.weight, norm_);
    }
  }
  term_count_ = found.size();
}

absl::StatusOr<std::vector<ScoredPassage>> LexicalQuery::Search(const SearchOptions& options) {
  TopDocuments top(options.top_k, options.each_passage);
  for (std::size_t s = 0; s < lists_.size(); ++s) {
    const SegmentSearch search{.segment = snapshot_.segments()[s].get(),
                               .segment_number = static_cast<std::uint32_t>(s),
                               .lists = lists_[s],
                               .norm = norm_,
                               .allowed = options.allowed.empty() ? nullptr : &options.allowed[s],
                               .deadline = options.deadline,
                               .stop = options.stop};
    if (absl::Status status = SearchSegment(search, &top); !status.ok()) return status;
  }
  return top.Take();
}

float LexicalQuery::Score(std::uint32_t segment, indexer::PassageId passage) {
  const float norm = norm_(snapshot_.segments()[segment]->passage_lengths()[passage]);
  float score = 0;
  for (TermList& list : lists_[segment]) {
    const std::uint32_t frequency = list.FrequencyIn(passage);
    if (frequency > 0) score += TermScore(list.weight(), frequency, norm);
  }
  return score;
}

}  // namespace citeseek::retrieval
