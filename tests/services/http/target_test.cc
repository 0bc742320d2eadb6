#include "services/http/target.h"

#include <gtest/gtest.h>

namespace citeseek::http {
namespace {

TEST(Target, PathAndQueryAreDecoded) {
  const auto target = ParseTarget("/a%2Fb/%E9%97%AE+x?q=a+b%26&empty&=v&q=second#part");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(target->path, "/a/b/问+x");
  EXPECT_EQ(target->query, (Fields{{"q", "a b&"}, {"empty", ""}, {"", "v"}, {"q", "second"}}));
  EXPECT_EQ(Find(target->query, "q"), "a b&");
  EXPECT_EQ(Find(target->query, "none"), "");
}

TEST(Target, WhatIsNoPathIsNamed) {
  for (const char* text : {"", "*", "http://host/", "a/b"}) {
    EXPECT_EQ(ParseTarget(text).status().message(), "address of the request is not a path");
  }
  EXPECT_EQ(ParseTarget("/a%2").status().message(),
            "percent code at byte 2 of the address is not two hex digits");
  EXPECT_EQ(ParseTarget("/?q=%zz").status().message(),
            "percent code at byte 0 of the address is not two hex digits");
  EXPECT_EQ(ParseTarget("/ab%ff").status().message(), "address is not UTF-8 at byte 3");
}

TEST(Target, AnEncodedPathIsReadBack) {
  const std::string id = "sub dir/问?题#%.md";
  EXPECT_EQ(EncodePath(id), "sub%20dir/%E9%97%AE%3F%E9%A2%98%23%25.md");
  EXPECT_EQ(ParseTarget("/" + EncodePath(id))->path, "/" + id);
}

}  // namespace
}  // namespace citeseek::http
