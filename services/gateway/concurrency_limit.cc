#include "services/gateway/concurrency_limit.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace citeseek::gateway {
namespace {

// Samples that a step is taken on.
constexpr int kLeastWindow = 4;
constexpr int kMostWindow = 16;
constexpr double kLeastGradient = 0.5;
constexpr double kShrink = 0.3;    // of the way that the gradient tells
constexpr double kFailures = 0.1;  // of the calls: more are too many calls

}  // namespace

ConcurrencyLimit::ConcurrencyLimit(const ConcurrencyLimitOptions& options)
    : options_(options), limit_(std::clamp(options.start, 1, options.most)) {}

int ConcurrencyLimit::limit() const {
  return std::max(1, static_cast<int>(probing_ ? limit_ / 2 : limit_));
}

void ConcurrencyLimit::Note(absl::Time now, absl::Duration first_token, int running) {
  if (probing_ && running > limit()) return;  // it began before the probe
  window_.push_back({first_token, running});
  // A step that doubles lets in half as many calls again as run then: these tell about it.
  const int wanted = doubling_ ? limit() / 2 : limit();
  if (static_cast<int>(window_.size()) >= std::clamp(wanted, kLeastWindow, kMostWindow)) {
    EndWindow(now);
    window_.clear();
  }
}

void ConcurrencyLimit::NoteLeft(absl::Time now, absl::Duration waited, int running) {
  if (waited > options_.tolerance * base_) Note(now, waited, running);
}

void ConcurrencyLimit::EndWindow(absl::Time now) {
  std::sort(window_.begin(), window_.end(),
            [](const Sample& a, const Sample& b) { return a.first_token < b.first_token; });
  const auto size = static_cast<double>(window_.size());
  const auto failed =
      static_cast<double>(std::count_if(window_.begin(), window_.end(), [](const Sample& sample) {
        return sample.first_token == absl::InfiniteDuration();
      }));
  const double whole = size - failed;
  const int most =
      std::max_element(window_.begin(), window_.end(), [](const auto& a, const auto& b) {
        return a.running < b.running;
      })->running;
  double gradient = failed > kFailures * size ? 1 - failed / size : 1;
  if (whole > 0) {
    const absl::Duration median = window_[static_cast<std::size_t>(whole / 2)].first_token;
    const bool light = most == 1 || probing_ || 2 * most <= limit();
    if (light) {
      base_ = median;
      based_ = now;
    } else if (base_ == absl::InfiniteDuration()) {
      base_ = window_.front().first_token;  // of the first call, which found nobody there
      based_ = now;
    }
    base_ = std::min(base_, median);
    if (median > absl::ZeroDuration()) {
      gradient = std::min(gradient, options_.tolerance * absl::FDivDuration(base_, median));
    }
  }
  if (probing_) {
    probing_ = false;
    return;
  }
  if (2 * most <= limit()) return;  // it is not what holds anybody back
  if (gradient < 1) {
    // A step that doubled it is taken back whole.
    const double share = std::exchange(doubling_, false) ? 1 : kShrink;
    limit_ *= 1 - share * (1 - std::max(gradient, kLeastGradient));
  } else if (most >= limit()) {  // of calls that began before it was raised it is not known yet
    limit_ += doubling_ ? limit_ : std::max(1.0, std::sqrt(limit_) / 2);
  }
  limit_ = std::clamp(limit_, 1.0, static_cast<double>(options_.most));
  if (base_ < absl::InfiniteDuration() && now - based_ > options_.base_age && limit() > 1) {
    probing_ = true;
    based_ = now;  // not again at once, if nobody comes meanwhile
  }
}

}  // namespace citeseek::gateway
