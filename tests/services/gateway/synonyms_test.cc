#include "services/gateway/synonyms.h"

#include <gtest/gtest.h>

namespace citeseek::gateway {
namespace {

TEST(Synonyms, StandInOneGroup) {
  EXPECT_TRUE(MeanSame("acquir", "bought"));
  EXPECT_TRUE(MeanSame("竣工", "建成"));
  EXPECT_FALSE(MeanSame("bought", "sold"));
  EXPECT_FALSE(MeanSame("acquir", "建成"));
  EXPECT_FALSE(MeanSame("quir", "bought"));  // a part of a word
  EXPECT_FALSE(MeanSame("", ""));
}

TEST(Synonyms, OneRootIsSeenInItsLetters) {
  EXPECT_TRUE(ShareRoot("financ", "finance"));
  EXPECT_TRUE(ShareRoot("photograph", "photographi"));
  EXPECT_FALSE(ShareRoot("paper", "steel"));
  EXPECT_FALSE(ShareRoot("st", "steel"));
}

}  // namespace
}  // namespace citeseek::gateway
