#include "inference/model/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace citeseek::inference {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(JsonTest, MembersKeepTheOrderOfTheFileAndTheLastOfEqualKeysCounts) {
  const auto json = ParseJson(R"({"b": 1, "a": [true, null, 1.5, "x"], "b": 2})", "x.json");
  ASSERT_TRUE(json.ok()) << json.status();
  ASSERT_EQ(json->Object()->size(), 3u);
  EXPECT_EQ(json->Object()->front().first, "b");
  EXPECT_EQ(*json->Find("b")->Int(), 2);
  const JsonArray& array = *json->Find("a")->Array();
  EXPECT_TRUE(*array[0].Bool());
  EXPECT_TRUE(array[1].IsNull());
  EXPECT_EQ(*array[2].Double(), 1.5);
  EXPECT_EQ(*array[3].String(), "x");
  EXPECT_EQ(json->Find("c"), nullptr);
}

TEST(JsonTest, WhatIsNoJsonOrTooDeepIsAnErrorWithTheName) {
  EXPECT_THAT(std::string(ParseJson("{\"a\": }", "x.json").status().message()),
              HasSubstr("x.json is not JSON at byte 7"));
  EXPECT_FALSE(ParseJson("{} {}", "x.json").ok());
  EXPECT_FALSE(ParseJson("\"\xff\"", "x.json").ok());
  EXPECT_THAT(std::string(ParseJson(std::string(100000, '['), "x.json").status().message()),
              HasSubstr("nested deeper than 128"));
}

TEST(JsonTest, ReadersKeepTheFirstErrorAndGiveDefaults) {
  const Json json =
      *ParseJson(R"({"n": 4.0, "s": 7, "big": 900, "ids": [1, 2], "none": null})", "x");
  JsonReader reader(json, "x");
  EXPECT_EQ(reader.Int("n", 0, 0, 10), 4);
  EXPECT_EQ(reader.Int("none", 5, 0, 10), 5);
  EXPECT_THAT(reader.Ints("ids", 10), ElementsAre(1, 2));
  EXPECT_TRUE(reader.status().ok());
  EXPECT_EQ(reader.String("s", "fallback"), "fallback");
  EXPECT_EQ(reader.Int("big", 3, 0, 10), 3);
  EXPECT_EQ(reader.status().message(), "x: s is not a string");
}

}  // namespace
}  // namespace citeseek::inference
