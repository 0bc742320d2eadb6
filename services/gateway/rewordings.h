// Rewordings: other words in which documents may say what a question asks.
//
// Short lists of words, made by hand, English and Chinese. Free functions, thread-safe,
// linear in the question.
#pragma once

#include <string_view>
#include <vector>

#include "indexer/document.h"

namespace citeseek::gateway {

// A phrase of the question and what answers may say for it: "how long", "length".
struct Rewording {
  indexer::ByteRange range;
  std::string_view words;
  bool searched = false;  // the words are searched for too, not only accepted in what was found
};

std::vector<Rewording> FindRewordings(std::string_view question);

// Words that questions hold whatever they ask: "called", "kind", 具体.
std::vector<indexer::ByteRange> LightWords(std::string_view question);

}  // namespace citeseek::gateway
