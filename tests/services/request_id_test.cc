#include "services/request_id.h"

#include <gtest/gtest.h>

namespace citeseek::services {
namespace {

TEST(RequestId, TheCallersNameIsKeptIfItIsShortAndPrintable) {
  EXPECT_EQ(RequestId("trace-1/2"), "trace-1/2");
  EXPECT_EQ(RequestId(std::string(64, 'a')), std::string(64, 'a'));
  for (const std::string& bad : {std::string(), std::string(65, 'a'), std::string("a b"),
                                 std::string("a\nb"), std::string("\xc3\xa9")}) {
    EXPECT_NE(RequestId(bad), bad);
    EXPECT_EQ(RequestId(bad).size(), 16u);
  }
  EXPECT_NE(RequestId(""), RequestId(""));
}

}  // namespace
}  // namespace citeseek::services
