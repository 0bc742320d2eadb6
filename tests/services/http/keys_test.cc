#include "services/http/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace citeseek::http {
namespace {

using services::KeyConfig;
using ::testing::HasSubstr;

// SHA-256 of "abc" and of "" (FIPS 180-2, NIST).
constexpr char kAbc[] = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
constexpr char kEmpty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

class KeysTest : public ::testing::Test {
 protected:
  std::unique_ptr<Keys> Make(const std::vector<KeyConfig>& configs) {
    return *Keys::Make(configs, [this] { return now_; });
  }
  static Error Refused(Keys& keys, std::string_view authorization) {
    const auto admitted = keys.Admit(authorization);
    const Error* error = std::get_if<Error>(&admitted);
    return error == nullptr ? Error{} : *error;
  }
  static bool Admitted(Keys& keys, std::string_view authorization) {
    return std::holds_alternative<Keys::Caller>(keys.Admit(authorization));
  }

  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
};

TEST_F(KeysTest, AKeyIsKnownByItsHash) {
  const auto keys = Make({{.name = "other", .sha256 = kEmpty}, {.name = "a", .sha256 = kAbc}});
  const auto admitted = keys->Admit("Bearer abc");
  ASSERT_TRUE(std::holds_alternative<Keys::Caller>(admitted));
  EXPECT_EQ(std::get<Keys::Caller>(admitted).name, "a");
  EXPECT_TRUE(Admitted(*keys, "bearer  abc "));
}

TEST_F(KeysTest, WhatIsNoKeyIsRefusedWithoutSayingMore) {
  const auto keys = Make({{.name = "a", .sha256 = kAbc}});
  for (const char* given : {"Bearer abcd", "Bearer ab", "Bearer ABC"}) {
    const Error error = Refused(*keys, given);
    EXPECT_EQ(error.http, 401);
    EXPECT_EQ(error.status.message(), "the API key is unknown");
    EXPECT_EQ(Find(error.headers, "WWW-Authenticate"), "Bearer");
  }
  EXPECT_THAT(std::string(Refused(*keys, "").status.message()), HasSubstr("no API key"));
  EXPECT_THAT(std::string(Refused(*keys, "Basic abc").status.message()), HasSubstr("Bearer KEY"));
  EXPECT_EQ(Refused(*keys, "Bearer").http, 401);
}

TEST_F(KeysTest, AnExpiredKeyIsToldWhen) {
  const auto keys = Make({{.name = "a", .sha256 = kAbc, .expires = now_}});
  const Error error = Refused(*keys, "Bearer abc");
  EXPECT_EQ(error.http, 401);
  EXPECT_EQ(error.status.message(), "API key 'a' expired at 2023-11-14T22:13:20+00:00");
  now_ -= absl::Seconds(1);
  EXPECT_TRUE(Admitted(*keys, "Bearer abc"));
}

TEST_F(KeysTest, RequestsAMinuteAreLimitedAndComeBack) {
  const auto keys = Make({{.name = "a", .sha256 = kAbc, .requests_per_minute = 2}});
  EXPECT_TRUE(Admitted(*keys, "Bearer abc"));
  const auto second = std::get<Keys::Caller>(keys->Admit("Bearer abc"));
  EXPECT_EQ(second.headers,
            (Fields{{"x-ratelimit-limit-requests", "2"}, {"x-ratelimit-remaining-requests", "0"}}));
  const Error error = Refused(*keys, "Bearer abc");
  EXPECT_EQ(error.http, 429);
  EXPECT_EQ(Find(error.headers, "Retry-After"), "30");
  EXPECT_EQ(error.status.message(),
            "API key 'a' has used its limit of 2 requests a minute; try again in 30 s");
  now_ += absl::Seconds(29);
  EXPECT_EQ(Find(Refused(*keys, "Bearer abc").headers, "Retry-After"), "1");
  now_ += absl::Seconds(1);
  EXPECT_TRUE(Admitted(*keys, "Bearer abc"));
  now_ += absl::Hours(1);  // no more than a minute's worth is saved up
  EXPECT_TRUE(Admitted(*keys, "Bearer abc"));
  EXPECT_TRUE(Admitted(*keys, "Bearer abc"));
  EXPECT_EQ(Refused(*keys, "Bearer abc").http, 429);
}

TEST_F(KeysTest, TokensAreOwedOnceSpent) {
  const auto keys = Make(
      {{.name = "a", .sha256 = kAbc, .tokens_per_minute = 60}, {.name = "b", .sha256 = kEmpty}});
  const auto caller = std::get<Keys::Caller>(keys->Admit("Bearer abc"));
  keys->Spend(caller.key, 90);
  const Error error = Refused(*keys, "Bearer abc");
  EXPECT_EQ(error.http, 429);
  EXPECT_EQ(Find(error.headers, "Retry-After"), "31");
  EXPECT_TRUE(Admitted(*keys, "Bearer "));  // another's limit is its own
  now_ += absl::Seconds(31);
  EXPECT_TRUE(Admitted(*keys, "Bearer abc"));
}

TEST_F(KeysTest, ReplacedKeysKeepWhatIsLeftOfTheirLimits) {
  const auto keys = Make(
      {{.name = "a", .sha256 = kAbc, .requests_per_minute = 2}, {.name = "b", .sha256 = kEmpty}});
  EXPECT_TRUE(Admitted(*keys, "Bearer abc"));
  ASSERT_TRUE(keys->Replace({{.name = "a2", .sha256 = kAbc, .requests_per_minute = 2}}).ok());
  EXPECT_TRUE(Admitted(*keys, "Bearer abc"));
  EXPECT_EQ(Refused(*keys, "Bearer abc").http, 429);
  EXPECT_EQ(Refused(*keys, "Bearer ").http, 401);
}

TEST_F(KeysTest, KeysThatAreWrongReplaceNothing) {
  const auto keys = Make({{.name = "a", .sha256 = kAbc}});
  EXPECT_FALSE(keys->Replace({{.name = "b", .sha256 = "12"}}).ok());
  EXPECT_FALSE(keys->Replace({}).ok());
  EXPECT_TRUE(Admitted(*keys, "Bearer abc"));
}

TEST_F(KeysTest, WrongHashesAreNamed) {
  EXPECT_EQ(Keys::Make({{.name = "a", .sha256 = "12"}}).status().message(),
            "sha256 of key 'a' is not 64 hex digits");
  EXPECT_EQ(
      Keys::Make({{.name = "a", .sha256 = kAbc}, {.name = "b", .sha256 = kAbc}}).status().message(),
      "keys 'a' and 'b' have the same sha256");
}

}  // namespace
}  // namespace citeseek::http
