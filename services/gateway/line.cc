#include "services/gateway/line.h"

#include <algorithm>
#include <chrono>
#include <numeric>
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
// So seldom is one told its place, for each that waits: 2,000 times a second all of them together.
constexpr absl::Duration kTelling = absl::Microseconds(500);
// Behind more than these, waits are reckoned from the cost of a usual call.
constexpr std::size_t kPlayed = 128;

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

Line::FreeTimes::FreeTimes(std::vector<double> times) : heap_(std::move(times)) {
  std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
}

void Line::FreeTimes::Take(double seconds) {
  std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
  heap_.back() += seconds;
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

double Line::FreeTimes::Mean() const {
  return std::accumulate(heap_.begin(), heap_.end(), 0.0) / static_cast<double>(heap_.size());
}

Line::FreeTimes Line::FreeAt(absl::Time now) const {
  std::vector<double> times;
  for (const auto& [id, call] : running_) {
    times.push_back(std::max(0.0, call.cost / speed_ - absl::ToDoubleSeconds(now - call.since)));
  }
  const auto places = static_cast<std::size_t>(limit_);
  if (times.size() > places) {  // the places of those that end first are no longer there
    std::sort(times.begin(), times.end(), std::greater<>());
  }
  times.resize(places);
  return FreeTimes(std::move(times));
}

absl::Duration Line::PlaceInterval() const {
  return std::max(options_.place_interval, kTelling * static_cast<double>(waiters_.size()));
}

absl::Duration Line::StartsIn(std::size_t ahead, double most, absl::Time now) const {
  FreeTimes free = FreeAt(now);
  if (ahead > kPlayed) {
    const double usual = waiting_cost_ / static_cast<double>(waiters_.size());
    const double before = static_cast<double>(ahead) * std::min(usual, most);
    return absl::Seconds(free.Mean() + before / (speed_ * limit_));
  }
  auto waiter = waiters_.begin();
  for (std::size_t i = 0; i < ahead; ++i, ++waiter) {
    free.Take(std::min(waiter->second->entry.cost, most) / speed_);
  }
  return absl::Seconds(free.Next());
}

absl::Duration Line::Wait(double most) const {
  const std::scoped_lock lock(mutex_);
  return StartsIn(waiters_.size(), most, options_.now());
}

absl::Duration Line::Backlog() const {
  const std::scoped_lock lock(mutex_);
  if (waiters_.empty()) return absl::ZeroDuration();
  return StartsIn(waiters_.size() - 1, std::numeric_limits<double>::infinity(), options_.now());
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
  waiters_.insert({key, &waiter});
  waiting_cost_ += cost;
  std::size_t told = 0;
  absl::Status status;
  while (true) {
    const std::size_t place = waiters_.order_of_key(key) + 1;
    if (!waiter.ready && place != told) {
      const absl::Duration eta =
          StartsIn(place - 1, std::numeric_limits<double>::infinity(), options_.now());
      if (std::exchange(told, place) == 0) waiter.told = eta;
      lock.unlock();
      const bool stays = on_place(static_cast<int>(place), eta);
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
    waiter.changed.wait_for(
        lock, entry.stop,
        absl::ToChronoNanoseconds(std::min(PlaceInterval(), entry.deadline - time)),
        [&] { return waiter.ready; });
  }
  waiters_.erase(key);
  waiting_cost_ = waiters_.empty() ? 0 : waiting_cost_ - cost;
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
