#include "indexer/parse/text_writer.h"

#include <gtest/gtest.h>

namespace citeseek::indexer::parse {
namespace {

TEST(TextWriter, WhiteSpaceCollapses) {
  TextWriter writer;
  writer.Write(" a\t b\n\u00A0c");
  writer.Write(" ");
  writer.Write("d ");
  EXPECT_EQ(writer.Take(), "a b c d");
}

TEST(TextWriter, TheLargestOfSeveralBreaksCounts) {
  TextWriter writer;
  writer.Break(2);
  writer.Write("a");
  writer.Break(1);
  writer.Break(2);
  writer.Break(1);
  writer.Write(" b");
  EXPECT_EQ(writer.Take(), "a\n\nb");
}

TEST(TextWriter, AnUnusedPrefixLeavesNothing) {
  TextWriter writer;
  writer.Write("a");
  writer.Break(1);
  writer.SetPrefix("- ");
  writer.ClearPrefix();
  writer.SetPrefix("# ");
  writer.Write("b");
  writer.Break(2);
  writer.SetPrefix("- ");
  EXPECT_EQ(writer.Take(), "a\n# b");
}

TEST(TextWriter, PreformattedTextKeepsItsBlanksAndItsLineEndsCount) {
  TextWriter writer;
  writer.Break(2);
  writer.WritePreformatted("\n  a\r\n\n b\n");
  writer.Break(2);
  writer.Write("c");
  EXPECT_EQ(writer.Take(), "  a\n\n b\n\nc");
}

TEST(TextWriter, LineEndsBetweenWideCharactersAreNotSpaces) {
  TextWriter writer;
  writer.Write("云\n岭 茶\nx\n，");
  EXPECT_EQ(writer.Take(), "云岭 茶 x ，");
}

TEST(TextWriter, SeparatorsStandAlsoAroundNothing) {
  TextWriter writer;
  writer.WriteSeparator();
  writer.WriteSeparator();
  writer.Write("a");
  writer.WriteSeparator();
  EXPECT_EQ(writer.Take(), "| | a |");
}

}  // namespace
}  // namespace citeseek::indexer::parse
