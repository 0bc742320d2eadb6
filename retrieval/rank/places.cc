#include "retrieval/rank/places.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace citeseek::retrieval {
namespace {

using indexer::PassageId;
using indexer::Segment;

// The last passage of the document that starts at or before `byte`.
PassageId PassageAt(const Segment& segment, std::uint32_t document, std::uint32_t byte) {
  PassageId low = segment.FirstPassage(document), high = segment.FirstPassage(document + 1);
  while (high - low > 1) {
    const PassageId middle = low + (high - low) / 2;
    (segment.passage(middle).range.start <= byte ? low : high) = middle;
  }
  return low;
}

// Nothing if the segment does not show the place.
absl::StatusOr<std::optional<Hit>> ReadPlace(const Segment& segment, const Place& place,
                                             const indexer::PassageSet* allowed) {
  const auto document = segment.DocumentOfVersion(place.version);
  if (!document) return std::nullopt;
  const PassageId first = segment.FirstPassage(*document);
  // A document without passages is one that nobody can have cited.
  if (first == segment.FirstPassage(*document + 1) || !segment.IsLive(first)) return std::nullopt;
  const PassageId passage = PassageAt(segment, *document, place.start);
  if (allowed != nullptr && !allowed->Contains(passage)) return std::nullopt;
  auto stored = segment.ReadRange(*document, {place.start, place.end});
  if (absl::IsOutOfRange(stored.status())) return std::nullopt;
  if (!stored.ok()) return stored.status();
  if (stored->document_id != place.document_id || stored->collection != place.collection) {
    return std::nullopt;
  }
  Hit hit{.passage_id = absl::StrCat(stored->document_id, "#", passage - first),
          .version = stored->version,
          .start = place.start,
          .end = place.end};
  hit.document_id = std::move(stored->document_id);
  hit.collection = std::move(stored->collection);
  hit.title = std::move(stored->title);
  hit.uri = std::move(stored->uri);
  hit.text = std::move(stored->text);
  return hit;
}

}  // namespace

absl::StatusOr<Result> ReadPlaces(const indexer::Snapshot& snapshot, const ReadRequest& request,
                                  std::span<const indexer::PassageSet> allowed) {
  Result result{.generation = snapshot.generation()};
  const auto segments = snapshot.segments();
  for (const Place& place : request.places) {
    if (request.stop.stop_requested()) return absl::CancelledError("reading cancelled");
    if (request.deadline != absl::InfiniteFuture() && absl::Now() > request.deadline) {
      return absl::DeadlineExceededError("deadline passed while places were read");
    }
    for (std::size_t s = 0; s < segments.size(); ++s) {
      auto hit = ReadPlace(*segments[s], place, allowed.empty() ? nullptr : &allowed[s]);
      if (!hit.ok()) return hit.status();
      if (!hit->has_value()) continue;
      result.hits.push_back(**std::move(hit));
      break;
    }
  }
  return result;
}

}  // namespace citeseek::retrieval
