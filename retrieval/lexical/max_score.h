// MaxScore: walks one segment's posting lists and offers every passage that may be among the best.
//
// Block-max MaxScore (Turtle & Flood 1995; Ding & Suel 2011) over windows of 4096 passages, the
// most promising window first (as in Mallia et al. 2024). In each window the lists are split so
// that no passage of the later ones alone can enter; the first ones are added up in an array, the
// later ones are only looked up for passages that are still in the race. The search ends when no
// window's bound reaches the threshold. A passage's scores are always summed in the order of the
// lists, equal to the last bit to the sum of an exhaustive search.
#pragma once

#include <span>
#include <stop_token>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "indexer/snapshot.h"
#include "retrieval/lexical/bm25.h"
#include "retrieval/lexical/term_list.h"
#include "retrieval/lexical/top_documents.h"

namespace citeseek::retrieval {

struct SegmentSearch {
  const indexer::Segment* segment = nullptr;
  std::uint32_t segment_number = 0;              // in Snapshot::segments()
  std::span<TermList> lists;                     // by falling weight
  LengthNorm norm;                               // of the whole snapshot
  const indexer::PassageSet* allowed = nullptr;  // null: all
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};

// kCancelled, kDeadlineExceeded. Offers live and allowed passages only.
absl::Status SearchSegment(const SegmentSearch& search, TopDocuments* top);

}  // namespace citeseek::retrieval
