#include "retrieval/dense/dense_query.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace citeseek::retrieval {

absl::StatusOr<std::vector<float>> EmbedQuery(const indexer::Snapshot& snapshot,
                                              const EmbedQueryRequest& request) {
  const std::string name = request.embedder->Name();
  const int dimension = request.embedder->Dimension();
  if (name != snapshot.embedder() || dimension != snapshot.dimension()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the index was made with embedder ", snapshot.embedder(), " of dimension ",
                     snapshot.dimension(), ", not ", name, " of dimension ", dimension));
  }
  std::vector<float> vector(static_cast<std::size_t>(dimension));
  const std::string texts[] = {request.text};
  const absl::Status status = request.embedder->Embed({.texts = texts,
                                                       .kind = inference::EmbedKind::kQuery,
                                                       .deadline = request.deadline,
                                                       .stop = request.stop},
                                                      vector);
  if (!status.ok()) return status;
  return vector;
}

absl::StatusOr<std::vector<ScoredPassage>> DenseQuery::Search(const SearchOptions& options) {
  std::vector<ScoredPassage> best;
  const auto segments = snapshot_.segments();
  for (std::size_t s = 0; s < segments.size(); ++s) {
    if (options.stop.stop_requested()) return absl::CancelledError("search cancelled");
    if (absl::Now() > options.deadline) {
      return absl::DeadlineExceededError("deadline passed during the vector search");
    }
    const auto hits =
        segments[s]->SearchVectors(vector_, static_cast<int>(options.top_k),
                                   options.allowed.empty() ? nullptr : &options.allowed[s]);
    if (!hits.ok()) return hits.status();
    for (const indexer::VectorHit& hit : *hits) {
      best.push_back({.segment = static_cast<std::uint32_t>(s),
                      .passage = hit.passage,
                      .document = segments[s]->passage(hit.passage).document,
                      .score = hit.score});
    }
  }
  std::sort(best.begin(), best.end(), BetterPassage);
  if (best.size() > options.top_k) best.resize(options.top_k);
  return best;
}

absl::StatusOr<std::vector<ScoredPassage>> DenseQuery::Score(
    std::span<const ScoredPassage> passages) {
  const auto segments = snapshot_.segments();
  std::vector<std::vector<ScoredPassage>> by_segment(segments.size());
  for (const ScoredPassage& p : passages) by_segment[p.segment].push_back(p);
  std::vector<ScoredPassage> scored;
  for (std::size_t s = 0; s < segments.size(); ++s) {
    if (by_segment[s].empty()) continue;
    indexer::PassageSet only{
        .words = std::vector<std::uint64_t>((segments[s]->passage_count() + 63) / 64)};
    for (const ScoredPassage& p : by_segment[s]) {
      only.words[p.passage / 64] |= std::uint64_t{1} << (p.passage % 64);
    }
    const auto hits =
        segments[s]->SearchVectors(vector_, static_cast<int>(by_segment[s].size()), &only);
    if (!hits.ok()) return hits.status();
    for (const indexer::VectorHit& hit : *hits) {
      scored.push_back({.segment = static_cast<std::uint32_t>(s),
                        .passage = hit.passage,
                        .document = segments[s]->passage(hit.passage).document,
                        .score = hit.score});
    }
  }
  return scored;
}

}  // namespace citeseek::retrieval
