#include "inference/batch/kv_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace citeseek::inference {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::int32_t> Tokens(int count, int first = 0) {
  std::vector<std::int32_t> out(static_cast<std::size_t>(count));
  std::iota(out.begin(), out.end(), first);
  return out;
}

// Takes and publishes blocks for all full blocks of the tokens.
std::vector<std::int32_t> Fill(KvBlocks& blocks, const std::vector<std::int32_t>& tokens,
                               BlockContent root = 0) {
  std::vector<std::int32_t> out;
  BlockContent content = root;
  for (std::size_t i = 0; i + kKvBlock <= tokens.size(); i += kKvBlock) {
    out.push_back(blocks.Take().value());
    content = blocks.Publish(out.back(), content, std::span(tokens).subspan(i, kKvBlock));
  }
  return out;
}

TEST(KvBlocksTest, BlocksAreGivenUntilAllAreHeld) {
  KvBlocks blocks(2);
  const auto first = blocks.Take();
  const auto second = blocks.Take();
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_NE(*first, *second);
  EXPECT_EQ(blocks.Take(), std::nullopt);
  blocks.Release(std::vector<std::int32_t>{*first});
  EXPECT_EQ(blocks.Take(), first);
}

TEST(KvBlocksTest, ABeginningIsFoundAsFarAsItIsTheSame) {
  KvBlocks blocks(8);
  const std::vector<std::int32_t> tokens = Tokens(3 * kKvBlock);
  const std::vector<std::int32_t> held = Fill(blocks, tokens);
  EXPECT_EQ(blocks.Match(tokens).blocks, held);
  std::vector<std::int32_t> other = tokens;
  other[2 * kKvBlock - 1] = 99;
  EXPECT_THAT(blocks.Match(other).blocks, ElementsAre(held[0]));
  // Not a part from the middle, not less than a block, not under another root.
  EXPECT_THAT(blocks.Match(Tokens(kKvBlock, kKvBlock)).blocks, IsEmpty());
  EXPECT_THAT(blocks.Match(Tokens(kKvBlock - 1)).blocks, IsEmpty());
  EXPECT_THAT(blocks.Match(tokens, 7).blocks, IsEmpty());
}

TEST(KvBlocksTest, SharedBlocksAreKeptUntilTheLastHolderLetsGo) {
  KvBlocks blocks(2);
  const std::vector<std::int32_t> tokens = Tokens(2 * kKvBlock);
  const std::vector<std::int32_t> held = Fill(blocks, tokens);
  const CachedPrefix shared = blocks.Match(tokens);
  blocks.Release(held);
  EXPECT_EQ(blocks.free(), 0);
  EXPECT_EQ(blocks.Take(), std::nullopt);
  blocks.Release(shared.blocks);
  EXPECT_EQ(blocks.free(), 2);
}

TEST(KvBlocksTest, ReleasedContentLivesUntilItsBlockIsTakenEndsOfChainsFirst) {
  KvBlocks blocks(3);
  const std::vector<std::int32_t> tokens = Tokens(3 * kKvBlock);
  const std::vector<std::int32_t> held = Fill(blocks, tokens);
  blocks.Release(held);
  EXPECT_EQ(blocks.cached(), 3);
  EXPECT_EQ(blocks.Take(), held[2]);
  EXPECT_EQ(blocks.cached(), 2);
  EXPECT_EQ(blocks.Match(tokens).blocks.size(), 2u);
}

TEST(KvBlocksTest, TheLeastRecentlyUsedChainIsOverwrittenFirst) {
  KvBlocks blocks(3);
  const std::vector<std::int32_t> old = Tokens(kKvBlock);
  const std::vector<std::int32_t> recent = Tokens(kKvBlock, 100);
  blocks.Release(Fill(blocks, old));
  blocks.Release(Fill(blocks, recent));
  blocks.Release(blocks.Match(old).blocks);  // used again
  ASSERT_TRUE(blocks.Take().has_value());    // the one that was never used
  ASSERT_TRUE(blocks.Take().has_value());
  EXPECT_THAT(blocks.Match(recent).blocks, IsEmpty());
  EXPECT_EQ(blocks.Match(old).blocks.size(), 1u);
}

TEST(KvBlocksTest, TheSameContentTwiceIsOneContent) {
  KvBlocks blocks(4);
  const std::vector<std::int32_t> tokens = Tokens(2 * kKvBlock);
  const std::vector<std::int32_t> first = Fill(blocks, tokens);
  const std::vector<std::int32_t> second = Fill(blocks, tokens);  // computed beside it
  EXPECT_EQ(blocks.cached(), 2);
  EXPECT_EQ(blocks.Match(tokens).blocks, first);
  blocks.Release(second);
  EXPECT_EQ(blocks.Match(tokens).blocks, first);
}

}  // namespace
}  // namespace citeseek::inference
