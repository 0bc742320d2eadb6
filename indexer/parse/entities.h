// Entities: turns HTML character references (&eacute; &#233; &#xE9;) into UTF-8.
//
// Free functions, thread-safe. Knows the names of HTML 4 and the common ones of HTML 5. What is not
// a reference stays as it is; code points that do not exist become U+FFFD.
#pragma once

#include <string>
#include <string_view>

namespace citeseek::indexer::parse {

// Appends `text` to `out`, decoded.
void AppendDecoded(std::string_view text, std::string& out);

// Appends a code point as UTF-8.
void AppendCodePoint(char32_t code, std::string& out);

}  // namespace citeseek::indexer::parse
