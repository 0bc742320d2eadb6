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

TEST(SchedulerTest, InteractiveSequencesGoFirstAndPushOutBatchOnes) {
  Scheduler scheduler({.step_tokens = 100, .max_running = 2, .blocks = 8});
  Sequence batch[] = {Prompt(10), Prompt(10, 100), Prompt(10, 200)};
  for (Sequence& sequence : batch) {
    sequence.priority = Priority::kBatch;
    scheduler.Add(sequence);
  }
  Sequence interactive = Prompt(10, 300);
  std::vector<Sequence*> who;
  Step(scheduler, &who);
  EXPECT_THAT(who, testing::ElementsAre(&batch[0], &batch[1]));
  scheduler.Add(interactive);
  // No slot is free: the youngest of the batch gives its own up.
  Step(scheduler, &who);
  EXPECT_THAT(who, testing::ElementsAre(&batch[0], &interactive));
  EXPECT_EQ(scheduler.preemptions(Priority::kBatch), 1);
  EXPECT_EQ(scheduler.waiting(Priority::kBatch), 2);
  EXPECT_EQ(scheduler.running(Priority::kInteractive), 1);
  scheduler.Remove(batch[0]);
  // The older of those that wait, though it came back later.
  Step(scheduler, &who);
  EXPECT_THAT(who, testing::ElementsAre(&interactive, &batch[1]));
}

TEST(SchedulerTest, AnInteractivePromptTakesTheBlocksOfBatchOnesButNotInVain) {
  Scheduler scheduler({.step_tokens = 200, .max_running = 4, .blocks = 8});
  Sequence old = Prompt(50);
  Sequence batch = Prompt(50, 100);
  batch.priority = Priority::kBatch;
  scheduler.Add(old);
  scheduler.Add(batch);
  std::vector<Sequence*> who;
  Step(scheduler, &who);
  EXPECT_EQ(scheduler.blocks().free(), 0);
  Sequence large = Prompt(70, 300);  // needs 5 blocks; the batch has 4
  scheduler.Add(large);
  Step(scheduler, &who);
  EXPECT_THAT(who, testing::ElementsAre(&old, &batch));
  EXPECT_EQ(scheduler.preemptions(), 0);
  scheduler.Remove(large);
  Sequence small = Prompt(60, 300);
  scheduler.Add(small);
  Step(scheduler, &who);
  EXPECT_THAT(who, testing::ElementsAre(&old, &small));
}

TEST(SchedulerTest, WhoMakesWayInTheMiddleOfAStepIsNotInIt) {
  Scheduler scheduler({.step_tokens = 20, .max_running = 4, .blocks = 6});
  Sequence batch = Prompt(15, 500);
  batch.priority = Priority::kBatch;
  scheduler.Add(batch);
  Step(scheduler);
  Sequence prompt = Prompt(75);
  scheduler.Add(prompt);
  // The prompt's chunks grow beside the decoding one until there is no block left for both.
  std::vector<Sequence*> who;
  int steps = 0;
  while (scheduler.preemptions() == 0) {
    Step(scheduler, &who);
    ASSERT_LT(++steps, 10);
  }
  EXPECT_THAT(who, testing::ElementsAre(&prompt));
  EXPECT_EQ(scheduler.waiting(Priority::kBatch), 1);
}

TEST(SchedulerTest, ADraftGetsWhatIsLeftAndPushesNobodyOut) {
  Scheduler scheduler({.step_tokens = 100, .max_running = 4, .blocks = 3});
  Sequence first = Prompt(28);
  Sequence second = Prompt(10, 500);
  scheduler.Add(first);
  scheduler.Add(second);
  Step(scheduler);
  // 29 tokens are sure; the draft would run into a third block.
  first.ids.insert(first.ids.end(), {1, 2, 3, 4, 5, 6, 7});
  first.drafted = 7;
  EXPECT_EQ(scheduler.Pending(), 2);
  std::vector<StepPart> parts = scheduler.Plan();
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].tokens, 4);
  EXPECT_EQ(parts[0].draft, 3);
  EXPECT_TRUE(parts[0].samples);
  // One of the three was right.
  DropDraft(first);
  first.ids.insert(first.ids.end(), {1, 60});
  parts[0].tokens = 2;
  scheduler.Commit(parts);
  EXPECT_EQ(first.computed, 30);
  EXPECT_EQ(first.Left(), 1);
  EXPECT_EQ(scheduler.blocks().cached(), 1);
  second.ids.push_back(1);
  // With a budget for what is sure alone.
  Scheduler narrow({.step_tokens = 10, .max_running = 4, .blocks = 8});
  Sequence third = Prompt(10);
  narrow.Add(third);
  Step(narrow);
  third.ids.insert(third.ids.end(), 12, 7);
  third.drafted = 12;
  EXPECT_EQ(narrow.Plan()[0].draft, 9);
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
