#include "inference/batch/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace citeseek::inference {
namespace {

absl::Status OutOfRange(const char* name, double value, const char* range) {
  return absl::InvalidArgumentError(absl::StrCat(name, " ", value, " is not in ", range));
}

// What is e^-40 times as likely as the best is never drawn: all of them together are less likely
// than one step of the random number that decides.
constexpr double kNegligible = 40;

void Mask(std::span<float> logits, const AllowedTokens& allowed) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  const auto known = [&](std::int32_t id) {
    return id >= 0 && static_cast<std::size_t>(id) < logits.size();
  };
  if (allowed.kind == AllowedTokens::Kind::kAllBut) {
    for (const std::int32_t id : allowed.tokens) {
      if (known(id)) logits[static_cast<std::size_t>(id)] = kNever;
    }
  } else if (allowed.kind == AllowedTokens::Kind::kOnly) {
    std::vector<std::pair<std::size_t, float>> kept;
    for (const std::int32_t id : allowed.tokens) {
      if (known(id)) kept.emplace_back(id, logits[static_cast<std::size_t>(id)]);
    }
    std::fill(logits.begin(), logits.end(), kNever);
    for (const auto& [id, logit] : kept) logits[id] = logit;
  }
}

}  // namespace

absl::Status CheckSampling(const Sampling& s) {
  const double temperature = s.temperature.value_or(0);
  const double top_p = s.top_p.value_or(1), min_p = s.min_p.value_or(0);
  const double penalty = s.repetition_penalty.value_or(1);
  if (!(temperature >= 0 && temperature <= 100)) {
    return OutOfRange("temperature", temperature, "[0, 100]");
  }
  if (!(top_p > 0 && top_p <= 1)) return OutOfRange("top_p", top_p, "(0, 1]");
  if (s.top_k.value_or(0) < 0) return OutOfRange("top_k", *s.top_k, "[0, 2147483647]");
  if (!(min_p >= 0 && min_p < 1)) return OutOfRange("min_p", min_p, "[0, 1)");
  if (!(penalty > 0 && penalty <= 100)) {
    return OutOfRange("repetition_penalty", penalty, "(0, 100]");
  }
  if (!(s.presence_penalty >= -2 && s.presence_penalty <= 2)) {
    return OutOfRange("presence_penalty", s.presence_penalty, "[-2, 2]");
  }
  if (!(s.frequency_penalty >= -2 && s.frequency_penalty <= 2)) {
    return OutOfRange("frequency_penalty", s.frequency_penalty, "[-2, 2]");
  }
  if (s.max_tokens < 1) return OutOfRange("max_tokens", s.max_tokens, "[1, 2147483647]");
  return absl::OkStatus();
}

Sampler::Sampler(const Sampling& sampling, std::uint64_t seed, std::span<const std::int32_t> prompt,
                 int logprobs)
    : temperature_(sampling.temperature.value_or(0.6)),
      top_p_(sampling.top_p.value_or(0.95)),
      top_k_(sampling.top_k.value_or(0)),
      min_p_(sampling.min_p.value_or(0)),
      repetition_penalty_(static_cast<float>(sampling.repetition_penalty.value_or(1))),
      presence_penalty_(static_cast<float>(sampling.presence_penalty)),
      frequency_penalty_(static_cast<float>(sampling.frequency_penalty)),
      logprobs_(logprobs),
      random_(seed) {
  if (repetition_penalty_ == 1.0f) return;
  for (const std::int32_t id : prompt) seen_.emplace(id, 0);
}

// Eight at a time: a vocabulary is long.
std::int32_t Sampler::Best(std::span<const float> row) {
  constexpr std::size_t kLanes = 8;
  constexpr float kLeast = -std::numeric_limits<float>::infinity();
  std::array<float, kLanes> best;
  best.fill(kLeast);
  std::size_t i = 0;
  for (; i + kLanes <= row.size(); i += kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) best[l] = row[i + l] > best[l] ? row[i + l] : best[l];
  }
  float max = kLeast;
  for (const float lane : best) max = std::max(max, lane);
  for (; i < row.size(); ++i) max = std::max(max, row[i]);
  const auto found = std::find(row.begin(), row.end(), max);
  return found == row.end() ? 0 : static_cast<std::int32_t>(found - row.begin());
}

void Sampler::Penalize(std::span<float> logits) const {
  for (const auto& [id, times] : seen_) {
    float& logit = logits[static_cast<std::size_t>(id)];
    logit = logit > 0 ? logit / repetition_penalty_ : logit * repetition_penalty_;
    if (times > 0) logit -= presence_penalty_ + frequency_penalty_ * static_cast<float>(times);
  }
}

void Sampler::Note(std::int32_t id) {
  const bool penalizes =
      repetition_penalty_ != 1.0f || presence_penalty_ != 0.0f || frequency_penalty_ != 0.0f;
  if (penalizes) ++seen_[id];
}

void Sampler::Choose(std::span<const float> logits) {
  const float max = logits[static_cast<std::size_t>(Best(logits))];
  const auto weigh = [&](float logit) { return std::exp((double{logit} - max) / temperature_); };
  const auto least = static_cast<float>(max - kNegligible * temperature_);
  candidates_.clear();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i] >= least)) continue;
    candidates_.push_back({logits[i], static_cast<std::int32_t>(i), weigh(logits[i])});
  }
  // Where nothing is cut, the order does not matter.
  if (top_k_ == 0 && top_p_ == 1 && min_p_ == 0) return;
  const auto better = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  };
  if (top_k_ > 0 && static_cast<std::size_t>(top_k_) < candidates_.size()) {
    std::nth_element(candidates_.begin(), candidates_.begin() + top_k_, candidates_.end(), better);
    candidates_.resize(static_cast<std::size_t>(top_k_));
  }
  double total = 0;
  for (const Candidate& c : candidates_) total += c.weight;
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
    const double weight = candidates_[keep].weight;
    if (keep > 0 && (mass >= top_p_ * total || weight < min_p_)) break;
    mass += weight;
    ++keep;
  }
  candidates_.resize(keep);
}

std::int32_t Sampler::Draw() {
  double mass = 0;
  for (const Candidate& c : candidates_) mass += c.weight;
  // 53 random bits, so that the draw does not depend on the standard library.
  double left = static_cast<double>(random_() >> 11) * 0x1p-53 * mass;
  for (const Candidate& c : candidates_) {
    left -= c.weight;
    if (left < 0) return c.id;
  }
  return candidates_.empty() ? 0 : candidates_.back().id;
}

// From the model's own row: log softmax of the chosen token and of the best.
void Sampler::Report(SampledToken& token) const {
  const std::span<const float> row = untouched_;
  const float max = row[static_cast<std::size_t>(Best(row))];
  double total = 0;
  for (const float logit : row) total += std::exp(double{logit} - max);
  const double log_total = max + std::log(total);
  const auto log_probability = [&](std::int32_t id) {
    return static_cast<float>(row[static_cast<std::size_t>(id)] - log_total);
  };
  token.log_probability = log_probability(token.id);
  std::vector<std::int32_t> ids(row.size());
  std::iota(ids.begin(), ids.end(), 0);
  const std::size_t count = std::min(row.size(), static_cast<std::size_t>(logprobs_));
  std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count), ids.end(),
                    [&](std::int32_t a, std::int32_t b) {
                      const float x = row[static_cast<std::size_t>(a)];
                      const float y = row[static_cast<std::size_t>(b)];
                      return x != y ? x > y : a < b;
                    });
  for (std::size_t i = 0; i < count; ++i) token.top.push_back({ids[i], log_probability(ids[i])});
}

SampledToken Sampler::Sample(std::span<float> logits, const AllowedTokens& allowed) {
  if (logprobs_ >= 0) untouched_.assign(logits.begin(), logits.end());
  Mask(logits, allowed);
  Penalize(logits);
  SampledToken token;
  if (temperature_ == 0) {
    token.id = Best(logits);
  } else {
    Choose(logits);
    token.id = Draw();
  }
  if (logprobs_ >= 0) Report(token);
  Note(token.id);
  return token;
}

SampledToken Sampler::Force(std::int32_t id) {
  Note(id);
  return {.id = id, .log_probability = 0, .top = {}};
}

}  // namespace citeseek::inference
