#include "inference/batch/token_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "absl/time/clock.h"
#include "inference/batch/thinking_budget.h"
#include "tests/inference/model/golden.h"

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
      if (step.logits == 0) continue;
      std::vector<std::int32_t> all;
      for (int i = 0; i < position; ++i) all.push_back(slot(i));
      std::fill_n(logits.begin() + static_cast<std::ptrdiff_t>(row * kVocabulary), kVocabulary,
                  0.0f);
      logits[row * kVocabulary + static_cast<std::size_t>(Next(all))] = 10.0f;
      ++row;
    }
    if (on_step) on_step();
  }

  static std::int32_t Next(const std::vector<std::int32_t>& tokens) {
    std::uint64_t hash = 1469598103934665603ull;
    for (const std::int32_t token : tokens) {
      hash = (hash ^ static_cast<std::uint32_t>(token)) * 1099511628211ull;
    }
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
  TokenEngine engine(std::ref(model), Options(24, 16));
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

TEST(TokenEngineTest, GoldenTokensComeOutWithSharedPrefixesAndPreemption) {
  const std::vector<Golden> goldens = Goldens("decoder");
  if (goldens.empty()) GTEST_SKIP() << "no golden decoders: set CITESEEK_SHARED";
  for (const Golden& golden : goldens) {
    SCOPED_TRACE(golden.folder);
    const auto config = ReadModelConfig(golden.folder.string());
    const auto weights = Weights::OpenFolder(golden.folder.string());
    ASSERT_TRUE(config.ok() && weights.ok());
    const auto backend = MakeCpuBackend({.threads = 1});
    constexpr int kBlocks = 22;
    const auto decoder = Decoder::Load(
        *config, *weights, *backend, {.max_tokens = 48, .max_context = 256, .kv_blocks = kBlocks});
    ASSERT_TRUE(decoder.ok()) << decoder.status();
    TokenEngine engine(
        [&](std::span<const SequenceStep> steps, std::span<float> logits) {
          (*decoder)->Forward(steps, logits);
        },
        OptionsFor(**decoder, {.step_tokens = 48, .max_running = 8, .blocks = kBlocks}));
    const JsonArray& cases = List(At(golden.expected, "cases"));
    std::vector<std::future<Result>> results;
    for (int round = 0; round < 2; ++round) {
      for (const Json& one : cases) {
        results.push_back(std::async(std::launch::async, [&engine, &one] {
          return Collect(engine, {.prompt = Ids(At(one, "input_ids")),
                                  .sampling = {.temperature = 0, .max_tokens = 32}});
        }));
      }
    }
    for (std::size_t i = 0; i < results.size(); ++i) {
      const Result result = results[i].get();
      ASSERT_TRUE(result.status.ok()) << result.status;
      EXPECT_EQ(result.ids, Ids(At(At(cases[i % cases.size()], "greedy"), "tokens"))) << i;
    }
    EXPECT_EQ(engine.Stats().blocks_free, kBlocks);
    EXPECT_GT(engine.Stats().cached_tokens + engine.Stats().preemptions, 0);
  }
}

}  // namespace
}  // namespace citeseek::inference
