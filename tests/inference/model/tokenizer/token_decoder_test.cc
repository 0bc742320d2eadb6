#include "inference/model/tokenizer/token_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace citeseek::inference {
namespace {

TEST(TokenDecoderTest, EveryMaximalIllFormedPartIsReplacedOnce) {
  EXPECT_EQ(ReplaceInvalidUtf8("a\xe2\x82(b"), "a\uFFFD(b");
  EXPECT_EQ(ReplaceInvalidUtf8("\xf0\x9f\x98"), "\uFFFD");
  EXPECT_EQ(ReplaceInvalidUtf8("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(ReplaceInvalidUtf8("\xc0\x80"), "\uFFFD\uFFFD");
}

TEST(TokenDecoderTest, AStreamHoldsBackWhatMayBecomeACharacter) {
  // The bytes of U+4E16 one by one, in GPT-2's alphabet.
  const TokenDecoder decoder({.kind = DecoderSpec::Kind::kByteLevel},
                             {"\u00e4", "\u00b8", "\u0138", "a"}, {false, false, false, false});
  StreamDecoder stream(decoder, false);
  EXPECT_EQ(stream.Push(0), "");
  EXPECT_EQ(stream.Push(1), "");
  EXPECT_EQ(stream.Push(2), "\u4e16");
  EXPECT_EQ(stream.Push(0), "");
  EXPECT_EQ(stream.Push(3), "\uFFFDa");
  EXPECT_EQ(stream.Push(0), "");
  EXPECT_EQ(stream.Finish(), "\uFFFD");
}

TEST(TokenDecoderTest, TheFirstBlankOfASentencePieceTextGoes) {
  DecoderSpec spec{.kind = DecoderSpec::Kind::kPieces, .byte_fallback = true, .strip_left = 1};
  spec.replacements.emplace_back("\u2581", " ");
  const TokenDecoder decoder(spec, {"\u2581a", "<0xC3>", "<0xA9>", "<s>"},
                             {false, false, false, true});
  EXPECT_EQ(decoder.Decode(std::vector<std::int32_t>{3, 0, 1, 2, 0}, true), "a\u00e9 a");
  EXPECT_EQ(decoder.Decode(std::vector<std::int32_t>{0, 1, 0}, true), "a\uFFFD a");
  StreamDecoder stream(decoder, true);
  EXPECT_EQ(stream.Push(3), "");
  EXPECT_EQ(stream.Push(0), "a");
  EXPECT_EQ(stream.Push(0), " a");
}

}  // namespace
}  // namespace citeseek::inference
