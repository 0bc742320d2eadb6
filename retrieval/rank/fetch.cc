#include "retrieval/rank/fetch.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace citeseek::retrieval {

absl::StatusOr<std::vector<Hit>> FetchHits(const indexer::Snapshot& snapshot,
                                           std::span<const Candidate> ranked, const Query& query) {
  std::vector<Hit> hits;
  hits.reserve(ranked.size());
  for (const Candidate& candidate : ranked) {
    if (query.stop.stop_requested()) return absl::CancelledError("search cancelled");
    if (query.deadline != absl::InfiniteFuture() && absl::Now() > query.deadline) {
      return absl::DeadlineExceededError("deadline passed while passages were fetched");
    }
    const indexer::Segment& segment = *snapshot.segments()[candidate.segment];
    auto passage = segment.ReadPassage(candidate.passage);
    if (!passage.ok()) return passage.status();
    const auto number = candidate.passage - segment.FirstPassage(candidate.document);
    Hit& hit = hits.emplace_back();
    hit.passage_id = absl::StrCat(passage->document_id, "#", number);
    hit.document_id = std::move(passage->document_id);
    hit.collection = std::move(passage->collection);
    hit.version = passage->version;
    hit.title = std::move(passage->title);
    hit.uri = std::move(passage->uri);
    hit.start = passage->range.start;
    hit.end = passage->range.end;
    hit.text = std::move(passage->text);
    hit.score = candidate.fused;
    hit.lexical_score = candidate.lexical;
    hit.dense_score = candidate.dense;
  }
  return hits;
}

}  // namespace citeseek::retrieval
