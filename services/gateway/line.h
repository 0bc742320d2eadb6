// Line: turns more calls than can run at once into a fair line with places and estimated waits.
//
// At most `running` calls run; the rest wait, interactive before batch, and among those start-time
// fair queueing by caller (Goyal et al. 1996): a caller with a hundred questions waits behind
// itself, not in front of others. Costs are in tokens, or any other unit that service time grows
// with. Waits are estimated by playing the line forward at the speed (cost units a second and call)
// learned from the calls that ended; for those behind many others the cost of a usual call stands
// in for each. So nothing here takes time that grows with the line, but for the logarithm of a
// search, and the longer it is, the less often is each told its place.
//
// Thread-safe. A waiting call blocks its thread. Errors: kCancelled, kDeadlineExceeded, and
// kResourceExhausted when `waiting` calls wait already.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <ext/pb_ds/assoc_container.hpp>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace citeseek::gateway {

struct LineOptions {
  int running = 8;  // until SetRunning
  std::size_t waiting = 512;
  double speed = 100;  // cost units a second of one call, until calls have ended
  absl::Duration place_interval = absl::Milliseconds(250);  // at most so often are places told
  std::function<absl::Time()> now = [] { return absl::Now(); };
};

struct LineEntry {
  std::string caller;  // whose turn it is next to others'; empty: one caller like any other
  bool batch = false;  // gives way to all calls that are not
  double cost = 1;     // at least 1
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};

struct LineStats {
  int running = 0;
  std::size_t waiting = 0;
  double speed = 0;
  std::int64_t entered = 0;            // calls that got their turn
  std::int64_t left = 0;               // calls that were cancelled or too late while waiting
  absl::Duration waited = {};          // of all that entered, together
  absl::Duration estimate_error = {};  // |told on arrival - waited| of those that waited, together
  std::int64_t estimates = 0;          // how many those are
};

class Line {
 public:
  explicit Line(const LineOptions& options);
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  // The turn of one call: ends with the object. The line outlives it.
  class Turn {
   public:
    Turn(Turn&& other) noexcept;
    Turn& operator=(Turn&&) = delete;
    ~Turn();
    // The call will cost this much after all.
    void Expect(double cost);
    // It has cost this much: the line learns its speed from it when the turn ends. Turns without
    // a lesson (failed, cancelled) teach nothing.
    void Learn(double cost);

   private:
    friend class Line;
    Turn(Line* line, std::uint64_t id) : line_(line), id_(id) {}
    Line* line_;
    std::uint64_t id_;
  };

  // Told a place from 1 and the estimated wait, first on arrival and whenever the place changes;
  // false leaves the line. Runs on the thread that waits, without a lock.
  using PlaceSink = std::function<bool(int place, absl::Duration eta)>;

  // Waits for the turn.
  absl::StatusOr<Turn> Enter(const LineEntry& entry, const PlaceSink& on_place);

  // From now on so many calls run at once; those that run go on.
  void SetRunning(int calls);

  // How long a call that came now at the end of the line would wait, if none that waits costs more
  // than `most`.
  absl::Duration Wait(double most = std::numeric_limits<double>::infinity()) const;
  // How long the last that waits has still to wait; 0 if none does.
  absl::Duration Backlog() const;
  // How long a call of this cost takes.
  absl::Duration Takes(double cost) const;
  LineStats Stats() const;

 private:
  struct Waiter {
    LineEntry entry;
    double tag = 0;  // virtual time of its start
    absl::Time arrived;
    absl::Duration told = {};  // the first estimate
    bool ready = false;
    std::condition_variable_any changed = {};
  };
  struct Running {
    double cost;
    absl::Time since;
    bool learn = false;
  };
  // Batch last, then by tag, then by arrival.
  using Key = std::tuple<bool, double, std::uint64_t>;

  // When each of the places to run falls free, in seconds from now.
  class FreeTimes {
   public:
    explicit FreeTimes(std::vector<double> times);
    double Next() const { return heap_.front(); }
    double Mean() const;
    void Take(double seconds);  // the next one, for so long

   private:
    std::vector<double> heap_;  // the next one first
  };

  // All called with mutex_ held.
  FreeTimes FreeAt(absl::Time now) const;
  // When a call begins that so many of those that wait are before, if none costs more than `most`.
  absl::Duration StartsIn(std::size_t ahead, double most, absl::Time now) const;
  absl::Duration PlaceInterval() const;
  void Admit();
  void ForgetCallers();
  std::uint64_t Start(double cost, absl::Time now);
  void End(std::uint64_t id);

  const LineOptions options_;
  mutable std::mutex mutex_;
  // Knows the place of each key.
  __gnu_pbds::tree<Key, Waiter*, std::less<Key>, __gnu_pbds::rb_tree_tag,
                   __gnu_pbds::tree_order_statistics_node_update>
      waiters_;
  double waiting_cost_ = 0;                    // of all of them
  std::map<std::string, double> finish_tags_;  // virtual finish of each waiting caller's last call
  std::map<std::uint64_t, Running> running_;
  int ready_ = 0;  // of waiters_, those whose turn it is
  std::uint64_t next_ = 0;
  int limit_;  // of calls that run
  double virtual_time_ = 0;
  double speed_;
  LineStats stats_;
};

}  // namespace citeseek::gateway
