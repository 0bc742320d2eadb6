#include "services/inference/sse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace citeseek::services {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Read(const std::string& text, std::size_t piece) {
  SseReader reader;
  std::vector<std::string> events;
  for (std::size_t i = 0; i < text.size(); i += piece) {
    EXPECT_TRUE(reader.Feed(text.substr(i, piece), &events).ok());
  }
  return events;
}

TEST(SseReader, ReadsEventsHoweverTheyAreCutAndEnded) {
  const std::string text =
      "\xEF\xBB\xBF: comment\n\ndata: one\n\nevent: x\r\ndata:two\r\ndata: lines\r\nid: 7\r\n\r\n"
      "data\r\rdata:  spaced\n\n\n\nretry: 5\n\ndata: lost";
  for (std::size_t piece : {1, 2, 3, 1000}) {
    EXPECT_THAT(Read(text, piece), ElementsAre("one", "two\nlines", "", " spaced"));
  }
}

TEST(SseReader, RefusesAnEventWithoutEnd) {
  SseReader reader;
  std::vector<std::string> events;
  const std::string piece(1 << 20, 'x');
  absl::Status status;
  for (int i = 0; i < 6 && status.ok(); ++i) status = reader.Feed(piece, &events);
  EXPECT_EQ(status.message(), "event is longer than the limit of 4194304 bytes");
}

}  // namespace
}  // namespace citeseek::services
