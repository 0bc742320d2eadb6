#include "indexer/store/merge.h"

#include <gtest/gtest.h>

#include <vector>

namespace citeseek::indexer {
namespace {

constexpr std::uint64_t kMega = 1 << 20;

std::vector<MergeCandidate> OfSizes(const std::vector<std::uint64_t>& sizes) {
  std::vector<MergeCandidate> candidates;
  for (const std::uint64_t size : sizes) candidates.push_back({.bytes = size, .documents = 10});
  return candidates;
}

TEST(PickMerge, WaitsForEnoughNeighboursOfOneSize) {
  EXPECT_FALSE(PickMerge({}, 4).has_value());
  EXPECT_FALSE(PickMerge(OfSizes({1, 1, 1}), 4).has_value());
  const auto run = PickMerge(OfSizes({1, 1, 1, 1}), 4);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->first, 0U);
  EXPECT_EQ(run->count, 4U);
}

TEST(PickMerge, LeavesALargeSegmentAloneWhenSmallOnesFollow) {
  EXPECT_FALSE(PickMerge(OfSizes({900 * kMega, 1, 1, 1}), 4).has_value());
  const auto run = PickMerge(OfSizes({900 * kMega, 1, 1, 1, 1}), 4);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->first, 1U);
  EXPECT_EQ(run->count, 4U);
}

TEST(PickMerge, TakesSmallerOnesAlong) {
  const auto run = PickMerge(OfSizes({kMega, 1, kMega, kMega, 1, kMega}), 4);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->first, 0U);
  EXPECT_EQ(run->count, 6U);
}

TEST(PickMerge, RewritesWhatIsMostlyDeleted) {
  std::vector<MergeCandidate> candidates = OfSizes({900 * kMega, 1});
  candidates[0].deleted = 5;
  EXPECT_FALSE(PickMerge(candidates, 4).has_value());
  candidates[0].deleted = 6;
  const auto run = PickMerge(candidates, 4);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->first, 0U);
  EXPECT_EQ(run->count, 1U);
}

TEST(PickMerge, KeepsTheNumberOfSegmentsLogarithmic) {
  std::vector<MergeCandidate> segments;
  std::uint64_t rewritten = 0;
  constexpr std::uint64_t kCommits = 4000;
  for (std::uint64_t i = 0; i < kCommits; ++i) {
    segments.push_back({.bytes = 100 << 10, .documents = 1});
    while (const auto run = PickMerge(segments, 8)) {
      MergeCandidate merged;
      for (std::size_t s = run->first; s < run->first + run->count; ++s) {
        merged.bytes += segments[s].bytes;
        merged.documents += segments[s].documents;
      }
      rewritten += merged.documents;
      const auto first = segments.begin() + static_cast<std::ptrdiff_t>(run->first);
      segments.erase(first, first + static_cast<std::ptrdiff_t>(run->count));
      segments.insert(segments.begin() + static_cast<std::ptrdiff_t>(run->first), merged);
    }
    ASSERT_LE(segments.size(), 40U);
  }
  EXPECT_LE(rewritten, 6 * kCommits);
}

}  // namespace
}  // namespace citeseek::indexer
