#include "indexer/document.h"

#include <gtest/gtest.h>

#include <string>

namespace citeseek::indexer {
namespace {

TEST(Document, IsValidWithAnIdAndText) {
  EXPECT_TRUE(ValidateDocument({.id = "a", .text = "中文 text"}).ok());
}

TEST(Document, ErrorsNameTheFieldTheValueAndTheLimit) {
  EXPECT_EQ(ValidateDocument({.text = "t"}).message(), "document id is empty");
  EXPECT_EQ(ValidateDocument({.id = std::string(513, 'x')}).message(),
            "document id of 513 bytes is longer than the limit of 512");
  EXPECT_EQ(ValidateDocument({.id = "a", .text = "ab\xFF"}).message(),
            "text is not UTF-8 at byte 2");
  EXPECT_EQ(ValidateDocument({.id = "a", .metadata = {{"k", "\xC0"}}}).message(),
            "metadata k is not UTF-8 at byte 0");
  Document many{.id = "a"};
  for (int i = 0; i < 65; ++i) many.metadata[std::to_string(i)] = "v";
  EXPECT_EQ(ValidateDocument(many).message(), "65 metadata entries are more than the limit of 64");
}

}  // namespace
}  // namespace citeseek::indexer
