#include "inference/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace citeseek::inference {
namespace {

TEST(Utf8, AcceptsAsciiChineseAndEmoji) {
  EXPECT_TRUE(IsValidUtf8(""));
  EXPECT_TRUE(IsValidUtf8("plain ascii that is longer than eight bytes"));
  EXPECT_TRUE(IsValidUtf8("检索增强生成 and text"));
  EXPECT_TRUE(IsValidUtf8("\xF0\x9F\x98\x80 \xF4\x8F\xBF\xBF"));
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndWhatLiesBeyondUnicode) {
  for (const char* bad :
       {"\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\x80", "\xFF"}) {
    EXPECT_EQ(ValidUtf8Prefix(std::string("ok") + bad), 2u) << std::string(bad);
  }
}

TEST(Utf8, StopsBeforeACodePointCutOffByTheEnd) {
  const std::string text = "中文";
  for (std::size_t cut = 4; cut < 6; ++cut) {
    EXPECT_EQ(ValidUtf8Prefix(std::string_view(text).substr(0, cut)), 3u);
  }
}

TEST(Utf8, CodePointsReadAndAppendedAreTheSame) {
  for (const char32_t c :
       {0x0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF}) {
    std::string bytes;
    AppendUtf8(c, bytes);
    std::size_t at = 0;
    EXPECT_EQ(NextCodePoint(bytes, at), c);
    EXPECT_EQ(at, bytes.size());
    EXPECT_TRUE(IsValidUtf8(bytes));
  }
}

TEST(Utf8, BytesThatAreNoCodePointAreReplacedOneByOne) {
  for (const char* bytes : {"\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                            "\xE4\xB8", "\xF0\x9F\x99"}) {
    std::size_t at = 0;
    EXPECT_EQ(NextCodePoint(bytes, at), 0xFFFDu);
    EXPECT_EQ(at, 1u);
  }
}

}  // namespace
}  // namespace citeseek::inference
