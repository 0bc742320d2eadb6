// Synonyms: tells words that say the same of most things: "bought" and "acquired", 建成 and 竣工.
//
// Short lists of general words, made by hand; no terms of any corpus. Free functions, thread-safe.
#pragma once

#include <string_view>

namespace citeseek::gateway {

// Two terms, as the analyzer gives them, or two Chinese words.
bool MeanSame(std::string_view word, std::string_view other);

// Terms of one root, as far as their letters tell: "financ" and "finance", "photograph" and
// "photographi".
bool ShareRoot(std::string_view term, std::string_view other);

}  // namespace citeseek::gateway
