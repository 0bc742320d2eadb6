#include "inference/model/content_hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace citeseek::inference {
namespace {

std::uint64_t Hash(const std::string& text, std::uint64_t seed = 0) {
  return ContentHash(std::as_bytes(std::span(text)), seed);
}

TEST(ContentHashTest, EveryByteItsPlaceTheLengthAndTheSeedCount) {
  std::set<std::uint64_t> seen;
  std::size_t texts = 0;
  for (std::size_t size = 0; size < 80; ++size) {
    std::string text(size, '\0');
    seen.insert(Hash(text));
    ++texts;
    for (char& c : text) {
      c = 1;
      seen.insert(Hash(text));
      ++texts;
      c = 0;
    }
  }
  EXPECT_EQ(seen.size(), texts);
  EXPECT_NE(Hash("a", 1), Hash("a", 2));
}

TEST(ContentHashTest, IsTheSameForEver) {
  EXPECT_EQ(Hash(""), 0x5eb6fd59895c5985u);
  EXPECT_EQ(Hash("The quick brown fox jumps over the lazy dog"), 0x15dd51bfe44f63ccu);
}

}  // namespace
}  // namespace citeseek::inference
