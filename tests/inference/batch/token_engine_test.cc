#include "inference/batch/token_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <future>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "inference/batch/thinking_budget.h"

namespace citeseek::inference {
namespace {

using testing::HasSubstr;

constexpr int kVocabulary = 97;

// A model whose next token depends on every token before it, which it reads from its blocks alone:
// a wrong block, a lost or a foreign token changes all that follows.
class FakeModel {
 public:
  explicit FakeModel(int blocks) : cache_(static_cast<std::size_t>(blocks * kKvBlock), -1) {}

  void operator()(std::span<const SequenceStep> steps, std::span<float> logits) {
    std::size_t row = 0;
    for (const SequenceStep& step : steps) {
      int position = step.first_position;
      const auto slot = [&](int at) -> std::int32_t& {
        return cache_[static_cast<std::size_t>(
            step.blocks[static_cast<std::size_t>(at / kKvBlock)] * kKvBlock + at % kKvBlock)];
      };
      for (const std::int32_t token : step.tokens) slot(position++) = token;
      tokens_ += static_cast<std::int64_t>(step.tokens.size());
      std::vector<std::int32_t> all;
      for (int i = 0; i < position; ++i) all.push_back(slot(i));
      for (int r = step.logits; r > 0; --r, ++row) {
        const auto out = logits.subspan(row * kVocabulary, kVocabulary);
        std::fill(out.begin(), out.end(), 0.0f);
        const auto known = std::span(all).first(all.size() - static_cast<std::size_t>(r - 1));
        out[static_cast<std::size_t>(Next(known))] = 10.0f;
        out[static_cast<std::size_t>(Next(known.subspan(1)))] += 9.0f;
      }
    }
    if (on_step) on_step();
  }

  // Mostly in a circle, so that drafts are right for a while.
  static std::int32_t Next(std::span<const std::int32_t> tokens) {
    std::uint64_t hash = 1469598103934665603ull;
    for (const std::int32_t token : tokens) {
      hash = (hash ^ static_cast<std::uint32_t>(token)) * 1099511628211ull;
    }
    if (!tokens.empty() && (hash >> 40) % 4 != 0) return (tokens.back() * 5 + 2) % 13;
    return static_cast<std::int32_t>((hash >> 20) % kVocabulary);
  }

  static std::vector<std::int32_t> Continuation(std::vector<std::int32_t> prompt, int count) {
    std::vector<std::int32_t> out;
    for (int i = 0; i < count; ++i) {
      out.push_back(Next(prompt));
      prompt.push_back(out.back());
    }
    return out;
  }

  // A prediction head that sees what the model sees and is right, or always wrong.
  void Predict(std::span<const SequenceStep> steps, std::span<const int> rows,
               std::span<float> logits, bool right) {
    std::size_t row = 0;
    EXPECT_EQ(steps.size(), rows.size());
    for (const SequenceStep& step : steps) {
      std::vector<std::int32_t> all;
      const int known = step.first_position + static_cast<int>(step.tokens.size());
      for (int i = 0; i < known; ++i) {
        all.push_back(cache_[static_cast<std::size_t>(
            step.blocks[static_cast<std::size_t>(i / kKvBlock)] * kKvBlock + i % kKvBlock)]);
      }
      EXPECT_TRUE(std::equal(step.tokens.begin(), step.tokens.end() - 1,
                             all.end() - static_cast<std::ptrdiff_t>(step.tokens.size()) + 1));
      all.push_back(step.tokens.back());
      if (step.logits == 0) continue;
      const auto out = logits.subspan(row++ * kVocabulary, kVocabulary);
      std::fill(out.begin(), out.end(), 0.0f);
      out[static_cast<std::size_t>((Next(all) + (right ? 0 : 1)) % kVocabulary)] = 1.0f;
    }
  }

  std::function<void()> on_step;
  std::int64_t tokens() const { return tokens_; }

 private:
  std::vector<std::int32_t> cache_;
  std::int64_t tokens_ = 0;
};

std::vector<std::int32_t> Prompt(int length, int salt) {
  std::vector<std::int32_t> out;
  for (int i = 0; i < length; ++i) out.push_back((i * 7 + salt * 13) % kVocabulary);
  return out;
}

TokenEngineOptions Options(int blocks = 64, int step_tokens = 32) {
  return {.vocabulary = kVocabulary,
          .max_context = 512,
          .max_waiting = 64,
          .scheduler = {.step_tokens = step_tokens, .max_running = 8, .blocks = blocks}};
}

// Guesses at every step, however often it was wrong.
constexpr SpeculationOptions kReckless = {.most_tokens = 16, .row_cost = 0};
constexpr SpeculationOptions kNone = {.most_tokens = 0};

struct Result {
  absl::Status status;
  Finish finish;
  std::vector<std::int32_t> ids;
};

Result Collect(TokenEngine& engine, const TokenRequest& request) {
  Result result;
  const auto finish = engine.Generate(request, [&](const SampledToken& token) {
    result.ids.push_back(token.id);
    return true;
  });
  result.status = finish.status();
  if (finish.ok()) result.finish = *finish;
  return result;
}

// Lets everything pass until `from` tokens were accepted, then forces these; then forbids one.
struct Script : TokenConstraint {
  AllowedTokens Next() override {
    if (accepted.size() < from || accepted.size() > from + forced.size()) return {};
    if (accepted.size() == from + forced.size()) return last;
    return {AllowedTokens::Kind::kOnly, std::span(forced).subspan(accepted.size() - from, 1)};
  }
  void Accept(std::int32_t token) override { accepted.push_back(token); }
  std::size_t from = 0;
  std::vector<std::int32_t> forced;
  AllowedTokens last;
  std::vector<std::int32_t> accepted;
};

TEST(TokenEngineTest, ACallGetsItsContinuationAndItsCounts) {
  FakeModel model(64);
  TokenEngine engine(std::ref(model), Options());
  const Result result =
      Collect(engine, {.prompt = Prompt(50, 1), .sampling = {.temperature = 0, .max_tokens = 20}});
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_EQ(result.ids, FakeModel::Continuation(Prompt(50, 1), 20));
  EXPECT_EQ(result.finish.reason, FinishReason::kLength);
  EXPECT_EQ(result.finish.prompt_tokens, 50);
  EXPECT_EQ(result.finish.completion_tokens, 20);
  EXPECT_EQ(result.finish.cached_tokens, 0);
  EXPECT_EQ(engine.Stats().blocks_free, 64);
  EXPECT_EQ(engine.Stats().finished, 1);
}

TEST(TokenEngineTest, AStopIdEndsTheCallAfterItWasDelivered) {
  FakeModel model(64);
  TokenEngine engine(std::ref(model), Options());
  const std::vector<std::int32_t> all = FakeModel::Continuation(Prompt(9, 2), 20);
  const Result result = Collect(engine, {.prompt = Prompt(9, 2),
                                         .sampling = {.temperature = 0, .max_tokens = 20},
                                         .stop_ids = {all[5]}});
  const auto first = std::find(all.begin(), all.end(), all[5]);
  EXPECT_EQ(result.ids, std::vector<std::int32_t>(all.begin(), first + 1));
  EXPECT_EQ(result.finish.reason, FinishReason::kStop);
}

TEST(TokenEngineTest, ManyCallsAtOnceWithTooFewBlocksAllGetTheirOwnTokens) {
  FakeModel model(24);
  TokenEngine* asked = nullptr;
  bool all = false;
  model.on_step = [&] {  // the first step waits until everybody has called
    for (; !all; std::this_thread::yield()) {
      const EngineStats stats = asked->Stats();
      all = stats.running + stats.waiting == 16;
    }
  };
  TokenEngine engine(std::ref(model), Options(24, 16));
  asked = &engine;
  std::vector<std::future<Result>> results;
  for (int i = 0; i < 16; ++i) {
    results.push_back(std::async(std::launch::async, [&engine, i] {
      return Collect(engine, {.prompt = Prompt(10 + 9 * i, i % 5),
                              .sampling = {.temperature = 0, .max_tokens = 60}});
    }));
  }
  for (int i = 0; i < 16; ++i) {
    const Result result = results[static_cast<std::size_t>(i)].get();
    ASSERT_TRUE(result.status.ok()) << result.status;
    EXPECT_EQ(result.ids, FakeModel::Continuation(Prompt(10 + 9 * i, i % 5), 60)) << i;
  }
  const EngineStats stats = engine.Stats();
  EXPECT_GT(stats.preemptions, 0);
  EXPECT_EQ(stats.blocks_free, 24);
  EXPECT_EQ(stats.finished, 16);
  EXPECT_EQ(stats.completion_tokens, 16 * 60);
  EXPECT_EQ(stats.running + stats.waiting, 0);
}

TEST(TokenEngineTest, ASecondQuestionOverTheSameTextComputesOnlyWhatIsNew) {
  FakeModel model(64);
  TokenEngine engine(std::ref(model), Options());
  std::vector<std::int32_t> prompt = Prompt(400, 3);
  const Sampling sampling = {.temperature = 0, .max_tokens = 4};
  ASSERT_TRUE(Collect(engine, {.prompt = prompt, .sampling = sampling}).status.ok());
  const std::int64_t before = model.tokens();
  prompt.back() = 1;
  const Result result = Collect(engine, {.prompt = prompt, .sampling = sampling});
  EXPECT_EQ(result.ids, FakeModel::Continuation(prompt, 4));
  EXPECT_EQ(result.finish.cached_tokens, 384);
  EXPECT_LE(model.tokens() - before, 16 + 4);
}

TEST(TokenEngineTest, CancellingFreesTheBlocksWithinOneStep) {
  FakeModel model(64);
  std::stop_source source;
  std::atomic<int> steps_after = 0;
  // The engine's thread itself cancels in the middle of a step.
  int steps = 0;
  model.on_step = [&] {
    if (++steps == 5) source.request_stop();
    if (steps > 5) ++steps_after;
  };
  TokenEngine engine(std::ref(model), Options());
  const Result result = Collect(engine, {.prompt = Prompt(20, 4),
                                         .sampling = {.temperature = 0, .max_tokens = 400},
                                         .stop = source.get_token()});
  EXPECT_EQ(result.status.code(), absl::StatusCode::kCancelled);
  // Generate has returned: its slot and blocks are free, and no step was spent on it since.
  EXPECT_EQ(engine.Stats().blocks_free, 64);
  EXPECT_EQ(engine.Stats().running, 0);
  EXPECT_EQ(engine.Stats().cancelled, 1);
  EXPECT_EQ(steps_after.load(), 0);
}

TEST(TokenEngineTest, ASinkThatRefusesCancelsItsCallAlone) {
  FakeModel model(64);
  TokenEngine engine(std::ref(model), Options());
  auto other = std::async(std::launch::async, [&] {
    return Collect(engine,
                   {.prompt = Prompt(30, 5), .sampling = {.temperature = 0, .max_tokens = 100}});
  });
  int seen = 0;
  const auto finish =
      engine.Generate({.prompt = Prompt(30, 6), .sampling = {.temperature = 0, .max_tokens = 400}},
                      [&](const SampledToken&) { return ++seen < 3; });
  EXPECT_EQ(finish.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(seen, 3);
  EXPECT_EQ(other.get().ids, FakeModel::Continuation(Prompt(30, 5), 100));
  EXPECT_EQ(engine.Stats().blocks_free, 64);
}

TEST(TokenEngineTest, ADeadlineFreesTheCallWhoseCallerIsBusy) {
  FakeModel model(64);
  TokenEngine engine(std::ref(model), Options());
  const absl::Time deadline = absl::Now() + absl::Milliseconds(20);
  bool freed = false;
  const auto finish = engine.Generate({.prompt = Prompt(30, 8),
                                       .sampling = {.temperature = 0, .max_tokens = 480},
                                       .deadline = deadline},
                                      [&](const SampledToken&) {
                                        // The sink hangs; the engine alone sees the deadline.
                                        while (engine.Stats().running > 0) {
                                          std::this_thread::yield();
                                        }
                                        freed = engine.Stats().blocks_free == 64;
                                        return true;
                                      });
  EXPECT_TRUE(freed);
  EXPECT_TRUE(finish.ok() || finish.status().code() == absl::StatusCode::kDeadlineExceeded);
}

TEST(TokenEngineTest, ADeadlinePassesInTheQueueToo) {
  FakeModel model(64);
  TokenEngineOptions options = Options();
  options.scheduler.max_running = 1;
  std::promise<void> waiting;
  std::promise<void> expired;
  model.on_step = [&, first = true]() mutable {
    if (!std::exchange(first, false)) return;
    waiting.set_value();
    expired.get_future().wait();
  };
  TokenEngine engine(std::ref(model), options);
  auto running = std::async(std::launch::async, [&] {
    return Collect(engine,
                   {.prompt = Prompt(30, 1), .sampling = {.temperature = 0, .max_tokens = 5}});
  });
  waiting.get_future().wait();
  const absl::Time deadline = absl::Now() + absl::Milliseconds(5);
  auto queued = std::async(std::launch::async, [&] {
    return Collect(engine, {.prompt = Prompt(30, 2),
                            .sampling = {.temperature = 0, .max_tokens = 5},
                            .deadline = deadline});
  });
  // Both: the first is still counted so, its first step is not done.
  while (engine.Stats().waiting < 2 || absl::Now() < deadline) std::this_thread::yield();
  expired.set_value();
  EXPECT_EQ(queued.get().status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(running.get().status.ok());
  EXPECT_EQ(engine.Stats().cancelled, 1);
  EXPECT_EQ(engine.Stats().waiting, 0);
}

TEST(TokenEngineTest, InteractiveCallsOvertakeBatchCalls) {
  FakeModel model(64);
  TokenEngineOptions options = Options();
  options.scheduler.max_running = 1;
  std::promise<void> started;
  std::promise<void> proceed;
  std::vector<int> order;  // the lengths of the prompts that are computed
  const auto forward = [&](std::span<const SequenceStep> steps, std::span<float> logits) {
    const int length = steps.front().prompt_length;
    if (order.empty()) {
      started.set_value();
      proceed.get_future().wait();
    }
    if (order.empty() || order.back() != length) order.push_back(length);
    model(steps, logits);
  };
  TokenEngine engine(forward, options);
  const auto call = [&](int length, Priority priority) {
    return std::async(std::launch::async, [&engine, length, priority] {
      return Collect(engine, {.prompt = Prompt(length, 1),
                              .sampling = {.temperature = 0, .max_tokens = 20},
                              .priority = priority});
    });
  };
  std::vector<std::future<Result>> results;
  results.push_back(call(30, Priority::kBatch));
  started.get_future().wait();
  results.push_back(call(31, Priority::kBatch));
  while (engine.Stats().by_priority[1].waiting < 2) std::this_thread::yield();
  results.push_back(call(32, Priority::kInteractive));
  while (engine.Stats().by_priority[0].waiting < 1) std::this_thread::yield();
  proceed.set_value();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(results[static_cast<std::size_t>(i)].get().ids,
              FakeModel::Continuation(Prompt(30 + i, 1), 20));
  }
  EXPECT_THAT(order, testing::ElementsAre(30, 32, 30, 31));
  const EngineStats stats = engine.Stats();
  EXPECT_EQ(stats.by_priority[0].finished, 1);
  EXPECT_EQ(stats.by_priority[1].finished, 2);
  EXPECT_EQ(stats.by_priority[1].completion_tokens, 40);
  EXPECT_EQ(stats.by_priority[1].prompt_tokens, 61);
  EXPECT_EQ(stats.by_priority[1].preemptions, 1);
  EXPECT_EQ(stats.by_priority[0].preemptions, 0);
}

TEST(TokenEngineTest, DraftsChangeNoTokenAndSaveSteps) {
  for (const double temperature : {0.0, 1.5}) {
    std::vector<Result> results;
    std::int64_t steps = 0;
    for (const SpeculationOptions& speculation : {kNone, SpeculationOptions(), kReckless}) {
      FakeModel model(64);
      TokenEngineOptions options = Options();
      options.speculation = speculation;
      TokenEngine engine(std::ref(model), options);
      const Result result = Collect(engine, {.prompt = Prompt(40, 2),
                                             .sampling = {.temperature = temperature,
                                                          .top_p = 0.99,
                                                          .presence_penalty = 0.1,
                                                          .seed = 11,
                                                          .max_tokens = 300}});
      ASSERT_TRUE(result.status.ok()) << result.status;
      const EngineStats stats = engine.Stats();
      EXPECT_EQ(stats.completion_tokens, stats.sampled_steps + stats.accepted_tokens);
      EXPECT_EQ(result.finish.accepted_tokens, stats.accepted_tokens);
      if (results.empty()) {
        EXPECT_EQ(stats.drafted_tokens, 0);
        steps = stats.steps;
      } else {
        EXPECT_EQ(result.ids, results[0].ids) << temperature;
        EXPECT_GT(stats.accepted_tokens, 30);
        EXPECT_LT(stats.steps, steps);
      }
      results.push_back(result);
    }
  }
}

TEST(TokenEngineTest, APredictionHeadSavesStepsIfItIsRightAndCostsLittleIfItIsNot) {
  for (const bool right : {true, false}) {
    FakeModel model(24);
    TokenEngine engine(std::ref(model), Options(24),
                       [&](std::span<const SequenceStep> steps, std::span<const int> rows,
                           std::span<float> logits) { model.Predict(steps, rows, logits, right); });
    std::vector<std::future<Result>> results;
    for (int i = 0; i < 3; ++i) {
      results.push_back(std::async(std::launch::async, [&engine, i] {
        return Collect(engine, {.prompt = Prompt(60 + i, 1),
                                .sampling = {.temperature = 0, .max_tokens = 150}});
      }));
    }
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(results[static_cast<std::size_t>(i)].get().ids,
                FakeModel::Continuation(Prompt(60 + i, 1), 150));
    }
    const EngineStats stats = engine.Stats();
    if (right) {
      EXPECT_LT(stats.sampled_steps, 450 * 6 / 10);
    } else {
      EXPECT_GT(stats.drafted_tokens, 0);
      EXPECT_LT(stats.sampled_steps, 450);  // lookup is tried where the head is not believed
    }
  }
}

TEST(TokenEngineTest, ADraftEndsWithTheCallAndHeedsItsConstraint) {
  FakeModel model(64);
  TokenEngineOptions options = Options();
  options.speculation = kReckless;
  TokenEngine engine(std::ref(model), options);
  const std::vector<std::int32_t> all = FakeModel::Continuation(Prompt(40, 2), 120);
  for (int most = 1; most < 40; ++most) {
    const Result result = Collect(
        engine, {.prompt = Prompt(40, 2), .sampling = {.temperature = 0, .max_tokens = most}});
    EXPECT_EQ(result.ids, std::vector<std::int32_t>(all.begin(), all.begin() + most));
  }
  for (std::size_t stop = 0; stop < 120; stop += 7) {
    const Result result = Collect(engine, {.prompt = Prompt(40, 2),
                                           .sampling = {.temperature = 0, .max_tokens = 120},
                                           .stop_ids = {all[stop]}});
    const auto first = std::find(all.begin(), all.end(), all[stop]);
    EXPECT_EQ(result.ids, std::vector<std::int32_t>(all.begin(), first + 1));
  }
  for (std::size_t from = 0; from < 60; ++from) {
    std::vector<std::vector<std::int32_t>> ids;
    for (const SpeculationOptions& speculation : {kNone, kReckless}) {
      FakeModel own(64);
      options.speculation = speculation;
      TokenEngine one(std::ref(own), options);
      Script script;
      script.from = from;
      script.forced = {96, 95, 94};
      ids.push_back(Collect(one, {.prompt = Prompt(40, 2),
                                  .sampling = {.temperature = 0, .max_tokens = 100},
                                  .constraint = &script})
                        .ids);
      EXPECT_EQ(script.accepted, ids.back());
    }
    EXPECT_EQ(ids[0], ids[1]);
  }
  EXPECT_EQ(engine.Stats().blocks_free, 64);
}

// A Markov chain of five tokens: all that follows a token is drawn from its row, drafts or not.
TEST(TokenEngineTest, SampledTokensWithDraftsFollowTheModelsDistribution) {
  constexpr int kTokens = 5;
  constexpr double kRows[kTokens][kTokens] = {{0.70, 0.10, 0.10, 0.05, 0.05},
                                              {0.05, 0.05, 0.80, 0.05, 0.05},
                                              {0.10, 0.20, 0.10, 0.50, 0.10},
                                              {0.25, 0.05, 0.05, 0.05, 0.60},
                                              {0.40, 0.30, 0.20, 0.05, 0.05}};
  const auto model = [&](std::span<const SequenceStep> steps, std::span<float> logits) {
    std::size_t at = 0;
    for (const SequenceStep& step : steps) {
      for (const std::int32_t token : step.tokens.last(static_cast<std::size_t>(step.logits))) {
        for (const double p : kRows[token]) logits[at++] = static_cast<float>(std::log(p));
      }
    }
  };
  TokenEngine engine(model, {.vocabulary = kTokens, .max_context = 1024, .scheduler = {}});
  double counts[kTokens][kTokens] = {};
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Result result = Collect(
        engine, {.prompt = {0},
                 .sampling = {.temperature = 1, .top_p = 1, .seed = seed, .max_tokens = 1000}});
    std::int32_t last = 0;
    for (const std::int32_t token : result.ids) {
      ++counts[last][token];
      last = token;
    }
  }
  double chi_square = 0;
  for (int from = 0; from < kTokens; ++from) {
    double total = 0;
    for (const double count : counts[from]) total += count;
    for (int to = 0; to < kTokens; ++to) {
      const double expected = total * kRows[from][to];
      chi_square += (counts[from][to] - expected) * (counts[from][to] - expected) / expected;
    }
  }
  // 20 degrees of freedom: 45.3 is exceeded once in a thousand times.
  EXPECT_LT(chi_square, 45.3);
  const EngineStats stats = engine.Stats();
  EXPECT_GT(stats.accepted_tokens, 2000);
  EXPECT_GT(stats.drafted_tokens - stats.accepted_tokens, 2000);
}

TEST(TokenEngineTest, DeadlinesEndCalls) {
  FakeModel model(64);
  TokenEngine engine(std::ref(model), Options());
  EXPECT_EQ(Collect(engine, {.prompt = Prompt(30, 7), .deadline = absl::Now() - absl::Seconds(1)})
                .status.code(),
            absl::StatusCode::kDeadlineExceeded);
  // The deadline passes while the sink holds the call up.
  const absl::Time deadline = absl::Now() + absl::Milliseconds(20);
  const auto finish = engine.Generate(
      {.prompt = Prompt(30, 8), .sampling = {.max_tokens = 480}, .deadline = deadline},
      [&](const SampledToken&) {
        while (absl::Now() < deadline) std::this_thread::yield();
        return true;
      });
  // Either the engine was through by then or the call was cut.
  if (!finish.ok()) {
    EXPECT_EQ(finish.status().code(), absl::StatusCode::kDeadlineExceeded);
  }
  EXPECT_EQ(engine.Stats().blocks_free, 64);
}

TEST(TokenEngineTest, ALostDeviceEndsAllCallsAndTheEngine) {
  FakeModel model(64);
  std::atomic<int> steps = 0;
  model.on_step = [&] { ++steps; };
  TokenEngineOptions options = Options(64);
  options.health = [&] {
    return steps < 3 ? absl::OkStatus() : absl::InternalError("the device fell off the bus");
  };
  TokenEngine engine(std::ref(model), options);
  const TokenRequest request = {.prompt = {1, 2, 3},
                                .sampling = {.temperature = 0, .max_tokens = 500}};
  auto other = std::async(std::launch::async, [&] {
    return engine.Generate(request, [](const SampledToken&) { return true; }).status();
  });
  for (int i = 0; i < 2; ++i) {
    const auto finish = engine.Generate(request, [](const SampledToken&) { return true; });
    EXPECT_EQ(finish.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(finish.status().message(), HasSubstr("the device fell off the bus"));
  }
  EXPECT_EQ(other.get().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(steps, 3);
  EXPECT_EQ(engine.Stats().blocks_free, 64);
}

TEST(TokenEngineTest, WhatCannotBeDoneIsRefusedWithItsLimits) {
  FakeModel model(8);
  TokenEngineOptions options = Options(8);
  options.max_waiting = 0;
  TokenEngine engine(std::ref(model), options);
  const auto error = [&](const TokenRequest& request) { return Collect(engine, request).status; };
  EXPECT_THAT(error({}).message(), HasSubstr("prompt of 0 tokens is not in [1, 511]"));
  EXPECT_THAT(error({.prompt = Prompt(512, 0)}).message(), HasSubstr("not in [1, 511]"));
  EXPECT_THAT(error({.prompt = {97}}).message(), HasSubstr("token 97 is not in [0, 96]"));
  EXPECT_THAT(error({.prompt = {-1}}).message(), HasSubstr("token -1"));
  EXPECT_EQ(error({.prompt = Prompt(200, 0)}).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(error({.prompt = {1}, .sampling = {.top_p = 2}}).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(error({.prompt = {1}, .sampling = {.max_tokens = 3}}).message(),
              HasSubstr("queue of 0 calls is full"));
}

TEST(TokenEngineTest, AConstraintForcesTokensWithoutAStepOfTheirOwn) {
  FakeModel model(64);
  int steps = 0;
  model.on_step = [&] { ++steps; };
  TokenEngine engine(std::ref(model), Options());
  Script script;
  script.from = 3;
  script.forced = {11, 12, 13, 14, 15};
  std::vector<std::int32_t> expected = FakeModel::Continuation(Prompt(20, 1), 3);
  expected.insert(expected.end(), script.forced.begin(), script.forced.end());
  std::vector<std::int32_t> all = Prompt(20, 1);
  all.insert(all.end(), expected.begin(), expected.end());
  const std::vector<std::int32_t> after = FakeModel::Continuation(all, 4);
  expected.insert(expected.end(), after.begin(), after.end());
  const Result result = Collect(engine, {.prompt = Prompt(20, 1),
                                         .sampling = {.temperature = 0, .max_tokens = 12},
                                         .constraint = &script});
  EXPECT_EQ(result.ids, expected);
  EXPECT_EQ(script.accepted, expected);
  EXPECT_EQ(steps, 3 + 4);
}

TEST(TokenEngineTest, AConstraintForbidsTokensAndEndsCalls) {
  FakeModel model(64);
  TokenEngine engine(std::ref(model), Options());
  const std::vector<std::int32_t> first = FakeModel::Continuation(Prompt(20, 1), 1);
  Script forbids;
  forbids.last = {AllowedTokens::Kind::kAllBut, first};
  Result result = Collect(engine, {.prompt = Prompt(20, 1),
                                   .sampling = {.temperature = 0, .max_tokens = 1},
                                   .constraint = &forbids});
  ASSERT_EQ(result.ids.size(), 1u);
  EXPECT_NE(result.ids[0], first[0]);
  Script ends;
  ends.from = 2;
  ends.last = {AllowedTokens::Kind::kOnly, {}};
  result = Collect(engine, {.prompt = Prompt(20, 1),
                            .sampling = {.temperature = 0, .max_tokens = 9},
                            .constraint = &ends});
  EXPECT_EQ(result.ids, FakeModel::Continuation(Prompt(20, 1), 2));
  EXPECT_EQ(result.finish.reason, FinishReason::kStop);
  EXPECT_EQ(engine.Stats().blocks_free, 64);
}

TEST(TokenEngineTest, AnswerNowFromAnotherThreadEndsTheThoughtAtTheNextStep) {
  FakeModel model(64);
  std::stop_source answer_now;
  int steps = 0;
  model.on_step = [&] {
    if (++steps == 5) answer_now.request_stop();  // while the fifth token is being computed
  };
  TokenEngine engine(std::ref(model), Options());
  ThinkingBudget budget(
      {.end = 91, .close = {91, 6}, .open = true, .answer_now = answer_now.get_token()});
  const Result result = Collect(engine, {.prompt = Prompt(20, 1),
                                         .sampling = {.temperature = 0, .max_tokens = 9},
                                         .constraint = &budget});
  ASSERT_EQ(result.ids.size(), 9u);
  EXPECT_EQ(std::vector(result.ids.begin() + 4, result.ids.begin() + 6),
            std::vector<std::int32_t>({91, 6}));
}

TEST(TokenEngineTest, CallsThatAreCancelledAtRandomLeaveNothingBehind) {
  FakeModel model(32);
  TokenEngine engine(std::ref(model), Options(32, 24));
  std::vector<std::jthread> callers;
  std::atomic<int> wrong = 0;
  for (int c = 0; c < 6; ++c) {
    callers.emplace_back([&, c] {
      for (int round = 0; round < 15; ++round) {
        const std::vector<std::int32_t> prompt = Prompt(5 + 11 * c + round, round % 3);
        const std::vector<std::int32_t> expected = FakeModel::Continuation(prompt, 40);
        std::vector<std::int32_t> ids;
        const std::size_t limit = round % 2 == 0 ? 40 : static_cast<std::size_t>(3 * c + round);
        const auto finish =
            engine.Generate({.prompt = prompt, .sampling = {.temperature = 0, .max_tokens = 40}},
                            [&](const SampledToken& token) {
                              ids.push_back(token.id);
                              return ids.size() < limit + 1;
                            });
        if (!std::equal(ids.begin(), ids.end(), expected.begin())) ++wrong;
        if (finish.ok() && ids.size() != 40) ++wrong;
      }
    });
  }
  callers.clear();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(engine.Stats().blocks_free, 32);
  EXPECT_EQ(engine.Stats().running, 0);
}

}  // namespace
}  // namespace citeseek::inference
