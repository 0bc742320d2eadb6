#include "services/http/outbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace citeseek::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Outbox, BytesComeOutInOrderAndTheEndLast) {
  int woken = 0;
  Outbox outbox([&] { ++woken; }, seconds(1));
  EXPECT_TRUE(outbox.Push("a"));
  EXPECT_TRUE(outbox.Push("b"));
  EXPECT_EQ(outbox.Take().bytes, "ab");
  outbox.End();
  const Outbox::Taken last = outbox.Take();
  EXPECT_EQ(last.bytes, "");
  EXPECT_TRUE(last.ended);
  EXPECT_EQ(woken, 3);
}

TEST(Outbox, AMakerWaitsForASlowReader) {
  Outbox outbox([] {}, seconds(10));
  ASSERT_TRUE(outbox.Push(std::string(kOutboxBytes, 'x')));
  std::atomic<bool> pushed{false};
  std::jthread maker([&] {
    EXPECT_TRUE(outbox.Push("y"));
    pushed = true;
    outbox.End();
  });
  EXPECT_FALSE(pushed);
  std::string all;
  while (true) {
    const Outbox::Taken taken = outbox.Take();
    all += taken.bytes;
    EXPECT_LE(taken.bytes.size(), kOutboxBytes);
    if (taken.ended) break;
  }
  EXPECT_EQ(all.size(), kOutboxBytes + 1);
}

TEST(Outbox, AMakerGivesUpOnAReaderWhoTakesNothingOrLeaves) {
  Outbox stalled([] {}, milliseconds(5));
  EXPECT_TRUE(stalled.Push(std::string(kOutboxBytes, 'x')));
  EXPECT_FALSE(stalled.Push("y"));
  stalled.Take();
  EXPECT_FALSE(stalled.Push("z"));  // a gap would not be noticed

  Outbox left([] {}, seconds(60));
  EXPECT_TRUE(left.Push(std::string(kOutboxBytes, 'x')));
  std::jthread maker([&] { EXPECT_FALSE(left.Push("y")); });
  left.Close();
}

}  // namespace
}  // namespace citeseek::http
