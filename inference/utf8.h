// Utf8: whole, valid code points, which every text that crosses a door is made of.
//
// Free functions, thread-safe. Valid as in RFC 3629: no overlong forms, no surrogates, at most
// U+10FFFF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace citeseek::inference {

// The offset of the first byte that is not part of a valid code point, or text.size(). A code point
// cut off by the end counts as invalid: a streaming caller keeps those bytes for the next piece.
std::size_t ValidUtf8Prefix(std::string_view text);

inline bool IsValidUtf8(std::string_view text) { return ValidUtf8Prefix(text) == text.size(); }

// Takes the code point at text[at] (at < text.size()) and moves `at` behind it; bytes that are not
// one give U+FFFD, a byte at a time.
char32_t NextCodePoint(std::string_view text, std::size_t& at);

// Appends a code point below 0x110000.
void AppendUtf8(char32_t code_point, std::string& out);

}  // namespace citeseek::inference
