#include "inference/model/tokenizer/unigram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace citeseek::inference {
namespace {

using ::testing::ElementsAre;

std::vector<std::int32_t> Encode(const UnigramSpec& spec, std::string_view word) {
  const auto model = Unigram::Make(spec, {});
  EXPECT_TRUE(model.ok()) << model.status();
  Unigram::Scratch scratch;
  const auto cache = std::make_unique<WordCache>();
  std::vector<std::int32_t> ids;
  model->Encode(word, scratch, *cache, ids);
  return ids;
}

TEST(UnigramTest, TheLikeliestSegmentationWins) {
  UnigramSpec spec;
  spec.vocabulary = {{"<unk>", 0}, {"a", -1}, {"b", -2}, {"ab", -2.5}, {"ba", -4}, {"abab", -6}};
  spec.unknown = 0;
  EXPECT_THAT(Encode(spec, "ab"), ElementsAre(3));
  EXPECT_THAT(Encode(spec, "abab"), ElementsAre(3, 3));  // -5 beats -6
  EXPECT_THAT(Encode(spec, "aba"), ElementsAre(3, 1));
}

TEST(UnigramTest, NeighbouringUnknownCharactersAreOneUnknown) {
  UnigramSpec spec;
  spec.vocabulary = {{"<unk>", 0}, {"a", -1}};
  spec.unknown = 0;
  EXPECT_THAT(Encode(spec, "\u4e16\u754ca\u00e9"), ElementsAre(0, 1, 0));
  spec.vocabulary.insert(spec.vocabulary.end(), {{"<0xC3>", -9}, {"<0xA9>", -9}});
  spec.byte_fallback = true;
  EXPECT_THAT(Encode(spec, "a\u00e9a\u4e16"), ElementsAre(1, 2, 3, 1, 0));
}

TEST(UnigramTest, AMissingUnknownTokenIsAnError) {
  UnigramSpec spec;
  spec.vocabulary = {{"a", -1}};
  EXPECT_EQ(Unigram::Make(spec, {}).status().message(), "unk_id -1 is not in [0, 1)");
}

}  // namespace
}  // namespace citeseek::inference
