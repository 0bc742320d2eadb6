#include "inference/batch/drafter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace citeseek::inference {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::int32_t> Propose(Drafter& drafter, std::vector<std::int32_t> ids, int most = 16,
                                  std::int32_t predicted = -1) {
  StepWorth worth;
  return drafter.Propose(ids, predicted, most, worth);
}

TEST(FindMatchTest, TheLongestWinsAndOfThoseTheLatest) {
  EXPECT_EQ(FindMatch({}).length, 0);
  EXPECT_EQ(FindMatch(std::vector<std::int32_t>{1}).length, 0);
  EXPECT_EQ(FindMatch(std::vector<std::int32_t>{1, 2, 3}).length, 0);
  const std::vector<std::int32_t> longest = {1, 2, 3, 50, 9, 2, 3, 60, 9, 3, 70, 1, 2, 3};
  EXPECT_EQ(FindMatch(longest).length, 3);
  EXPECT_EQ(FindMatch(longest).after, 3u);
  const std::vector<std::int32_t> latest = {2, 3, 50, 2, 3, 60, 2, 3};
  EXPECT_EQ(FindMatch(latest).length, 2);
  EXPECT_EQ(FindMatch(latest).after, 5u);
}

TEST(FindMatchTest, AWholeTextOfOneTokenIsFoundAtOnce) {
  const std::vector<std::int32_t> ids(100000, 7);
  const Match match = FindMatch(ids);
  EXPECT_EQ(match.length, kLongestMatch);
  EXPECT_EQ(match.after, ids.size() - 1);
}

TEST(DrafterTest, AQuoteIsContinuedAndARepetitionRepeated) {
  Drafter drafter;
  EXPECT_THAT(Propose(drafter, {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4}, 3), ElementsAre(5, 6, 7));
  EXPECT_THAT(Propose(drafter, {1, 2, 1, 2, 1, 2, 1, 2, 1}, 3), ElementsAre(2, 1, 2));
  EXPECT_THAT(Propose(drafter, {1, 2, 3}), IsEmpty());
  EXPECT_THAT(Propose(drafter, {1, 2, 1, 2}, 0), IsEmpty());
}

TEST(DrafterTest, DraftsGrowWithSuccessAndStopAfterFailure) {
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(i);
  for (int i = 40; i < 46; ++i) ids.push_back(i);
  Drafter drafter;
  const std::size_t first = Propose(drafter, ids).size();
  for (int i = 0; i < 10; ++i) drafter.Learn(4, 4);
  const std::size_t trusted = Propose(drafter, ids).size();
  EXPECT_GT(trusted, first);
  for (int i = 0; i < 12; ++i) drafter.Learn(4, 0);
  EXPECT_THAT(Propose(drafter, ids), IsEmpty());
  // Not for ever.
  int tries = 1;
  while (Propose(drafter, ids).empty()) ++tries;
  EXPECT_GT(tries, 3);
  EXPECT_LT(tries, 200);
}

TEST(DrafterTest, AFullStepLeavesNoRoomForGuesses) {
  Drafter drafter;
  StepWorth full = {.tokens = 512, .cost = 1 + 0.1 * 511, .row_cost = 0.1};
  EXPECT_THAT(drafter.Propose(std::vector<std::int32_t>{1, 2, 3, 4, 5, 1, 2, 3, 4}, -1, 16, full),
              IsEmpty());
}

TEST(DrafterTest, ThePredictionHeadIsHeardWhereTheTextSaysLess) {
  Drafter drafter;
  EXPECT_THAT(Propose(drafter, {1, 2, 3}, 16, 42), ElementsAre(42));
  EXPECT_THAT(Propose(drafter, {2, 5, 6, 3, 2}, 16, 42), ElementsAre(42));
  std::vector<std::int32_t> quote = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(Propose(drafter, quote, 16, 42).front(), 9);
  for (int i = 0; i < 20; ++i) {
    Propose(drafter, {1, 2, 3}, 16, 42);
    drafter.Learn(1, 0);
  }
  EXPECT_THAT(Propose(drafter, {1, 2, 3}, 16, 42), IsEmpty());
}

// On text without repetition hardly anything is drafted in vain.
TEST(DrafterTest, NoiseIsNotGuessedAt) {
  std::mt19937 random(5);
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 300; ++i) ids.push_back(static_cast<std::int32_t>(random() % 40));
  Drafter drafter;
  std::size_t drafted = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::size_t count = Propose(drafter, ids).size();
    drafted += count;
    if (count > 0) drafter.Learn(static_cast<int>(count), 0);
    ids.push_back(static_cast<std::int32_t>(random() % 40));
  }
  EXPECT_LT(drafted, 100u);
}

}  // namespace
}  // namespace citeseek::inference
