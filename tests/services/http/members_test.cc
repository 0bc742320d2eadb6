#include "services/http/members.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace citeseek::http {
namespace {

using Json = nlohmann::json;

TEST(Members, TheFirstFaultIsKept) {
  const Json json = {{"a", 1}, {"b", "x"}, {"n", nullptr}};
  Members members(json, "in.");
  std::string text;
  bool flag = true;
  EXPECT_FALSE(members.Text("n", text));
  EXPECT_FALSE(members.Text("none", text));
  EXPECT_TRUE(members.Text("b", text));
  EXPECT_EQ(text, "x");
  EXPECT_TRUE(members.status().ok());
  members.Flag("b", flag);
  members.RequiredText("a", text);
  EXPECT_EQ(members.status().message(), "in.b is not true or false");
  EXPECT_TRUE(flag);
}

TEST(Members, NumbersAreCheckedWithTheirRange) {
  const Json json = {{"i", 7}, {"f", 7.0}, {"half", 7.5}, {"huge", 1e300}, {"t", "7"}};
  const auto read = [&](const char* name) {
    Members members(json);
    int to = -1;
    members.Whole(name, 1, 10, to);
    return members.status().ok() ? std::to_string(to) : std::string(members.status().message());
  };
  EXPECT_EQ(read("i"), "7");
  EXPECT_EQ(read("f"), "7");
  EXPECT_EQ(read("half"), "half is not a whole number");
  EXPECT_EQ(read("t"), "t is not a whole number");
  EXPECT_EQ(read("huge"), "huge 1e+300 is not in [1, 10]");
}

TEST(Members, LongValuesAreToldShort) {
  EXPECT_EQ(Told(std::string(61, 'x')), std::string(60, 'x') + "...");
  std::string chinese;
  for (int i = 0; i < 30; ++i) chinese += "问";
  EXPECT_EQ(Told("a" + chinese).size(), 1 + 19 * 3 + 3u);  // whole code points
}

TEST(Members, BracketsInTextsDoNotCountAsDepth) {
  Json json;
  EXPECT_TRUE(ParseObject(R"({"a":")" + std::string(100, '[') + R"(\"[\\"})", &json).ok());
  EXPECT_FALSE(ParseObject(R"({"a":)" + std::string(100, '['), &json).ok());
}

}  // namespace
}  // namespace citeseek::http
