#include "inference/batch/token_engine.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace citeseek::inference {

namespace {

// How many different tokens of the model a list has: none, one, or 2 for more.
struct Few {
  int count = 0;
  std::int32_t first = -1;
};
Few CountAllowed(std::span<const std::int32_t> tokens, int vocabulary) {
  Few few;
  for (const std::int32_t id : tokens) {
    if (id < 0 || id >= vocabulary || (few.count == 1 && id == few.first)) continue;
    if (++few.count == 2) break;
    few.first = id;
  }
  return few;
}

}  // namespace

TokenEngineOptions OptionsFor(const Decoder& decoder, const SchedulerLimits& limits) {
  const RopeConfig& rope = decoder.config().rope;
  const bool dynamic = rope.kind == RopeConfig::Kind::kDynamic;
  return {.vocabulary = decoder.config().vocabulary_size,
          .max_context = decoder.options().max_context,
          .share_up_to = dynamic ? static_cast<int>(rope.original_positions) : 0,
          .scheduler = limits};
}

TokenEngine::TokenEngine(ForwardFunction forward, const TokenEngineOptions& options)
    : forward_(std::move(forward)),
      options_(options),
      next_seed_(std::random_device{}()),
      scheduler_(options.scheduler) {
  stats_.blocks_total = stats_.blocks_free = options.scheduler.blocks;
  thread_ = std::jthread([this](std::stop_token stop) { Work(stop); });
}

TokenEngine::~TokenEngine() {
  thread_.request_stop();
  wake_.notify_all();
}

absl::Status TokenEngine::Check(const TokenRequest& request) const {
  if (absl::Status status = CheckSampling(request.sampling); !status.ok()) return status;
  const std::size_t length = request.prompt.size();
  if (length == 0 || length >= static_cast<std::size_t>(options_.max_context)) {
    return absl::InvalidArgumentError(absl::StrCat("prompt of ", length, " tokens is not in [1, ",
                                                   options_.max_context - 1, "]"));
  }
  for (const std::int32_t id : request.prompt) {
    if (id < 0 || id >= options_.vocabulary) {
      return absl::InvalidArgumentError(
          absl::StrCat("token ", id, " is not in [0, ", options_.vocabulary - 1, "]"));
    }
  }
  if (request.logprobs < -1 || request.logprobs > options_.vocabulary) {
    return absl::InvalidArgumentError(
        absl::StrCat("logprobs ", request.logprobs, " is not in [-1, ", options_.vocabulary, "]"));
  }
  const std::int64_t room = std::int64_t{options_.scheduler.blocks} * kKvBlock;
  const std::int64_t needed = std::min<std::int64_t>(
      options_.max_context, static_cast<std::int64_t>(length) + request.sampling.max_tokens);
  if (needed > room) {
    return absl::ResourceExhaustedError(absl::StrCat("prompt and completion of up to ", needed,
                                                     " tokens do not fit the cache of ", room));
  }
  return absl::OkStatus();
}

absl::StatusOr<Finish> TokenEngine::Generate(const TokenRequest& request, TokenSink sink) {
  if (absl::Status status = Check(request); !status.ok()) return status;
  Call call;
  call.sequence.ids = request.prompt;
  call.sequence.prompt_length = static_cast<int>(request.prompt.size());
  if (options_.share_up_to > 0 && call.sequence.prompt_length > options_.share_up_to) {
    call.sequence.root = static_cast<BlockContent>(call.sequence.prompt_length);
  }
  call.stop_ids = request.stop_ids;
  call.constraint = request.constraint;
  call.max_tokens =
      std::min(request.sampling.max_tokens, options_.max_context - call.sequence.prompt_length);
  // Before the engine can see the call, so that no step is spent on it once its stop is requested.
  const std::stop_callback on_stop(request.stop, [&] { Cancel(call); });
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) return absl::UnavailableError("the engine is closed");
    if (stats_.waiting >= options_.max_waiting) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the queue of ", options_.max_waiting, " calls is full"));
    }
    const std::uint64_t seed = request.sampling.seed != 0 ? request.sampling.seed : next_seed_++;
    call.sampler.emplace(request.sampling, seed, request.prompt, request.logprobs);
    arrived_.push_back(&call);
    ++stats_.waiting;
  }
  wake_.notify_one();
  const absl::Status status = Deliver(call, request, sink);
  // Whatever happened, the engine's thread lets go of the call first.
  Cancel(call);
  std::unique_lock lock(mutex_);
  call.changed.wait(lock, [&] { return call.done; });
  if (!status.ok()) return status;
  return Finish{.reason = call.reason,
                .prompt_tokens = call.sequence.prompt_length,
                .cached_tokens = call.sequence.cached,
                .completion_tokens = call.generated};
}

absl::Status TokenEngine::Deliver(Call& call, const TokenRequest& request, TokenSink sink) {
  const bool has_deadline = request.deadline != absl::InfiniteFuture();
  while (true) {
    std::deque<SampledToken> tokens;
    bool done = false;
    {
      std::unique_lock lock(mutex_);
      const auto ready = [&] { return !call.tokens.empty() || call.done || call.cancelled; };
      if (!has_deadline) {
        call.changed.wait(lock, ready);
      } else {
        call.changed.wait_until(lock, absl::ToChronoTime(request.deadline), ready);
        if (absl::Now() >= request.deadline && !call.done) {
          return absl::DeadlineExceededError("the deadline passed while generating");
        }
      }
      if (call.cancelled) {
        return request.stop.stop_requested() ? absl::CancelledError("the caller stopped the call")
                                             : absl::UnavailableError("the engine is closed");
      }
      tokens.swap(call.tokens);
      done = call.done;
    }
    for (const SampledToken& token : tokens) {
      if (request.stop.stop_requested()) return absl::CancelledError("the caller stopped the call");
      if (!sink(token)) return absl::CancelledError("the sink ended the call");
    }
    if (done) return absl::OkStatus();
  }
}

void TokenEngine::Cancel(Call& call) {
  {
    const std::scoped_lock lock(mutex_);
    if (call.done) return;
    call.cancelled = true;
    any_cancelled_ = true;
    call.changed.notify_all();
  }
  wake_.notify_one();
}

EngineStats TokenEngine::Stats() const {
  const std::scoped_lock lock(mutex_);
  return stats_;
}

void TokenEngine::Work(std::stop_token stop) {
  while (TakeCalls(stop)) Step();
}

// Waits for work; takes in what arrived and lets go of what was cancelled. False: the end.
bool TokenEngine::TakeCalls(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, stop, [&] { return !arrived_.empty() || any_cancelled_ || !calls_.empty(); });
  if (stop.stop_requested()) {
    closed_ = true;
    for (Call* call : arrived_) call->cancelled = true;
    for (Call* call : calls_) call->cancelled = true;
  }
  for (Call* call : arrived_) {
    scheduler_.Add(call->sequence);
    calls_.push_back(call);
  }
  arrived_.clear();
  any_cancelled_ = false;
  for (std::size_t i = 0; i < calls_.size();) {
    if (!calls_[i]->cancelled) {
      ++i;
      continue;
    }
    ++stats_.cancelled;
    End(*calls_[i]);  // takes it out of calls_
  }
  return !closed_;
}

void TokenEngine::Step() {
  const std::vector<StepPart> parts = scheduler_.Plan();
  if (parts.empty()) return;
  std::vector<SequenceStep> steps;
  std::vector<Sequence*> sampled;
  for (const StepPart& part : parts) {
    const Sequence& s = *part.sequence;
    steps.push_back({.tokens = std::span(s.ids).subspan(static_cast<std::size_t>(s.computed),
                                                        static_cast<std::size_t>(part.tokens)),
                     .first_position = s.computed,
                     .prompt_length = s.prompt_length,
                     .blocks = s.blocks,
                     .logits = part.samples ? 1 : 0});
    if (part.samples) sampled.push_back(part.sequence);
  }
  const auto vocabulary = static_cast<std::size_t>(options_.vocabulary);
  logits_.resize(sampled.size() * vocabulary);
  forward_(steps, logits_);
  scheduler_.Commit(parts);

  std::vector<News> news;
  for (std::size_t i = 0; i < sampled.size(); ++i) {
    const auto owner = std::find_if(calls_.begin(), calls_.end(), [&](const Call* call) {
      return &call->sequence == sampled[i];
    });
    news.push_back(Choose(**owner, std::span(logits_).subspan(i * vocabulary, vocabulary)));
  }
  const std::scoped_lock lock(mutex_);
  ++stats_.steps;
  for (News& one : news) Publish(one);
  stats_.waiting = scheduler_.waiting() + static_cast<std::int64_t>(arrived_.size());
  stats_.running = scheduler_.running();
  stats_.preemptions = scheduler_.preemptions();
  stats_.blocks_free = scheduler_.blocks().free();
  stats_.blocks_cached = scheduler_.blocks().cached();
}

// The next token by the model's word, and those after it that the constraint leaves no choice of.
TokenEngine::News TokenEngine::Choose(Call& call, std::span<float> logits) {
  News news = {.call = &call, .tokens = {}, .finish = {}};
  while (!news.finish.has_value()) {
    AllowedTokens allowed;
    if (call.constraint != nullptr) allowed = call.constraint->Next();
    const bool listed = allowed.kind == AllowedTokens::Kind::kOnly;
    const Few few = listed ? CountAllowed(allowed.tokens, options_.vocabulary) : Few{};
    if (listed && few.count == 0) {
      news.finish = FinishReason::kStop;
    } else if (!logits.empty()) {
      Append(news, call.sampler->Sample(logits, allowed));
      logits = {};
    } else if (few.count == 1) {
      Append(news, call.sampler->Force(few.first));
    } else {
      break;
    }
  }
  return news;
}

void TokenEngine::Append(News& news, SampledToken token) {
  Call& call = *news.call;
  const std::int32_t id = token.id;
  call.sequence.ids.push_back(id);
  ++call.generated;
  news.tokens.push_back(std::move(token));
  if (call.constraint != nullptr) call.constraint->Accept(id);
  if (std::find(call.stop_ids.begin(), call.stop_ids.end(), id) != call.stop_ids.end()) {
    news.finish = FinishReason::kStop;
  } else if (call.generated == call.max_tokens) {
    news.finish = FinishReason::kLength;
  }
}

// Hands the call its tokens; under mutex_.
void TokenEngine::Publish(News& news) {
  Call& call = *news.call;
  const auto count = static_cast<std::int64_t>(news.tokens.size());
  if (call.generated == count) {
    stats_.prompt_tokens += call.sequence.prompt_length;
    stats_.cached_tokens += call.sequence.cached;
  }
  stats_.completion_tokens += count;
  std::move(news.tokens.begin(), news.tokens.end(), std::back_inserter(call.tokens));
  if (news.finish.has_value()) {
    call.reason = *news.finish;
    ++stats_.finished;
    End(call);
    return;
  }
  call.changed.notify_all();
}

// Frees slot and blocks; the caller may destroy the call once it holds mutex_ again.
void TokenEngine::End(Call& call) {
  scheduler_.Remove(call.sequence);
  std::erase(calls_, &call);
  stats_.waiting = scheduler_.waiting() + static_cast<std::int64_t>(arrived_.size());
  stats_.running = scheduler_.running();
  stats_.blocks_free = scheduler_.blocks().free();
  call.done = true;
  call.changed.notify_all();
}

}  // namespace citeseek::inference
