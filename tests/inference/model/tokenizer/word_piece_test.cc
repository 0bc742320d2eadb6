#include "inference/model/tokenizer/word_piece.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace citeseek::inference {
namespace {

using ::testing::ElementsAre;

TEST(WordPieceTest, TheLongestPiecesFromTheStartOnOrNothing) {
  WordPieceSpec spec;
  spec.vocabulary = {{"[UNK]", 0}, {"un", 1}, {"##aff", 2}, {"##able", 3}, {"unaff", 4}};
  const auto model = WordPiece::Make(spec, {});
  ASSERT_TRUE(model.ok()) << model.status();
  const auto cache = std::make_unique<WordCache>();
  const auto encode = [&](std::string_view word) {
    std::vector<std::int32_t> ids;
    model->Encode(word, *cache, ids);
    return ids;
  };
  EXPECT_THAT(encode("unaffable"), ElementsAre(4, 3));
  EXPECT_THAT(encode("unable"), ElementsAre(1, 3));
  EXPECT_THAT(encode("unx"), ElementsAre(0));
  EXPECT_THAT(encode(std::string(101, 'u')), ElementsAre(0));
}

TEST(WordPieceTest, AMissingUnknownTokenIsAnError) {
  EXPECT_EQ(WordPiece::Make({}, {}).status().message(), "unk_token [UNK] is not in the vocabulary");
}

}  // namespace
}  // namespace citeseek::inference
