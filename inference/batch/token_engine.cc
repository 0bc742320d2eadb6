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

constexpr char kPassed[] = "the deadline passed before the call was done";

}  // namespace

TokenEngineOptions OptionsFor(const Decoder& decoder, const SchedulerLimits& limits) {
  const RopeConfig& rope = decoder.config().rope;
  const bool dynamic = rope.kind == RopeConfig::Kind::kDynamic;
  return {.vocabulary = decoder.config().vocabulary_size,
          .max_context = decoder.options().max_context,
          .share_up_to = dynamic ? static_cast<int>(rope.original_positions) : 0,
          .scheduler = limits};
}

TokenEngine::TokenEngine(ForwardFunction forward, const TokenEngineOptions& options,
                         PredictFunction predict)
    : forward_(std::move(forward)),
      predict_(options.speculation.most_tokens > 0 ? std::move(predict) : nullptr),
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
  Sequence& sequence = call;
  sequence.ids = request.prompt;
  sequence.prompt_length = static_cast<int>(request.prompt.size());
  sequence.priority = request.priority;
  if (options_.share_up_to > 0 && sequence.prompt_length > options_.share_up_to) {
    sequence.root = static_cast<BlockContent>(sequence.prompt_length);
  }
  call.stop_ids = request.stop_ids;
  call.constraint = request.constraint;
  call.deadline = request.deadline;
  call.max_tokens =
      std::min(request.sampling.max_tokens, options_.max_context - sequence.prompt_length);
  // Before the engine can see the call, so that no step is spent on it once its stop is requested.
  const std::stop_callback on_stop(request.stop, [&] { Cancel(call); });
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) return Closed();
    if (stats_.waiting >= options_.max_waiting) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the queue of ", options_.max_waiting, " calls is full"));
    }
    const std::uint64_t seed = request.sampling.seed != 0 ? request.sampling.seed : next_seed_++;
    call.sampler.emplace(request.sampling, seed, request.prompt, request.logprobs);
    arrived_.push_back(&call);
    ++stats_.waiting;
    ++StatsOf(call).waiting;
  }
  wake_.notify_one();
  const absl::Status status = Deliver(call, request, sink);
  // Whatever happened, the engine's thread lets go of the call first.
  Cancel(call);
  std::unique_lock lock(mutex_);
  call.changed.wait(lock, [&] { return call.done; });
  if (!status.ok()) return status;
  return std::move(call.counts);
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
          return absl::DeadlineExceededError(kPassed);
        }
      }
      if (call.expired) return absl::DeadlineExceededError(kPassed);
      if (call.cancelled) {
        return request.stop.stop_requested() ? absl::CancelledError("the caller stopped the call")
                                             : Closed();
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

// Under mutex_.
absl::Status TokenEngine::Closed() const {
  if (broken_.ok()) return absl::UnavailableError("the engine is closed");
  return absl::UnavailableError(
      absl::StrCat("the engine is closed: ", std::string(broken_.message())));
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
  closed_ = !broken_.ok() || stop.stop_requested();
  if (closed_) {
    for (Call* call : arrived_) call->cancelled = true;
    for (Call* call : calls_) call->cancelled = true;
  }
  for (Call* call : arrived_) {
    scheduler_.Add(*call);
    calls_.push_back(call);
  }
  arrived_.clear();
  any_cancelled_ = false;
  const absl::Time now = absl::Now();
  for (std::size_t i = 0; i < calls_.size();) {
    Call& call = *calls_[i];
    if (!call.cancelled && now < call.deadline) {
      ++i;
      continue;
    }
    call.expired = !call.cancelled;
    ++stats_.cancelled;
    ++StatsOf(call).cancelled;
    End(call);  // takes it out of calls_
  }
  return !closed_;
}

void TokenEngine::Step() {
  DraftTokens();
  std::vector<StepPart> parts = scheduler_.Plan();
  if (parts.empty()) return;
  std::vector<SequenceStep> steps;
  std::size_t rows = 0;
  for (const StepPart& part : parts) {
    const Sequence& s = *part.sequence;
    steps.push_back({.tokens = std::span(s.ids).subspan(static_cast<std::size_t>(s.computed),
                                                        static_cast<std::size_t>(part.tokens)),
                     .first_position = s.computed,
                     .prompt_length = s.prompt_length,
                     .blocks = s.blocks,
                     .logits = part.samples ? 1 + part.draft : 0});
    rows += static_cast<std::size_t>(steps.back().logits);
  }
  const auto vocabulary = static_cast<std::size_t>(options_.vocabulary);
  logits_.resize(rows * vocabulary);
  forward_(steps, logits_);
  if (absl::Status health = options_.health ? options_.health() : absl::OkStatus(); !health.ok()) {
    const std::scoped_lock lock(mutex_);
    broken_ = std::move(health);
    return;  // the calls are let go of before the next step, which there is none
  }

  std::vector<News> news;
  std::span<float> left = logits_;
  for (StepPart& part : parts) {
    Sequence& sequence = *part.sequence;
    // The draft leaves the sequence; what is right of it comes back token by token.
    const auto sure = sequence.ids.end() - sequence.drafted;
    const std::vector<std::int32_t> draft(sure, sure + part.draft);
    DropDraft(sequence);
    if (!part.samples) continue;
    const std::size_t count = (1 + draft.size()) * vocabulary;
    news.push_back(Choose(static_cast<Call&>(sequence), left.first(count), draft));
    left = left.subspan(count);
    part.tokens -= part.draft - news.back().accepted;
  }
  if (predict_) Predict(steps, parts);
  scheduler_.Commit(parts);

  const std::scoped_lock lock(mutex_);
  ++stats_.steps;
  for (News& one : news) Publish(one);
  CountNow();
}

// Gives every call that decodes a draft, as long as that makes the step worth more.
void TokenEngine::DraftTokens() {
  const SpeculationOptions& speculation = options_.speculation;
  if (speculation.most_tokens == 0) return;
  const double pending = std::max(1, scheduler_.Pending());
  StepWorth worth = {.tokens = pending,
                     .cost = 1 + speculation.row_cost * (pending - 1),
                     .row_cost = speculation.row_cost};
  int left = speculation.most_step_tokens;
  for (Call* call : calls_) {
    Sequence& sequence = *call;
    DropDraft(sequence);  // one that found no room
    // The last token of a call is never drafted: it is not computed.
    const std::int64_t most =
        std::min<std::int64_t>(std::min(speculation.most_tokens, left),
                               call->max_tokens - call->counts.completion_tokens - 1);
    if (!sequence.decoding || most <= 0) continue;
    const std::vector<std::int32_t> draft = call->drafter.Propose(
        sequence.ids, std::exchange(call->predicted, -1), static_cast<int>(most), worth);
    sequence.ids.insert(sequence.ids.end(), draft.begin(), draft.end());
    sequence.drafted = static_cast<int>(draft.size());
    left -= sequence.drafted;
  }
}

// Shows the prediction head what was computed and is sure, which it needs for later guesses, and
// asks it what follows the tokens that were just sampled.
void TokenEngine::Predict(std::span<const SequenceStep> steps, std::span<const StepPart> parts) {
  std::vector<SequenceStep> shifted;
  std::vector<int> rows;
  std::vector<Call*> asking;
  int row = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Sequence& sequence = *parts[i].sequence;
    const auto next = static_cast<std::size_t>(sequence.computed) + 1;
    const auto count = static_cast<std::size_t>(parts[i].tokens);
    static_cast<Call&>(sequence).predicted = -1;
    // A call that ended without a token has no next one to show.
    if (next + count <= sequence.ids.size()) {
      const bool last = parts[i].samples && next + count == sequence.ids.size();
      shifted.push_back(steps[i]);
      shifted.back().tokens = std::span(sequence.ids).subspan(next, count);
      shifted.back().logits = last ? 1 : 0;
      rows.push_back(row);
      if (last) asking.push_back(static_cast<Call*>(&sequence));
    }
    row += static_cast<int>(steps[i].tokens.size());
  }
  if (shifted.empty()) return;
  const auto vocabulary = static_cast<std::size_t>(options_.vocabulary);
  logits_.resize(asking.size() * vocabulary);
  predict_(shifted, rows, logits_);
  for (std::size_t i = 0; i < asking.size(); ++i) {
    asking[i]->predicted =
        Sampler::Best(std::span<const float>(logits_).subspan(i * vocabulary, vocabulary));
  }
}

// The next tokens: by the model's word, as long as the draft foresaw it, and those after it that
// the constraint leaves no choice of. logits [1 + draft, vocabulary].
TokenEngine::News TokenEngine::Choose(Call& call, std::span<float> logits,
                                      std::span<const std::int32_t> draft) {
  News news = {.call = &call, .tokens = {}, .finish = {}};
  const auto vocabulary = static_cast<std::size_t>(options_.vocabulary);
  while (!news.finish.has_value()) {
    AllowedTokens allowed;
    if (call.constraint != nullptr) allowed = call.constraint->Next();
    const bool listed = allowed.kind == AllowedTokens::Kind::kOnly;
    const Few few = listed ? CountAllowed(allowed.tokens, options_.vocabulary) : Few{};
    if (listed && few.count == 0) {
      news.finish = FinishReason::kStop;
      break;
    }
    if (few.count == 1) {
      Append(news, call.sampler->Force(few.first));
    } else if (!logits.empty()) {
      Append(news, call.sampler->Sample(logits.first(vocabulary), allowed));
    } else {
      break;
    }
    if (logits.empty()) continue;
    const auto next = static_cast<std::size_t>(news.accepted);
    if (next < draft.size() && news.tokens.back().id == draft[next]) {
      ++news.accepted;
      logits = logits.subspan(vocabulary);
    } else {
      logits = {};
    }
  }
  news.drafted = static_cast<int>(draft.size());
  // After the end nobody looked.
  if (!news.finish.has_value()) call.drafter.Learn(news.drafted, news.accepted);
  return news;
}

void TokenEngine::Append(News& news, SampledToken token) {
  Call& call = *news.call;
  const std::int32_t id = token.id;
  call.ids.push_back(id);
  ++call.counts.completion_tokens;
  news.tokens.push_back(std::move(token));
  if (call.constraint != nullptr) call.constraint->Accept(id);
  if (std::find(call.stop_ids.begin(), call.stop_ids.end(), id) != call.stop_ids.end()) {
    news.finish = FinishReason::kStop;
  } else if (call.counts.completion_tokens == call.max_tokens) {
    news.finish = FinishReason::kLength;
  }
}

// Hands the call its tokens; under mutex_.
void TokenEngine::Publish(News& news) {
  Call& call = *news.call;
  Finish& counts = call.counts;
  PriorityStats& stats = StatsOf(call);
  const auto count = static_cast<std::int64_t>(news.tokens.size());
  if (counts.steps == 0) {
    counts.prompt_tokens = call.prompt_length;
    counts.cached_tokens = call.cached;
    stats_.prompt_tokens += counts.prompt_tokens;
    stats.prompt_tokens += counts.prompt_tokens;
    stats_.cached_tokens += counts.cached_tokens;
  }
  ++counts.steps;
  counts.drafted_tokens += news.drafted;
  counts.accepted_tokens += news.accepted;
  ++stats_.sampled_steps;
  stats_.drafted_tokens += news.drafted;
  stats_.accepted_tokens += news.accepted;
  stats_.completion_tokens += count;
  stats.completion_tokens += count;
  std::move(news.tokens.begin(), news.tokens.end(), std::back_inserter(call.tokens));
  if (news.finish.has_value()) {
    counts.reason = *news.finish;
    ++stats_.finished;
    ++stats.finished;
    End(call);
    return;
  }
  call.changed.notify_all();
}

// Frees slot and blocks; the caller may destroy the call once it holds mutex_ again.
void TokenEngine::End(Call& call) {
  scheduler_.Remove(call);
  std::erase(calls_, &call);
  CountNow();
  call.done = true;
  call.changed.notify_all();
}

PriorityStats& TokenEngine::StatsOf(const Call& call) {
  return stats_.by_priority[static_cast<std::size_t>(call.priority)];
}

void TokenEngine::CountNow() {
  stats_.waiting = scheduler_.waiting() + static_cast<std::int64_t>(arrived_.size());
  stats_.running = scheduler_.running();
  stats_.preemptions = scheduler_.preemptions();
  stats_.blocks_free = scheduler_.blocks().free();
  stats_.blocks_cached = scheduler_.blocks().cached();
  for (const Priority priority : {Priority::kInteractive, Priority::kBatch}) {
    PriorityStats& stats = stats_.by_priority[static_cast<std::size_t>(priority)];
    stats.waiting = scheduler_.waiting(priority);
    stats.running = scheduler_.running(priority);
    stats.preemptions = scheduler_.preemptions(priority);
  }
  for (const Call* call : arrived_) ++StatsOf(*call).waiting;
}

}  // namespace citeseek::inference
