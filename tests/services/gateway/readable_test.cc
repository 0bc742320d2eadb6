#include "services/gateway/readable.h"

#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

std::string Readable(std::string_view text) {
  return MakeReadable(text, {0, static_cast<std::uint32_t>(text.size())});
}

TEST(Readable, TakesMarkdownOff) {
  EXPECT_EQ(Readable("- **Bold** and `code`, a [link](http://x/y).[3]"), "Bold and code, a link.");
  EXPECT_EQ(Readable("> quoted\n  over lines"), "quoted over lines");
  EXPECT_EQ(Readable("![alt](a.png) text"), "alt text");
  EXPECT_EQ(Readable("See [`fs.watch()`][] and [this][that], not row[i][j]."),
            "See fs.watch() and this, not row[i][j].");
  EXPECT_EQ(Readable("a[i] and [see] stay"), "a[i] and [see] stay");
  EXPECT_EQ(Readable("[unclosed"), "[unclosed");
  EXPECT_EQ(MakeReadable("- [ ] write it down", {0, 19}), "write it down");
}

TEST(Readable, NamesTheCellsOfATableRow) {
  const std::string table = "| Version | Date |\n|---|:--|\n| 1.0 | 2020 |\n| 2.0 | |\n";
  const auto row = [&](std::string_view text) {
    const auto at = static_cast<std::uint32_t>(table.find(text));
    return MakeReadable(table, {at, at + static_cast<std::uint32_t>(text.size())});
  };
  EXPECT_EQ(row("| 1.0 | 2020 |"), "Version: 1.0; Date: 2020");
  EXPECT_EQ(row("| 2.0 | |"), "Version: 2.0");
  EXPECT_EQ(Readable("| a | b |"), "a; b");
}

TEST(Readable, NamesTheCellsOfRowsWithoutOuterBars) {
  const std::string table = "Prices\n\nItem | Price\nTea | 3.50\nCake | 4\n\n1 | 2\n3 | 4\n";
  const auto row = [&](std::string_view text) {
    const auto at = static_cast<std::uint32_t>(table.find(text));
    return MakeReadable(table, {at, at + static_cast<std::uint32_t>(text.size())});
  };
  EXPECT_EQ(row("Cake | 4"), "Item: Cake; Price: 4");
  EXPECT_EQ(row("Item | Price"), "Item; Price");
  EXPECT_EQ(row("3 | 4"), "3; 4");
}

TEST(Readable, KnowsHeadingsAndRules) {
  EXPECT_EQ(KindOf("## Title"), LineKind::kHeading);
  EXPECT_EQ(KindOf("|---|---|"), LineKind::kTableRule);
  EXPECT_EQ(KindOf("| a | b |"), LineKind::kTableRow);
  EXPECT_EQ(KindOf("a | b"), LineKind::kTableRow);
  EXPECT_EQ(KindOf("a|b"), LineKind::kProse);
}

}  // namespace
}  // namespace citeseek::gateway
