#include "services/trace.h"

#include <gtest/gtest.h>

#include <thread>

namespace citeseek::services {
namespace {

constexpr char kId[] = "0af7651916cd43dd8448eb211c80319c";

TEST(Trace, TheIdOfAnIncomingTraceIsKept) {
  EXPECT_EQ(TraceId("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), kId);
  EXPECT_EQ(TraceId("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"), kId);
  EXPECT_EQ(TraceId(Traceparent(kId)), kId);
}

TEST(Trace, WhatIsNoTraceparentGivesANewId) {
  for (const char* given :
       {"", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01"}) {
    const std::string id = TraceId(given);
    EXPECT_EQ(id.size(), 32u) << given;
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << id;
    EXPECT_NE(id, kId) << given;
    EXPECT_NE(id, TraceId(given));
  }
}

TEST(Trace, ScopesNestAndBelongToTheirThread) {
  EXPECT_EQ(TraceScope::Current(), nullptr);
  const Trace outer{"a", kId}, inner{"b", kId};
  {
    const TraceScope scope(outer);
    {
      const TraceScope nested(inner);
      EXPECT_EQ(TraceScope::Current(), &inner);
      std::jthread([] { EXPECT_EQ(TraceScope::Current(), nullptr); });
    }
    EXPECT_EQ(TraceScope::Current(), &outer);
  }
  EXPECT_EQ(TraceScope::Current(), nullptr);
}

}  // namespace
}  // namespace citeseek::services
