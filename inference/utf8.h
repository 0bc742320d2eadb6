// Utf8: whole, valid code points, which every text that crosses a door is made of.
//
// Free functions, thread-safe. Valid as in RFC 3629: no overlong forms, no surrogates, at most
// U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace citeseek::inference {

// The offset of the first byte that is not part of a valid code point, or text.size(). A code point
// cut off by the end counts as invalid: a streaming caller keeps those bytes for the next piece.
std::size_t ValidUtf8Prefix(std::string_view text);

inline bool IsValidUtf8(std::string_view text) { return ValidUtf8Prefix(text) == text.size(); }

}  // namespace citeseek::inference
