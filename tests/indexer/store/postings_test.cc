#include "indexer/store/postings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace citeseek::indexer {
namespace {

constexpr std::uint32_t kPassages = 200'000;

struct Encoded {
  std::vector<Posting> postings;
  std::vector<std::uint32_t> lengths;
  std::string bytes;
  PostingList list;
};

Encoded Encode(std::size_t count, unsigned seed) {
  Encoded encoded;
  std::mt19937 engine(seed);
  const auto random = [&](std::uint32_t n) { return static_cast<std::uint32_t>(engine() % n); };
  encoded.lengths.resize(kPassages);
  for (std::uint32_t& length : encoded.lengths) length = 1 + random(500);
  std::vector<PassageId> passages(kPassages);
  for (PassageId p = 0; p < kPassages; ++p) passages[p] = p;
  if (count < kPassages) std::ranges::shuffle(passages, engine);
  passages.resize(count);
  std::ranges::sort(passages);
  for (const PassageId p : passages) {
    encoded.postings.push_back({p, random(7) == 0 ? 1 + random(kMaxFrequency) : 1});
  }
  encoded.list = EncodePostings(encoded.postings, encoded.lengths, encoded.bytes);
  encoded.list.bytes = AsBytes(encoded.bytes);
  return encoded;
}

class Postings : public ::testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, Postings,
                         ::testing::Values(1, 2, 127, 128, 129, 256, 1000, 20'000, kPassages));

TEST_P(Postings, ComeBackInBlocksWithTrueBounds) {
  const Encoded encoded = Encode(GetParam(), 1);
  const auto cursor = MakePostingCursor(encoded.list, kPassages);
  ASSERT_NE(cursor, nullptr);
  EXPECT_EQ(cursor->passage_count(), encoded.postings.size());
  std::size_t next = 0;
  std::uint32_t list_max = 0;
  std::uint32_t list_min = kPassages;
  for (cursor->SeekBlock(0); cursor->block_last() != kNoMorePassages;
       cursor->SeekBlock(cursor->block_last() + 1)) {
    const auto passages = cursor->passages();
    const auto frequencies = cursor->frequencies();
    ASSERT_EQ(passages.size(), std::min(std::size_t{128}, encoded.postings.size() - next));
    std::uint32_t max_frequency = 0;
    std::uint32_t min_length = kPassages;
    for (std::size_t i = 0; i < passages.size(); ++i, ++next) {
      ASSERT_EQ(passages[i], encoded.postings[next].passage);
      ASSERT_EQ(frequencies[i], encoded.postings[next].frequency);
      max_frequency = std::max(max_frequency, frequencies[i]);
      min_length = std::min(min_length, encoded.lengths[passages[i]]);
    }
    EXPECT_EQ(cursor->block_last(), passages.back());
    EXPECT_EQ(cursor->block_max_frequency(), max_frequency);
    EXPECT_EQ(cursor->block_min_length(), min_length);
    list_max = std::max(list_max, max_frequency);
    list_min = std::min(list_min, min_length);
  }
  EXPECT_EQ(next, encoded.postings.size());
  EXPECT_EQ(cursor->max_frequency(), list_max);
  EXPECT_EQ(cursor->min_length(), list_min);
}

TEST_P(Postings, SeekFindsTheBlockForwardsAndBackwards) {
  const Encoded encoded = Encode(GetParam(), 2);
  const auto cursor = MakePostingCursor(encoded.list, kPassages);
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    const auto target = static_cast<PassageId>(random() % (kPassages + 10));
    cursor->SeekBlock(target);
    const auto expected = std::ranges::lower_bound(encoded.postings, target, {}, &Posting::passage);
    if (expected == encoded.postings.end()) {
      ASSERT_EQ(cursor->block_last(), kNoMorePassages);
      ASSERT_TRUE(cursor->passages().empty());
      continue;
    }
    const auto block = static_cast<std::size_t>(expected - encoded.postings.begin()) / 128 * 128;
    const std::size_t last = std::min(block + 128, encoded.postings.size()) - 1;
    ASSERT_EQ(cursor->block_last(), encoded.postings[last].passage);
    if (i % 2 == 0) {
      ASSERT_EQ(cursor->passages().front(), encoded.postings[block].passage);
    }
    if (i % 3 == 0) {
      ASSERT_EQ(cursor->frequencies().back(), encoded.postings[last].frequency);
    }
  }
}

// Walks a list that may be damaged, holding it to what readers rely on.
void WalkDamaged(const PostingList& list) {
  const auto cursor = MakePostingCursor(list, kPassages);
  if (cursor == nullptr) return;
  cursor->SeekBlock(0);
  for (int blocks = 0; cursor->block_last() != kNoMorePassages; ++blocks) {
    ASSERT_LT(blocks, 10'000);
    const auto passages = cursor->passages();
    ASSERT_FALSE(passages.empty());
    ASSERT_EQ(cursor->frequencies().size(), passages.size());
    for (std::size_t i = 1; i < passages.size(); ++i) ASSERT_LT(passages[i - 1], passages[i]);
    ASSERT_EQ(passages.back(), cursor->block_last());
    ASSERT_LT(cursor->block_last(), kPassages);
    cursor->SeekBlock(cursor->block_last() + 1);
  }
}

TEST(DamagedPostings, StillAscendWithinTheSegment) {
  for (const std::size_t count : {2U, 100U, 129U, 700U}) {
    const Encoded encoded = Encode(count, 4);
    std::mt19937 random(5);
    for (int i = 0; i < 3000; ++i) {
      std::string bytes = encoded.bytes;
      for (int flips = 0; flips <= i % 3; ++flips) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
      }
      if (i % 5 == 0) bytes.resize(random() % bytes.size());
      PostingList list = encoded.list;
      list.bytes = AsBytes(bytes);
      WalkDamaged(list);
    }
  }
}

}  // namespace
}  // namespace citeseek::indexer
