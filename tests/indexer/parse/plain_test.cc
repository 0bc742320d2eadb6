#include "indexer/parse/plain.h"

#include <gtest/gtest.h>

#include "indexer/document.h"
#include "inference/utf8.h"

namespace citeseek::indexer::parse {
namespace {

TEST(Plain, MarkdownTitleIsTheFirstHeading) {
  EXPECT_EQ(TitleOfMarkdown("intro\n\n# The *Bridge*  \ntext"), "The *Bridge*");
  EXPECT_EQ(TitleOfMarkdown("## Closed ##\n"), "Closed");
  EXPECT_EQ(TitleOfMarkdown("# C#\n"), "C#");
  EXPECT_EQ(TitleOfMarkdown("# 云岭茶厂\r\n正文"), "云岭茶厂");
  EXPECT_EQ(TitleOfMarkdown("Underlined\n=====\n"), "Underlined");
  EXPECT_EQ(TitleOfMarkdown("Underlined\n---\n"), "Underlined");
}

TEST(Plain, WhatIsNoHeadingGivesNoMarkdownTitle) {
  EXPECT_EQ(TitleOfMarkdown(""), "");
  EXPECT_EQ(TitleOfMarkdown("#hashtag\n####### seven\n# \n"), "");
  EXPECT_EQ(TitleOfMarkdown("```\n# comment in a script\n```\n"), "");
  EXPECT_EQ(TitleOfMarkdown("text\n\n---\n"), "");
}

TEST(Plain, FrontMatterTitleWins) {
  EXPECT_EQ(TitleOfMarkdown("---\ntitle: \"Fronted\"\ndate: 2024\n---\n# Heading\n"), "Fronted");
  EXPECT_EQ(TitleOfMarkdown("---\ndate: 2024\n---\n# Heading\n"), "Heading");
  EXPECT_EQ(TitleOfMarkdown("---\ntitle: never closed\n# Heading\n"), "Heading");
}

TEST(Plain, FirstShortLineBeforeABlankOneIsATitle) {
  EXPECT_EQ(TitleOfPlainText("  Ferry times \n\nThe ferry"), "Ferry times");
  EXPECT_EQ(TitleOfPlainText("The ferry goes\nat noon\n"), "");
  EXPECT_EQ(TitleOfPlainText(std::string(300, 'x') + "\n\ntext"), "");
  EXPECT_EQ(TitleOfPlainText("one line"), "");
}

TEST(Plain, LongTitlesAreCutOnACodePoint) {
  std::string heading = "# a";
  while (heading.size() < 3 * kMaxTitleBytes) heading += "茶";
  const std::string title = TitleOfMarkdown(heading);
  EXPECT_LE(title.size(), kMaxTitleBytes);
  EXPECT_GT(title.size(), kMaxTitleBytes - 3);
  EXPECT_TRUE(inference::IsValidUtf8(title));
}

}  // namespace
}  // namespace citeseek::indexer::parse
