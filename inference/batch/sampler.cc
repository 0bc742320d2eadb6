#include "inference/batch/sampler.h"

#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace citeseek::inference {
namespace {

absl::Status OutOfRange(const char* name, double value, const char* range) {
  return absl::InvalidArgumentError(absl::StrCat(name, " ", value, " is not in ", range));
}

}  // namespace

absl::Status CheckSampling(const Sampling& s) {
  if (!(s.temperature >= 0 && s.temperature <= 100)) {
    return OutOfRange("temperature", s.temperature, "[0, 100]");
  }
  if (!(s.top_p > 0 && s.top_p <= 1)) return OutOfRange("top_p", s.top_p, "(0, 1]");
  if (s.top_k < 0) return OutOfRange("top_k", s.top_k, "[0, 2147483647]");
  if (!(s.min_p >= 0 && s.min_p < 1)) return OutOfRange("min_p", s.min_p, "[0, 1)");
  if (!(s.repetition_penalty > 0 && s.repetition_penalty <= 100)) {
    return OutOfRange("repetition_penalty", s.repetition_penalty, "(0, 100]");
  }
  if (!(s.presence_penalty >= -2 && s.presence_penalty <= 2)) {
    return OutOfRange("presence_penalty", s.presence_penalty, "[-2, 2]");
  }
  if (s.max_tokens < 1) return OutOfRange("max_tokens", s.max_tokens, "[1, 2147483647]");
  return absl::OkStatus();
}

Sampler::Sampler(const Sampling& sampling, std::uint64_t seed, std::span<const std::int32_t> prompt)
    : temperature_(sampling.temperature),
      top_p_(sampling.top_p),
      top_k_(sampling.top_k),
      min_p_(sampling.min_p),
      repetition_penalty_(static_cast<float>(sampling.repetition_penalty)),
      presence_penalty_(static_cast<float>(sampling.presence_penalty)),
      random_(seed) {
  if (repetition_penalty_ == 1.0f) return;
  for (const std::int32_t id : prompt) seen_.emplace(id, false);
}

void Sampler::Penalize(std::span<float> logits) const {
  for (const auto& [id, generated] : seen_) {
    float& logit = logits[static_cast<std::size_t>(id)];
    logit = logit > 0 ? logit / repetition_penalty_ : logit * repetition_penalty_;
    if (generated) logit -= presence_penalty_;
  }
}

void Sampler::Choose(std::span<const float> logits) {
  candidates_.resize(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    candidates_[i] = {static_cast<float>(logits[i] / temperature_), static_cast<std::int32_t>(i)};
  }
  const auto better = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  };
  const std::size_t limit = top_k_ > 0
                                ? std::min(candidates_.size(), static_cast<std::size_t>(top_k_))
                                : candidates_.size();
  if (limit < candidates_.size()) {
    std::nth_element(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(limit),
                     candidates_.end(), better);
    candidates_.resize(limit);
  }
  const float max = std::min_element(candidates_.begin(), candidates_.end(), better)->logit;
  double total = 0;
  for (const Candidate& c : candidates_) total += std::exp(double{c.logit} - max);
  // Sort no more of the vocabulary than top-p needs.
  std::size_t sorted = 0;
  std::size_t keep = 0;
  double mass = 0;
  while (keep < candidates_.size()) {
    if (keep == sorted) {
      sorted = std::min(candidates_.size(), std::max<std::size_t>(64, 4 * sorted));
      std::partial_sort(candidates_.begin() + static_cast<std::ptrdiff_t>(keep),
                        candidates_.begin() + static_cast<std::ptrdiff_t>(sorted),
                        candidates_.end(), better);
    }
    const double weight = std::exp(double{candidates_[keep].logit} - max);
    if (keep > 0 && (mass >= top_p_ * total || weight < min_p_)) break;
    mass += weight;
    ++keep;
  }
  candidates_.resize(keep);
}

SampledToken Sampler::Sample(std::span<float> logits) {
  const float max = *std::max_element(logits.begin(), logits.end());
  double total = 0;
  for (const float logit : logits) total += std::exp(double{logit} - max);
  const double log_total = max + std::log(total);
  std::unordered_map<std::int32_t, float> before;
  for (const auto& [id, generated] : seen_) before[id] = logits[static_cast<std::size_t>(id)];
  Penalize(logits);
  std::int32_t id = 0;
  if (temperature_ == 0) {
    id = static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  } else {
    Choose(logits);
    double mass = 0;
    for (const Candidate& c : candidates_) {
      mass += std::exp(double{c.logit} - candidates_.front().logit);
    }
    // 53 random bits, so that the draw does not depend on the standard library.
    double left = static_cast<double>(random_() >> 11) * 0x1p-53 * mass;
    id = candidates_.back().id;
    for (const Candidate& c : candidates_) {
      left -= std::exp(double{c.logit} - candidates_.front().logit);
      if (left < 0) {
        id = c.id;
        break;
      }
    }
  }
  const auto penalized = before.find(id);
  const float own =
      penalized != before.end() ? penalized->second : logits[static_cast<std::size_t>(id)];
  if (repetition_penalty_ != 1.0f || presence_penalty_ != 0.0f) seen_[id] = true;
  return {id, static_cast<float>(own - log_total)};
}

}  // namespace citeseek::inference
