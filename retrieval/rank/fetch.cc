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
    auto stored = segment.document(candidate.document);
    if (!stored.ok()) return stored.status();
    indexer::Document& document = stored->document;
    const indexer::ByteRange range = segment.passage(candidate.passage).range;
    if (range.start > range.end || range.end > document.text.size()) {
      return absl::DataLossError(absl::StrCat("passage [", range.start, ", ", range.end,
                                              ") of document ", document.id, " lies outside its ",
                                              document.text.size(), " bytes"));
    }
    const auto number = candidate.passage - segment.FirstPassage(candidate.document);
    Hit& hit = hits.emplace_back();
    hit.passage_id = absl::StrCat(document.id, "#", number);
    hit.document_id = std::move(document.id);
    hit.collection = std::move(document.collection);
    hit.version = stored->version;
    hit.title = std::move(document.title);
    hit.uri = std::move(document.uri);
    hit.start = range.start;
    hit.end = range.end;
    hit.text.assign(document.text, range.start, range.end - range.start);
    hit.score = candidate.fused;
    hit.lexical_score = candidate.lexical;
    hit.dense_score = candidate.dense;
  }
  return hits;
}

}  // namespace citeseek::retrieval
