#include "inference/batch/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace citeseek::inference {
namespace {

Sequence Prompt(int tokens, int first = 0) {
  Sequence sequence;
  sequence.ids.resize(static_cast<std::size_t>(tokens));
  std::iota(sequence.ids.begin(), sequence.ids.end(), first);
  sequence.prompt_length = tokens;
  return sequence;
}

// Plans and commits a step and gives everybody that samples a token; the parts' token counts.
std::vector<int> Step(Scheduler& scheduler, std::vector<Sequence*>* who = nullptr) {
  const std::vector<StepPart> parts = scheduler.Plan();
  scheduler.Commit(parts);
  std::vector<int> tokens;
  if (who != nullptr) who->clear();
  for (const StepPart& part : parts) {
    if (part.samples) part.sequence->ids.push_back(1000);
    tokens.push_back(part.tokens);
    if (who != nullptr) who->push_back(part.sequence);
  }
  return tokens;
}

TEST(SchedulerTest, PromptsGoInChunksBesideDecoding) {
  Scheduler scheduler({.step_tokens = 20, .max_running = 4, .blocks = 64});
  Sequence first = Prompt(10);
  Sequence second = Prompt(35, 500);
  scheduler.Add(first);
  scheduler.Add(second);
  EXPECT_THAT(Step(scheduler), testing::ElementsAre(10, 10));
  EXPECT_THAT(Step(scheduler), testing::ElementsAre(1, 19));
  EXPECT_THAT(Step(scheduler), testing::ElementsAre(1, 6));
  EXPECT_THAT(Step(scheduler), testing::ElementsAre(1, 1));
}

TEST(SchedulerTest, AtMostMaxRunningRunAndRemovalLetsTheNextIn) {
  Scheduler scheduler({.step_tokens = 100, .max_running = 1, .blocks = 64});
  Sequence first = Prompt(5);
  Sequence second = Prompt(5, 50);
  scheduler.Add(first);
  scheduler.Add(second);
  EXPECT_THAT(Step(scheduler), testing::ElementsAre(5));
  EXPECT_EQ(scheduler.waiting(), 1);
  scheduler.Remove(first);
  EXPECT_EQ(scheduler.blocks().free(), 64);
  std::vector<Sequence*> who;
  Step(scheduler, &who);
  EXPECT_THAT(who, testing::ElementsAre(&second));
}

TEST(SchedulerTest, ASecondQuestionFindsTheBeginningOfTheFirst) {
  Scheduler scheduler({.step_tokens = 100, .max_running = 2, .blocks = 64});
  Sequence first = Prompt(40);
  scheduler.Add(first);
  Step(scheduler);
  Sequence second = Prompt(40);
  second.ids.back() = 77;
  scheduler.Add(second);
  EXPECT_THAT(Step(scheduler), testing::ElementsAre(1, 40 - 2 * kKvBlock));
  EXPECT_EQ(second.cached, 2 * kKvBlock);
  EXPECT_EQ(second.blocks[0], first.blocks[0]);
  EXPECT_NE(second.blocks[2], first.blocks[2]);
}

TEST(SchedulerTest, APromptThatIsWhollyCachedStillComputesOneToken) {
  Scheduler scheduler({.step_tokens = 100, .max_running = 2, .blocks = 64});
  Sequence first = Prompt(2 * kKvBlock);
  scheduler.Add(first);
  Step(scheduler);
  Sequence second = Prompt(2 * kKvBlock);
  scheduler.Add(second);
  EXPECT_THAT(Step(scheduler), testing::ElementsAre(1, kKvBlock));
}

TEST(SchedulerTest, TheYoungestMakesWayWhenBlocksRunOutAndComesBack) {
  Scheduler scheduler({.step_tokens = 100, .max_running = 4, .blocks = 4});
  Sequence first = Prompt(30);
  Sequence second = Prompt(30, 500);
  scheduler.Add(first);
  scheduler.Add(second);
  EXPECT_THAT(Step(scheduler), testing::ElementsAre(30, 30));
  for (int i = 0; i < 2; ++i) EXPECT_THAT(Step(scheduler), testing::ElementsAre(1, 1));
  // The 33rd tokens need a third block each; there is none.
  std::vector<Sequence*> who;
  EXPECT_THAT(Step(scheduler, &who), testing::ElementsAre(1));
  EXPECT_THAT(who, testing::ElementsAre(&first));
  EXPECT_EQ(scheduler.preemptions(), 1);
  EXPECT_EQ(second.computed, 0);
  EXPECT_TRUE(second.blocks.empty());
  EXPECT_EQ(second.ids.size(), 33u);  // what it generated is kept
  scheduler.Remove(first);
  // Its first block is still in the cache.
  EXPECT_THAT(Step(scheduler, &who), testing::ElementsAre(33 - kKvBlock));
  EXPECT_THAT(who, testing::ElementsAre(&second));
  EXPECT_EQ(second.computed, 33);
}

TEST(SchedulerTest, ALoneSequenceMayUseAllBlocks) {
  Scheduler scheduler({.step_tokens = 24, .max_running = 4, .blocks = 4});
  Sequence lone = Prompt(60);
  scheduler.Add(lone);
  for (const int tokens : {24, 24, 12, 1, 1, 1, 1}) {
    EXPECT_THAT(Step(scheduler), testing::ElementsAre(tokens));
  }
  EXPECT_EQ(scheduler.blocks().free(), 0);
  EXPECT_EQ(scheduler.preemptions(), 0);
}

}  // namespace
}  // namespace citeseek::inference
