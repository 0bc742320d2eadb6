#include "services/gateway/line.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace citeseek::gateway {
namespace {

// Weight of the newest call in the learned speed.
constexpr double kNewest = 0.15;
// A turn shorter than this says nothing about speed.
constexpr absl::Duration kShortest = absl::Microseconds(10);

}  // namespace

Line::Line(const LineOptions& options)
    : options_(options), limit_(options.running), speed_(options.speed) {}

Line::Turn::Turn(Turn&& other) noexcept
    : line_(std::exchange(other.line_, nullptr)), id_(other.id_) {}

Line::Turn::~Turn() {
  if (line_ == nullptr) return;
  const std::scoped_lock lock(line_->mutex_);
  line_->End(id_);
}

void Line::Turn::Expect(double cost) {
  const std::scoped_lock lock(line_->mutex_);
  line_->running_.at(id_).cost = std::max(1.0, cost);
}

void Line::Turn::Learn(double cost) {
  const std::scoped_lock lock(line_->mutex_);
  Running& call = line_->running_.at(id_);
  call.cost = std::max(1.0, cost);
  call.learn = true;
}

void Line::SetRunning(int calls) {
  const std::scoped_lock lock(mutex_);
  limit_ = std::max(1, calls);
  Admit();
}

// When each of the places to run falls free, from now.
Line::FreeTimes Line::FreeAt(absl::Time now) const {
  FreeTimes free;
  for (const auto& [id, call] : running_) {
    free.push(
        std::max(absl::ZeroDuration(), absl::Seconds(call.cost / speed_) - (now - call.since)));
  }
  while (static_cast<int>(free.size()) < limit_) free.push(absl::ZeroDuration());
  while (static_cast<int>(free.size()) > limit_) free.pop();  // their places are no longer there
  return free;
}

absl::Duration Line::Wait(double most) const {
  const std::scoped_lock lock(mutex_);
  FreeTimes free = FreeAt(options_.now());
  for (const auto& [key, waiter] : waiters_) {
    const absl::Duration start = free.top();
    free.pop();
    free.push(start + absl::Seconds(std::min(waiter->entry.cost, most) / speed_));
  }
  return free.top();
}

absl::Duration Line::Backlog() const {
  const std::scoped_lock lock(mutex_);
  FreeTimes free = FreeAt(options_.now());
  absl::Duration start = absl::ZeroDuration();
  for (const auto& [key, waiter] : waiters_) {
    start = free.top();
    free.pop();
    free.push(start + absl::Seconds(waiter->entry.cost / speed_));
  }
  return start;
}

void Line::Estimate(absl::Time now) {
  FreeTimes free = FreeAt(now);
  int place = 0;
  for (const auto& [key, waiter] : waiters_) {
    waiter->place = ++place;
    waiter->eta = free.top();
    free.pop();
    free.push(waiter->eta + absl::Seconds(waiter->entry.cost / speed_));
  }
  estimated_ = now;
}

std::uint64_t Line::Start(double cost, absl::Time now) {
  const std::uint64_t id = next_++;
  running_.emplace(id, Running{.cost = cost, .since = now});
  ++stats_.entered;
  return id;
}

void Line::Admit() {
  for (const auto& [key, waiter] : waiters_) {
    if (static_cast<int>(running_.size()) + ready_ >= limit_) break;
    if (waiter->ready) continue;
    waiter->ready = true;
    ++ready_;
    waiter->changed.notify_one();
  }
}

void Line::ForgetCallers() {
  if (waiters_.empty()) finish_tags_.clear();
  if (finish_tags_.size() <= 2 * options_.waiting) return;
  std::erase_if(finish_tags_, [this](const auto& tag) { return tag.second <= virtual_time_; });
}

void Line::End(std::uint64_t id) {
  const auto call = running_.find(id);
  const absl::Time now = options_.now();
  const absl::Duration took = now - call->second.since;
  if (call->second.learn && took >= kShortest) {
    const double speed = call->second.cost / absl::ToDoubleSeconds(took);
    speed_ += kNewest * (speed - speed_);
  }
  running_.erase(call);
  Admit();
}

absl::StatusOr<Line::Turn> Line::Enter(const LineEntry& entry, const PlaceSink& on_place) {
  std::unique_lock lock(mutex_);
  const absl::Time now = options_.now();
  const double cost = std::max(1.0, entry.cost);
  if (waiters_.empty() && static_cast<int>(running_.size()) < limit_) {
    return Turn(this, Start(cost, now));
  }
  if (waiters_.size() >= options_.waiting) {
    return absl::ResourceExhaustedError(
        absl::StrCat(waiters_.size(), " questions wait in line, the limit"));
  }
  Waiter waiter{.entry = entry, .arrived = now};
  waiter.entry.cost = cost;
  double& finish = finish_tags_[entry.caller];
  waiter.tag = std::max(virtual_time_, finish);
  finish = waiter.tag + cost;
  const Key key{entry.batch, waiter.tag, next_++};
  waiters_.emplace(key, &waiter);
  Estimate(now);
  waiter.told = waiter.eta;
  int told = 0;
  absl::Status status;
  while (true) {
    if (!waiter.ready && waiter.place != told) {
      const int place = told = waiter.place;
      const absl::Duration eta = waiter.eta;
      lock.unlock();
      const bool stays = on_place(place, eta);
      lock.lock();
      if (!stays) {
        status = absl::CancelledError("the asker cancelled");
        break;
      }
    }
    const absl::Time time = options_.now();
    if (entry.stop.stop_requested()) {
      status = absl::CancelledError("the asker cancelled");
      break;
    }
    if (time >= entry.deadline) {
      status = absl::DeadlineExceededError("the deadline of the question passed while it waited");
      break;
    }
    if (waiter.ready) break;
    if (time - estimated_ >= options_.place_interval) Estimate(time);
    waiter.changed.wait_for(
        lock, entry.stop,
        absl::ToChronoNanoseconds(std::min(options_.place_interval, entry.deadline - time)),
        [&] { return waiter.ready; });
  }
  waiters_.erase(key);
  if (waiter.ready) --ready_;
  ForgetCallers();
  if (!status.ok()) {
    ++stats_.left;
    Admit();  // it may have been its turn
    return status;
  }
  virtual_time_ = std::max(virtual_time_, waiter.tag);
  const absl::Time start = options_.now();
  const absl::Duration waited = start - waiter.arrived;
  stats_.waited += waited;
  stats_.estimate_error += waited > waiter.told ? waited - waiter.told : waiter.told - waited;
  ++stats_.estimates;
  return Turn(this, Start(cost, start));
}

absl::Duration Line::Takes(double cost) const {
  const std::scoped_lock lock(mutex_);
  return absl::Seconds(cost / speed_);
}

LineStats Line::Stats() const {
  const std::scoped_lock lock(mutex_);
  LineStats stats = stats_;
  stats.running = static_cast<int>(running_.size());
  stats.waiting = waiters_.size();
  stats.speed = speed_;
  return stats;
}

}  // namespace citeseek::gateway
