#include "inference/batch/drafter.h"

#include <algorithm>

namespace citeseek::inference {
namespace {

constexpr int kHead = 5;           // the source
constexpr double kLearning = 0.2;  // weight of the newest outcome
constexpr double kForgetting = 0.005;

int SourceOf(int match_length) {
  if (match_length >= 8) return 4;
  if (match_length >= 4) return 3;
  return match_length - 1;
}

}  // namespace

bool StepWorth::Add(double probability) {
  if (probability * cost <= row_cost * tokens) return false;
  tokens += probability;
  cost += row_cost;
  return true;
}

Match FindMatch(std::span<const std::int32_t> ids) {
  Match best;
  if (ids.empty()) return best;
  const std::size_t last = ids.size() - 1;
  for (std::size_t end = last; end > 0 && best.length < kLongestMatch; --end) {
    if (ids[end - 1] != ids[last]) continue;
    int length = 1;
    while (length < kLongestMatch && static_cast<std::size_t>(length) < end &&
           ids[end - 1 - static_cast<std::size_t>(length)] ==
               ids[last - static_cast<std::size_t>(length)]) {
      ++length;
    }
    if (length > best.length) best = {length, end};
  }
  return best;
}

std::vector<std::int32_t> Drafter::Propose(std::span<const std::int32_t> ids,
                                           std::int32_t predicted, int most, StepWorth& worth) {
  std::vector<std::int32_t> draft;
  const Match match = FindMatch(ids);
  if (match.length == 0 && predicted < 0) return draft;
  source_ = match.length == 0 ? kHead : SourceOf(match.length);
  if (predicted >= 0 && trust_[kHead] > trust_[static_cast<std::size_t>(source_)]) source_ = kHead;
  double& trust = trust_[static_cast<std::size_t>(source_)];
  double right = trust;
  const std::size_t limit =
      static_cast<std::size_t>(std::max(0, source_ == kHead ? std::min(most, 1) : most));
  while (draft.size() < limit && worth.Add(right)) {
    const std::size_t at = match.after + draft.size();
    // What followed may run into the end: then it repeats itself.
    const std::int32_t looked_up = at < ids.size() ? ids[at] : draft[at - ids.size()];
    draft.push_back(source_ == kHead ? predicted : looked_up);
    right *= trust;
  }
  // What was once of no use is tried again after a while.
  if (draft.empty()) {
    const double prior = kPrior[static_cast<std::size_t>(source_)];
    trust += kForgetting * (prior - trust);
  }
  return draft;
}

void Drafter::Learn(int checked, int accepted) {
  double& trust = trust_[static_cast<std::size_t>(source_)];
  for (int i = 0; i < accepted; ++i) trust += kLearning * (1 - trust);
  if (accepted < checked) trust -= kLearning * trust;
  trust = std::min(trust, 0.98);
}

}  // namespace citeseek::inference
