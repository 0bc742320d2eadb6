#include "retrieval/lexical/max_score.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "retrieval/lexical/score_kernels.h"

namespace citeseek::retrieval {
namespace {

using indexer::PassageId;

constexpr std::uint32_t kWindow = 4096;  // scores and lengths of a window fit into the L1 cache
constexpr std::uint32_t kWindowsPerCheck = 64;
// Bounds are sums of rounded floats: keep them above any sum of rounded scores.
constexpr float kSlack = 1.0F + 1e-5F;

class WindowedMaxScore {
 public:
  WindowedMaxScore(const SegmentSearch& search, TopDocuments* top)
      : search_(search),
        top_(top),
        lists_(search.lists),
        lengths_(search.segment->passage_lengths()),
        windows_((search.segment->passage_count() + kWindow - 1) / kWindow),
        rests_((lists_.size() + 1) * windows_, 0.0F) {
    std::vector<float> bounds(windows_);
    for (std::size_t i = lists_.size(); i-- > 0;) {
      lists_[i].WindowBounds(kWindow, lengths_, bounds);
      for (std::size_t w = 0; w < windows_; ++w) {
        rests_[i * windows_ + w] = Rest(i + 1, w) + bounds[w] * kSlack;
      }
    }
  }

  // The windows that may hold a hit, the most promising first: they raise the threshold early.
  std::vector<std::uint32_t> Order() const {
    std::vector<std::uint32_t> order;
    for (std::uint32_t w = 0; w < windows_; ++w) {
      if (Rest(0, w) > top_->threshold()) order.push_back(w);
    }
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return std::pair(-Rest(0, a), a) < std::pair(-Rest(0, b), b);
    });
    return order;
  }

  // False if neither this window nor one after it in the order can hold a hit.
  bool SearchWindow(std::uint32_t window) {
    if (Rest(0, window) <= top_->threshold()) return false;
    const PassageId first = window * kWindow;
    const PassageId last = std::min(search_.segment->passage_count(), first + kWindow) - 1;
    std::size_t essential = lists_.size();
    while (essential > 0 && Rest(essential - 1, window) <= top_->threshold()) --essential;
    for (std::size_t i = 0; i < essential; ++i) AddList(lists_[i], first, last);
    candidates_ = CollectAbove(scores_, std::max(0.0F, Needed(Rest(essential, window))), offsets_);
    DropForbidden(first);
    for (std::size_t i = essential; i < lists_.size() && candidates_ > 0; ++i) {
      AddToCandidates(lists_[i], Rest(i + 1, window), first, last);
    }
    for (std::size_t c = 0; c < candidates_; ++c) {
      const float score = scores_[offsets_[c]];
      if (score < top_->threshold()) continue;
      const PassageId passage = first + offsets_[c];
      if (!search_.segment->IsLive(passage)) continue;
      top_->Offer({.segment = search_.segment_number,
                   .passage = passage,
                   .document = search_.segment->passage(passage).document,
                   .score = score});
    }
    scores_.fill(0.0F);
    return true;
  }

 private:
  // No passage of the window gets more from lists i.. together.
  float Rest(std::size_t i, std::size_t window) const { return rests_[i * windows_ + window]; }

  // A passage that scores less than this so far cannot enter with at most `rest` more.
  float Needed(float rest) const { return top_->threshold() * (2.0F - kSlack) - rest; }

  void AddList(TermList& list, PassageId first, PassageId last) {
    list.ForEachRun(first, last, [&](auto passages, auto frequencies) {
      AddScores({.passages = passages,
                 .frequencies = frequencies,
                 .weight = list.weight(),
                 .norm = search_.norm,
                 .lengths = lengths_.data()},
                first, scores_);
    });
  }

  void DropForbidden(PassageId first) {
    if (search_.allowed == nullptr) return;
    KeepIf([&](std::uint32_t offset) { return search_.allowed->Contains(first + offset); });
  }

  // Adds a list that cannot bring in a passage alone, and drops the candidates that cannot reach
  // the threshold with what is left after it.
  void AddToCandidates(TermList& list, float rest_after, PassageId first, PassageId last) {
    const float needed = Needed(rest_after);
    const auto expected = static_cast<std::size_t>(std::uint64_t{list.passage_count()} * kWindow /
                                                   search_.segment->passage_count());
    if (candidates_ * kLookupCost > expected) {
      AddList(list, first, last);
      KeepIf([&](std::uint32_t offset) { return scores_[offset] > needed; });
      return;
    }
    KeepIf([&](std::uint32_t offset) {
      const std::uint32_t frequency = list.FrequencyIn(first + offset);
      if (frequency > 0) {
        scores_[offset] +=
            TermScore(list.weight(), frequency, search_.norm(lengths_[first + offset]));
      }
      return scores_[offset] > needed;
    });
  }

  template <typename Predicate>
  void KeepIf(Predicate keep) {
    std::size_t kept = 0;
    for (std::size_t c = 0; c < candidates_; ++c) {
      offsets_[kept] = offsets_[c];
      if (keep(offsets_[c])) ++kept;
    }
    candidates_ = kept;
  }

  static constexpr std::size_t kLookupCost = 8;  // a look-up costs as much as adding 8 postings

  const SegmentSearch& search_;
  TopDocuments* top_;
  std::span<TermList> lists_;
  std::span<const std::uint32_t> lengths_;
  std::size_t windows_;
  std::vector<float> rests_;  // [lists + 1, windows]
  alignas(64) std::array<float, kWindow> scores_{};
  std::array<std::uint32_t, kWindow> offsets_;
  std::size_t candidates_ = 0;
};

absl::Status CheckLimits(const SegmentSearch& search) {
  if (search.stop.stop_requested()) return absl::CancelledError("search cancelled");
  if (search.deadline != absl::InfiniteFuture() && absl::Now() > search.deadline) {
    return absl::DeadlineExceededError("deadline passed during the lexical search");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SearchSegment(const SegmentSearch& search, TopDocuments* top) {
  if (search.lists.empty()) return absl::OkStatus();
  WindowedMaxScore walk(search, top);
  std::uint32_t searched = 0;
  for (const std::uint32_t window : walk.Order()) {
    if (searched++ % kWindowsPerCheck == 0) {
      if (absl::Status status = CheckLimits(search); !status.ok()) return status;
    }
    if (!walk.SearchWindow(window)) break;
  }
  return absl::OkStatus();
}

}  // namespace citeseek::retrieval
