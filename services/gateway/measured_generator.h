// MeasuredGenerator: a Generator in front of another that finds out how many calls that one takes.
//
// Learns from each call's first token, at once when it comes: see concurrency_limit.h. Only calls
// that read sources teach: the prompts of others are shorter. A call that fails before its first
// token was one too many, unless it was wrong in itself; one that its caller left says only how
// long it waited. Thread-safe.
#pragma once

#include <functional>
#include <mutex>

#include "inference/generator.h"
#include "services/gateway/concurrency_limit.h"

namespace citeseek::gateway {

struct MeasuredGeneratorOptions {
  inference::Generator* generator = nullptr;  // outlives this
  ConcurrencyLimitOptions limit = {};
  std::function<absl::Time()> now = [] { return absl::Now(); };
};

class MeasuredGenerator final : public inference::Generator {
 public:
  explicit MeasuredGenerator(const MeasuredGeneratorOptions& options)
      : options_(options), limit_(options.limit) {}

  absl::StatusOr<inference::Finish> Generate(const inference::GenerateRequest& request,
                                             const inference::PieceSink& sink) override;
  bool EndsThoughts() const override { return options_.generator->EndsThoughts(); }

  // Calls that may run at once.
  int limit() const;
  // Told the limit after each call that teaches, on its thread; none of them outlives `watcher`.
  void Watch(std::function<void(int limit)> watcher) { watcher_ = std::move(watcher); }

 private:
  void Note(absl::Duration first_token, bool left, int running);

  const MeasuredGeneratorOptions options_;
  std::function<void(int)> watcher_ = [](int) {};
  mutable std::mutex mutex_;
  ConcurrencyLimit limit_;  // guarded by mutex_
  int running_ = 0;         // guarded by mutex_
};

}  // namespace citeseek::gateway
