// TokenEngine: turns concurrent calls' prompts into token streams, all computed by one thread.
//
// Thread-safe. Each step mixes the next tokens of every running call with chunks of new prompts.
// Calls' next tokens are drafted and checked in one step (Leviathan et al. 2023): a token is taken
// by sampling from the model's row as if there were no draft, and the row after it counts if the
// draft said the same. For a draft that is certain of itself this is the rejection rule, and it
// makes a call's tokens, greedy or of a seed, the same with and without drafts. A call that is
// cancelled or past its deadline gives up its slot and blocks before the next step.
// Errors: kInvalidArgument, kResourceExhausted (queue full, cache too small), kDeadlineExceeded,
// kCancelled (by stop token or sink), kUnavailable (the engine is being destroyed, or its device is
// lost).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inference/batch/constraint.h"
#include "inference/batch/drafter.h"
#include "inference/batch/sampler.h"
#include "inference/batch/scheduler.h"
#include "inference/engine.h"
#include "inference/generator.h"
#include "inference/model/decoder.h"

namespace citeseek::inference {

struct SpeculationOptions {
  int most_tokens = 16;       // drafted for one call in one step; 0: no speculation
  int most_step_tokens = 48;  // drafted in one step; each brings a row of logits
  double row_cost = 0.12;     // of one more row in a step, relative to a step of one row
};

struct TokenEngineOptions {
  int vocabulary = 0;
  int max_context = 4096;  // tokens of one call, prompt and completion
  int max_waiting = 256;
  // Prompts longer than this share no blocks with prompts of other lengths (dynamic rope); 0: all
  // do.
  int share_up_to = 0;
  SchedulerLimits scheduler;
  SpeculationOptions speculation = {};
  // What is wrong with the device that computes, asked after each step: the end of all calls and of
  // the engine. Empty: nothing ever is.
  std::function<absl::Status()> health = {};
};

// What the decoder allows; limits.blocks are the decoder's kv_blocks.
TokenEngineOptions OptionsFor(const Decoder& decoder, const SchedulerLimits& limits);

struct TokenRequest {
  std::vector<std::int32_t> prompt;
  Sampling sampling = {};              // stop_strings are the caller's business
  std::vector<std::int32_t> stop_ids;  // the first of them ends the call; the sink gets it
  int logprobs = -1;  // of how many of the most likely tokens, besides the chosen; -1: of none
  TokenConstraint* constraint = nullptr;  // the caller's; the engine's thread uses it
  Priority priority = Priority::kInteractive;
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};

// Called in order on the thread that called Generate. Returning false cancels.
using TokenSink = absl::FunctionRef<bool(const SampledToken&)>;

class TokenEngine {
 public:
  // Computes a step as Decoder::Forward does; called by the engine's thread alone.
  using ForwardFunction = std::function<void(std::span<const SequenceStep>, std::span<float>)>;

  // Guesses as Decoder::Predict does.
  using PredictFunction =
      std::function<void(std::span<const SequenceStep>, std::span<const int>, std::span<float>)>;

  // predict: empty for a model without a prediction head.
  TokenEngine(ForwardFunction forward, const TokenEngineOptions& options,
              PredictFunction predict = {});
  ~TokenEngine();  // calls that are under way end with kUnavailable; wait for their return first

  absl::StatusOr<Finish> Generate(const TokenRequest& request, TokenSink sink);
  EngineStats Stats() const;

 private:
  // A call, on its caller's stack. The engine's thread touches it until it is done.
  struct Call : Sequence {
    std::optional<Sampler> sampler;
    TokenConstraint* constraint = nullptr;
    std::vector<std::int32_t> stop_ids;
    int max_tokens = 0;
    absl::Time deadline = absl::InfiniteFuture();
    Drafter drafter;
    std::int32_t predicted = -1;  // what the prediction head says comes next
    Finish counts;                // what becomes the call's Finish
    // Under mutex_:
    std::deque<SampledToken> tokens;
    bool cancelled = false;
    bool expired = false;  // cancelled by its deadline
    bool done = false;
    std::condition_variable changed;
  };

  // What a step brought one call.
  struct News {
    Call* call = nullptr;
    std::vector<SampledToken> tokens;
    std::optional<FinishReason> finish;
    int drafted = 0;
    int accepted = 0;
  };

  absl::Status Check(const TokenRequest& request) const;
  absl::Status Deliver(Call& call, const TokenRequest& request, TokenSink sink);
  void Cancel(Call& call);
  absl::Status Closed() const;

  void Work(std::stop_token stop);
  bool TakeCalls(std::stop_token stop);
  void Step();
  void DraftTokens();
  void Predict(std::span<const SequenceStep> steps, std::span<const StepPart> parts);
  News Choose(Call& call, std::span<float> logits, std::span<const std::int32_t> draft);
  void Append(News& news, SampledToken token);
  void Publish(News& news);
  void End(Call& call);
  void CountNow();
  PriorityStats& StatsOf(const Call& call);

  const ForwardFunction forward_;
  const PredictFunction predict_;
  const TokenEngineOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable_any wake_;  // there is something to do
  std::deque<Call*> arrived_;
  std::vector<Call*> calls_;  // those of the scheduler
  bool any_cancelled_ = false;
  bool closed_ = false;
  absl::Status broken_;  // why it is closed, if not because it is being destroyed
  std::uint64_t next_seed_;
  EngineStats stats_;

  Scheduler scheduler_;  // the thread's
  std::vector<float> logits_;
  std::jthread thread_;  // last: starts when all else is there
};

}  // namespace citeseek::inference
