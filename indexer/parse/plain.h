// Plain: finds the title of texts that are stored as they are.
//
// Free functions, thread-safe. The result is trimmed, at most kMaxTitleBytes, and empty if the text
// does not tell; the caller then falls back to the file's name.
#pragma once

#include <string>
#include <string_view>

namespace citeseek::indexer::parse {

// `title:` of the front matter, else the first heading (`# title` or a line underlined by = or -),
// outside fenced code.
std::string TitleOfMarkdown(std::string_view text);

// The first line, if it is short and a blank line follows it.
std::string TitleOfPlainText(std::string_view text);

// Trims blanks and cuts what is longer than kMaxTitleBytes at a code point.
std::string CleanTitle(std::string_view title);

}  // namespace citeseek::indexer::parse
