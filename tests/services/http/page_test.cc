// The search page over a real socket.
#include "services/http/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/http_harness.h"

namespace citeseek::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

http::ServerOptions WithPage() { return {.routes = http::PageRoutes()}; }

TEST(Page, StartsWithAPageThatLoadsOnlyItsOwnFiles) {
  HttpHarness http(WithPage());
  const HttpReply reply = http.Get("/");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(reply.headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(reply.headers.at("cache-control"), "no-cache");
  const std::string policy = reply.headers.at("content-security-policy");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, HasSubstr("script-src 'self'"));
  EXPECT_THAT(policy, HasSubstr("require-trusted-types-for 'script'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(reply.body, HasSubstr("<script type=\"module\" crossorigin src=\"./page.js\">"));
  EXPECT_THAT(reply.body, Not(HasSubstr("http://")));
  EXPECT_THAT(reply.body, Not(HasSubstr("https://")));
}

TEST(Page, ServesEachFileWithItsType) {
  HttpHarness http(WithPage());
  EXPECT_EQ(http.Get("/page.js").headers.at("content-type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(http.Get("/page.css").headers.at("content-type"), "text/css; charset=utf-8");
  EXPECT_EQ(http.Get("/icon.svg").headers.at("content-type"), "image/svg+xml");
  EXPECT_EQ(http.Get("/index.html").status, 404);
  EXPECT_EQ(http.Post("/", "{}").status, 405);
}

TEST(Page, TellsAnUnchangedFileByItsTag) {
  HttpHarness http(WithPage());
  const HttpReply first = http.Get("/page.js");
  const std::string tag = first.headers.at("etag");
  const HttpReply again = http.Get("/page.js", {{"If-None-Match", tag}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(again.headers.at("etag"), tag);
  EXPECT_EQ(http.Get("/page.js", {{"If-None-Match", "W/\"x\", " + tag}}).status, 304);
  EXPECT_EQ(http.Get("/page.js", {{"If-None-Match", "\"x\""}}).body, first.body);
  EXPECT_NE(http.Get("/page.css").headers.at("etag"), tag);
}

TEST(Page, IsSmall) {
  std::size_t bytes = 0;
  for (const http::PageFile& file : http::PageFiles()) bytes += file.bytes.size();
  EXPECT_GT(bytes, 10'000u);
  EXPECT_LT(bytes, 120'000u);  // about a third of it when compressed
}

}  // namespace
}  // namespace citeseek::testing
