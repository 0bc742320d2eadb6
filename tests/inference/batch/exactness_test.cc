// Whatever the engine does to be fast changes no greedy token: calls side by side, prompts in
// chunks, shared prefixes, preemption and drafts, each alone and all together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "inference/batch/token_engine.h"
#include "tests/inference/model/golden.h"
#include "tests/inference/test_backend.h"
#include "tests/support/random_decoder.h"

namespace citeseek::inference {
namespace {

struct Question {
  std::vector<std::int32_t> prompt;
  std::vector<std::int32_t> answer;
};

struct Setting {
  std::string name;
  int step_tokens = 0;
  int max_running = 0;
  int blocks = 0;
  bool drafts = false;
  bool twice = false;  // the questions again, so that their beginnings are in the cache
};

constexpr int kMostBlocks = 128;
constexpr int kMaxContext = 240;
constexpr int kFewBlocks = kMaxContext / kKvBlock;  // hardly more than one call needs

std::vector<Setting> Settings() {
  std::vector<Setting> out;
  for (const int tokens : {13, 256}) {
    for (const bool drafts : {false, true}) {
      const std::string name = std::to_string(tokens) + (drafts ? " tokens, drafts" : " tokens");
      out.push_back({"alone, " + name, tokens, 1, kMostBlocks, drafts, false});
      out.push_back({"together, " + name, tokens, 8, kMostBlocks, drafts, false});
      out.push_back({"shared, " + name, tokens, 8, kMostBlocks, drafts, true});
      out.push_back({"preempted, " + name, tokens, 8, kFewBlocks, drafts, true});
    }
  }
  return out;
}

EngineStats Ask(Decoder& decoder, const std::vector<Question>& questions, const Setting& setting) {
  SCOPED_TRACE(setting.name);
  TokenEngineOptions options = OptionsFor(decoder, {.step_tokens = setting.step_tokens,
                                                    .max_running = setting.max_running,
                                                    .blocks = setting.blocks});
  options.speculation = {.most_tokens = setting.drafts ? 8 : 0, .row_cost = 0};
  TokenEngine engine([&](std::span<const SequenceStep> steps,
                         std::span<float> logits) { decoder.Forward(steps, logits); },
                     options);
  std::vector<std::future<std::vector<std::int32_t>>> answers;
  for (int round = 0; round < (setting.twice ? 2 : 1); ++round) {
    for (const Question& question : questions) {
      answers.push_back(std::async(std::launch::async, [&] {
        std::vector<std::int32_t> ids;
        const auto finish =
            engine.Generate({.prompt = question.prompt,
                             .sampling = {.temperature = 0,
                                          .max_tokens = static_cast<int>(question.answer.size())}},
                            [&](const SampledToken& token) {
                              ids.push_back(token.id);
                              return true;
                            });
        EXPECT_TRUE(finish.ok()) << finish.status();
        return ids;
      }));
    }
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].get(), questions[i % questions.size()].answer) << "question " << i;
  }
  EXPECT_EQ(engine.Stats().blocks_free, setting.blocks);
  return engine.Stats();
}

struct Seen {
  std::int64_t cached = 0;
  std::int64_t preemptions = 0;
  std::int64_t accepted = 0;
  std::int64_t rejected = 0;
};

void AskInAllSettings(Decoder& decoder, const std::vector<Question>& questions, Seen& seen) {
  for (const Setting& setting : Settings()) {
    const EngineStats stats = Ask(decoder, questions, setting);
    seen.cached += stats.cached_tokens;
    seen.preemptions += stats.preemptions;
    seen.accepted += stats.accepted_tokens;
    seen.rejected += stats.drafted_tokens - stats.accepted_tokens;
  }
}

void ExpectAllWasSeen(const Seen& seen) {
  EXPECT_GT(seen.cached, 0);
  EXPECT_GT(seen.preemptions, 0);
  EXPECT_GT(seen.accepted, 0);
  EXPECT_GT(seen.rejected, 0);
}

std::unique_ptr<Decoder> MakeDecoder(const ModelConfig& config, const Weights& weights,
                                     Backend& backend, Storage storage = Storage::kAsStored) {
  auto decoder = Decoder::Load(config, weights, backend,
                               {.storage = storage,
                                .max_tokens = 256,
                                .max_context = kMaxContext,
                                .kv_blocks = kMostBlocks});
  EXPECT_TRUE(decoder.ok()) << decoder.status();
  return decoder.ok() ? *std::move(decoder) : nullptr;
}

// One token at a time, all of the past computed again for each: no cache to go wrong.
std::vector<std::int32_t> Plainly(Decoder& decoder, std::vector<std::int32_t> ids, int count) {
  const int prompt = static_cast<int>(ids.size());
  std::vector<std::int32_t> blocks(kMaxContext / kKvBlock);
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = static_cast<std::int32_t>(i);
  std::vector<float> logits(static_cast<std::size_t>(decoder.config().vocabulary_size));
  for (int i = 0; i < count; ++i) {
    const SequenceStep step = {.tokens = ids, .prompt_length = prompt, .blocks = blocks};
    decoder.Forward({&step, 1}, logits);
    const auto best = std::max_element(logits.begin(), logits.end());
    ids.push_back(static_cast<std::int32_t>(best - logits.begin()));
  }
  return {ids.begin() + prompt, ids.end()};
}

TEST(ExactnessTest, GoldenTokensComeOutHoweverTheyAreComputed) {
  const std::vector<Golden> goldens = Goldens("decoder");
  if (goldens.empty()) GTEST_SKIP() << "no golden decoders: set CITESEEK_SHARED";
  Seen seen;
  for (const Golden& golden : goldens) {
    SCOPED_TRACE(golden.folder);
    const auto config = ReadModelConfig(golden.folder.string());
    const auto weights = Weights::OpenFolder(golden.folder.string());
    ASSERT_TRUE(config.ok() && weights.ok());
    const auto made = MakeTestBackend(1);
    if (!made.ok()) GTEST_SKIP() << made.status();
    Backend* const backend = made->get();
    const auto decoder = MakeDecoder(*config, *weights, *backend);
    ASSERT_NE(decoder, nullptr);
    std::vector<Question> questions;
    for (const Json& one : List(At(golden.expected, "cases"))) {
      questions.push_back({Ids(At(one, "input_ids")), Ids(At(At(one, "greedy"), "tokens"))});
    }
    AskInAllSettings(*decoder, questions, seen);
  }
  ExpectAllWasSeen(seen);
}

TEST(ExactnessTest, ModelsOfOurOwnSayTheSameHoweverTheyAreComputed) {
  ModelConfig dynamic = TinyQwen2Config();  // its rotation depends on the prompt's length
  dynamic.rope.kind = RopeConfig::Kind::kDynamic;
  dynamic.rope.original_positions = 48;
  dynamic.rope.factor = 2;
  const std::vector<std::pair<ModelConfig, Storage>> models = {
      {dynamic, Storage::kAsStored},     {TinyQwen2Config(), Storage::kAsStored},
      {TinyQwen2Config(), Storage::kQ8}, {TinyQwen2Config(), Storage::kQ5},
      {TinyQwen2Config(), Storage::kQ4}, {TinyDeepSeekConfig(), Storage::kAsStored}};
  for (const auto& [config, storage] : models) {
    SCOPED_TRACE(config.architecture + ", storage " + std::to_string(static_cast<int>(storage)));
    Seen seen;
    const Weights weights = RandomDecoder(config, 5);
    const auto made = MakeTestBackend(1);
    if (!made.ok()) GTEST_SKIP() << made.status();
    Backend* const backend = made->get();
    const auto decoder = MakeDecoder(config, weights, *backend, storage);
    ASSERT_NE(decoder, nullptr);
    std::vector<Question> questions;
    for (const int length : {1, 16, 50, 51, 120}) {
      Question question;
      for (int i = 0; i < length; ++i) {
        question.prompt.push_back((i < 40 ? i * i + 3 * i : i * 7 + length) % 61);
      }
      question.answer = Plainly(*decoder, question.prompt, 40);
      questions.push_back(std::move(question));
    }
    AskInAllSettings(*decoder, questions, seen);
    ExpectAllWasSeen(seen);
  }
}

}  // namespace
}  // namespace citeseek::inference
