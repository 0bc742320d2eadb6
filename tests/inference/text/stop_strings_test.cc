#include "inference/text/stop_strings.h"

#include <gtest/gtest.h>

#include <random>

namespace citeseek::inference {
namespace {

TEST(StopStringsTest, AStopStringAcrossPiecesIsNeverEmitted) {
  StopStrings stops({"STOP"});
  EXPECT_EQ(stops.Push("one S"), "one ");
  EXPECT_EQ(stops.Push("T"), "");
  EXPECT_EQ(stops.Push("EP ST"), "STEP ");
  EXPECT_EQ(stops.Push("OP two"), "");
  EXPECT_TRUE(stops.stopped());
  EXPECT_EQ(stops.Push("three"), "");
  EXPECT_EQ(stops.Finish(), "");
}

TEST(StopStringsTest, WhatWasHeldBackComesAtTheEnd) {
  StopStrings stops({"\n\nQ:"});
  EXPECT_EQ(stops.Push("answer\n\n"), "answer");
  EXPECT_EQ(stops.Finish(), "\n\n");
  EXPECT_FALSE(stops.stopped());
}

TEST(StopStringsTest, TheFirstToBeCompleteCountsAndTheLongerOfTwo) {
  StopStrings overlapping({"abcd", "bc"});
  EXPECT_EQ(overlapping.Push("xabcd"), "xa");
  StopStrings nested({"c", "bc"});
  EXPECT_EQ(nested.Push("abc"), "a");
}

// The rule told once more, slowly: byte after byte, until the text ends with a stop string.
std::string Reference(const std::string& text, const std::vector<std::string>& stops) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& stop : stops) {
      if (text.substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    }
    if (longest > 0) return text.substr(0, end - longest);
  }
  return text;
}

TEST(StopStringsTest, TheResultDoesNotDependOnTheCuts) {
  std::mt19937 random(1);
  const auto word = [&](std::size_t length) {
    std::string out;
    for (std::size_t i = 0; i < length; ++i) out.push_back("ab"[random() % 2]);
    return out;
  };
  for (int round = 0; round < 2000; ++round) {
    const std::vector<std::string> stops = {word(1 + random() % 6), word(2 + random() % 6)};
    const std::string text = word(random() % 24);
    StopStrings stream(stops);
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t length = 1 + random() % 5;
      out += stream.Push(std::string_view(text).substr(at, length));
      at += length;
    }
    out += stream.Finish();
    ASSERT_EQ(out, Reference(text, stops)) << text << " " << stops[0] << " " << stops[1];
    ASSERT_EQ(stream.stopped(), out != text || Reference(text + "#", stops) != text + "#");
  }
}

TEST(StopStringsTest, StringsWithoutSenseAreNamed) {
  EXPECT_TRUE(CheckStopStrings({"a", std::string(1024, 'x')}).ok());
  EXPECT_EQ(CheckStopStrings({""}).message(),
            "a stop string of 0 bytes is not UTF-8 of [1, 1024] bytes");
  EXPECT_FALSE(CheckStopStrings({std::string(1025, 'x')}).ok());
  EXPECT_FALSE(CheckStopStrings({"\xff"}).ok());
  EXPECT_EQ(CheckStopStrings(std::vector<std::string>(17, "a")).message(),
            "17 stop strings are more than 16");
}

}  // namespace
}  // namespace citeseek::inference
