#include "indexer/store/merge.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "indexer/store/segment_writer.h"

namespace citeseek::indexer {
namespace {

constexpr std::uint64_t kSmallestTierBytes = 256 << 10;
constexpr std::uint64_t kLargestMergedBytes = 16ULL << 30;
constexpr std::size_t kTiers = 16;
constexpr std::uint32_t kStopInterval = 1024;  // documents or terms between looks at the token

absl::Status Stopped() { return absl::CancelledError("merge was stopped"); }

// Copies the live documents; numbers [input passages] are their passages' new numbers.
absl::Status CopyDocuments(const MergeInput& input, std::stop_token stop, SegmentWriter& writer,
                           std::vector<PassageId>& numbers) {
  const Passages& passages = input.files->passages;
  numbers.assign(passages.passage_count(), kNoMorePassages);
  auto next_deleted = input.deleted->begin();
  std::vector<PassageFacts> facts;
  return input.files->documents.ForEach([&](std::uint32_t d, std::string_view encoded) {
    if (next_deleted != input.deleted->end() && *next_deleted == d) {
      ++next_deleted;
      return absl::OkStatus();
    }
    if (d % kStopInterval == 0 && stop.stop_requested()) return Stopped();
    facts.clear();
    const PassageId first = passages.first_passages()[d];
    const PassageId end = passages.first_passages()[d + 1];
    for (PassageId p = first; p < end; ++p) {
      numbers[p] = writer.passage_count() + (p - first);
      facts.push_back({.range = {passages.starts()[p], passages.ends()[p]},
                       .length = passages.lengths()[p],
                       .scale = passages.scales()[p]});
    }
    return writer.AddDocument(passages.versions()[d], passages.text_bytes()[d], encoded, facts);
  });
}

absl::Status CopyVectors(std::span<const MergeInput> inputs,
                         std::span<const std::vector<PassageId>> numbers, std::uint64_t count,
                         const std::string& directory) {
  auto vectors = VectorWriter::Create(directory, inputs.front().files->vectors.dimension(), count);
  if (!vectors.ok()) return vectors.status();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    for (PassageId p = 0; p < numbers[i].size(); ++p) {
      if (numbers[i][p] == kNoMorePassages) continue;
      if (auto s = vectors->Append(inputs[i].files->vectors.codes(p)); !s.ok()) return s;
    }
  }
  return vectors->Finish();
}

absl::Status AppendPostings(const PostingList& list, std::span<const PassageId> numbers,
                            std::vector<Posting>& merged) {
  const auto cursor = MakePostingCursor(list, static_cast<std::uint32_t>(numbers.size()));
  if (cursor == nullptr) return absl::DataLossError("posting list is damaged");
  cursor->SeekBlock(0);
  while (cursor->block_last() != kNoMorePassages) {
    const auto passages = cursor->passages();
    const auto frequencies = cursor->frequencies();
    for (std::size_t i = 0; i < passages.size(); ++i) {
      const PassageId number = numbers[passages[i]];
      if (number != kNoMorePassages) merged.push_back({number, frequencies[i]});
    }
    cursor->SeekBlock(cursor->block_last() + 1);
  }
  return absl::OkStatus();
}

absl::Status MergeTerms(std::span<const MergeInput> inputs,
                        std::span<const std::vector<PassageId>> numbers, std::stop_token stop,
                        SegmentWriter& writer) {
  std::vector<Lexicon::Walker> walkers;
  std::vector<std::size_t>
      heap;  // inputs by their current term, the smallest on top; ties in order
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    walkers.emplace_back(inputs[i].files->lexicon);
    if (walkers[i].Next()) heap.push_back(i);
  }
  const auto later = [&](std::size_t a, std::size_t b) {
    const int order = walkers[a].term().compare(walkers[b].term());
    return order != 0 ? order > 0 : a > b;
  };
  std::make_heap(heap.begin(), heap.end(), later);
  std::vector<Posting> merged;
  std::string term;
  for (std::uint32_t count = 0; !heap.empty(); ++count) {
    if (count % kStopInterval == 0 && stop.stop_requested()) return Stopped();
    term = walkers[heap.front()].term();
    merged.clear();
    while (!heap.empty() && walkers[heap.front()].term() == term) {
      std::pop_heap(heap.begin(), heap.end(), later);
      const std::size_t i = heap.back();
      if (auto s = AppendPostings(walkers[i].list(), numbers[i], merged); !s.ok()) return s;
      if (walkers[i].Next()) {
        std::push_heap(heap.begin(), heap.end(), later);
      } else {
        heap.pop_back();
      }
    }
    if (merged.empty()) continue;
    if (auto status = writer.AddTerm(term, merged); !status.ok()) return status;
  }
  for (const Lexicon::Walker& walker : walkers) {
    if (walker.damaged()) return absl::DataLossError("lexicon is damaged");
  }
  return absl::OkStatus();
}

std::size_t Tier(std::uint64_t bytes, std::size_t per_tier) {
  std::size_t tier = 0;
  for (std::uint64_t limit = kSmallestTierBytes; bytes >= limit && tier < kTiers;
       limit *= per_tier) {
    ++tier;
  }
  return tier;
}

}  // namespace

absl::StatusOr<std::uint32_t> MergeSegments(std::span<const MergeInput> inputs,
                                            const std::string& directory, std::stop_token stop) {
  std::uint64_t live = 0;
  for (const MergeInput& input : inputs) {
    live += input.files->passages.document_count() - input.deleted->size();
  }
  if (live == 0) return 0;
  auto writer = SegmentWriter::Create(directory);
  if (!writer.ok()) return writer.status();
  std::vector<std::vector<PassageId>> numbers(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (auto s = CopyDocuments(inputs[i], stop, *writer, numbers[i]); !s.ok()) return s;
  }
  if (auto s = MergeTerms(inputs, numbers, stop, *writer); !s.ok()) return s;
  if (auto s = CopyVectors(inputs, numbers, writer->passage_count(), directory); !s.ok()) return s;
  if (auto s = writer->Finish(); !s.ok()) return s;
  return writer->document_count();
}

std::optional<MergeRun> PickMerge(std::span<const MergeCandidate> segments, std::size_t per_tier) {
  per_tier = std::max<std::size_t>(per_tier, 2);
  std::vector<std::size_t> tiers;
  for (const MergeCandidate& segment : segments) tiers.push_back(Tier(segment.bytes, per_tier));
  for (std::size_t tier = 0; tier <= kTiers; ++tier) {
    std::size_t start = 0;
    std::size_t of_tier = 0;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i <= segments.size(); ++i) {
      if (i < segments.size() && tiers[i] <= tier &&
          bytes + segments[i].bytes <= kLargestMergedBytes) {
        bytes += segments[i].bytes;
        of_tier += tiers[i] == tier ? 1 : 0;
        continue;
      }
      if (of_tier >= per_tier) return MergeRun{start, i - start};
      start = i + 1;
      of_tier = 0;
      bytes = 0;
    }
  }
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (segments[i].deleted * 2 > segments[i].documents) return MergeRun{i, 1};
  }
  return std::nullopt;
}

}  // namespace citeseek::indexer
