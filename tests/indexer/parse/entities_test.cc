#include "indexer/parse/entities.h"

#include <gtest/gtest.h>

namespace citeseek::indexer::parse {
namespace {

std::string Decoded(std::string_view text) {
  std::string out;
  AppendDecoded(text, out);
  return out;
}

TEST(Entities, NamesAndNumbersAreDecoded) {
  EXPECT_EQ(Decoded("a &amp; b &lt;i&gt; &eacute;&Eacute; &mdash; &hellip;"), "a & b <i> éÉ — …");
  EXPECT_EQ(Decoded("&#233;&#xe9;&#XE9; &#20113;&#x1F375;"), "ééé 云🍵");
  EXPECT_EQ(Decoded("&#233 &#x4E91"), "é 云");
  EXPECT_EQ(Decoded("&zwnj;"), "\u200C");
}

TEST(Entities, WhatIsNoReferenceStays) {
  EXPECT_EQ(Decoded("R&D & more && &nosuch; &#; &#x; &"), "R&D & more && &nosuch; &#; &#x; &");
  EXPECT_EQ(Decoded("&averyveryverylongname;"), "&averyveryverylongname;");
}

TEST(Entities, CodePointsThatDoNotExistAreReplaced) {
  EXPECT_EQ(Decoded("&#0;&#xD800;&#x110000;&#99999999999999999999;"), "\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST(Entities, NumbersOfWindows1252MeanItsCharacters) {
  EXPECT_EQ(Decoded("&#128;&#147;x&#148;"), "€“x”");
}

}  // namespace
}  // namespace citeseek::indexer::parse
