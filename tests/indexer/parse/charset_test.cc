#include "indexer/parse/charset.h"

#include <gtest/gtest.h>

#include "inference/utf8.h"

namespace citeseek::indexer::parse {
namespace {

std::string Page(std::string_view meta, std::string_view body) {
  return "<html><head>" + std::string(meta) + "</head><body>" + std::string(body);
}

// What follows <body>.
std::string BodyOf(const std::string& page) {
  const absl::StatusOr<std::string> text = ToUtf8(page);
  if (!text.ok()) return std::string(text.status().message());
  return text->substr(text->find("<body>") + 6);
}

TEST(Charset, WithoutADeclarationAPageIsUtf8) {
  EXPECT_EQ(ToUtf8("云岭 é").value(), "云岭 é");
  EXPECT_EQ(ToUtf8("\xEF\xBB\xBF云").value(), "云");
  EXPECT_EQ(ToUtf8("").value(), "");
  EXPECT_EQ(ToUtf8("ab\xFF").status().message(), "not UTF-8 at byte 2");
}

TEST(Charset, DeclaredEncodingsAreConverted) {
  EXPECT_EQ(BodyOf(Page("<meta charset=gb18030>", "\xD4\xC6\xC1\xEB")), "云岭");
  EXPECT_EQ(BodyOf(Page("<META CHARSET='GB2312'>", "\xB2\xE8")), "茶");
  EXPECT_EQ(BodyOf(Page("<meta charset=\"big5\">", "\xAF\xF9")), "茶");
  EXPECT_EQ(BodyOf(Page("<meta charset=shift_jis>", "\x92\x83")), "茶");
  EXPECT_EQ(BodyOf(Page("<meta charset=\"iso-8859-1\">", "caf\xE9 \x93x\x94")), "café “x”");
  EXPECT_EQ(BodyOf(Page("<meta http-equiv=\"Content-Type\" content=\"text/html; charset=gbk\">",
                        "\xB2\xE8")),
            "茶");
}

TEST(Charset, AByteOrderMarkWinsOverTheDeclaration) {
  EXPECT_EQ(ToUtf8(std::string_view("\xFF\xFE\x91\x4E", 4)).value(), "云");
  EXPECT_EQ(ToUtf8(std::string_view("\xFE\xFF\x4E\x91", 4)).value(), "云");
  EXPECT_EQ(ToUtf8("\xEF\xBB\xBF<meta charset=big5>茶").value(), "<meta charset=big5>茶");
}

TEST(Charset, BytesThatTheEncodingLacksAreReplaced) {
  EXPECT_EQ(BodyOf(Page("<meta charset=gb18030>", "a\xFFz")), "a\uFFFDz");
  EXPECT_EQ(BodyOf(Page("<meta charset=gb18030>", "\xB2\xE8\xB2")), "茶\uFFFD");
}

TEST(Charset, UnknownNamesAreReadAsUtf8) {
  EXPECT_EQ(BodyOf(Page("<meta charset=utf8mb4>", "茶")), "茶");
  EXPECT_EQ(BodyOf(Page("<meta charset=../../../etc/passwd>", "茶")), "茶");
  EXPECT_EQ(BodyOf(Page("<meta charset=x-none>", "\xFF")), "not UTF-8 at byte 46");
  EXPECT_EQ(BodyOf(Page("<meta charset=", "")), "");
  EXPECT_EQ(BodyOf(Page("<meta charset", "茶")), "茶");
}

TEST(Charset, LongPagesAreConvertedWhole) {
  std::string body, expected;
  for (int i = 0; i < 100000; ++i) {
    body += "\xB2\xE8";
    expected += "茶";
  }
  EXPECT_EQ(BodyOf(Page("<meta charset=gbk>", body)), expected);
}

}  // namespace
}  // namespace citeseek::indexer::parse
