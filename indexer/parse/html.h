// Html: turns a web page into plain text that keeps the structure readers see.
//
// Headings become "# " lines, list items "- " lines, table rows "a | b | c" lines; paragraphs are
// apart by a blank line and preformatted text keeps its lines. Left out: script, style, navigation,
// forms' choices, and what is hidden. Free function, thread-safe. Never fails: any bytes are a
// page, as in the HTML standard (section 13.2.5); time and space are linear in them.
#pragma once

#include <string>
#include <string_view>

namespace citeseek::indexer::parse {

struct HtmlPage {
  std::string title;  // <title>, else the first <h1>; on one line
  std::string text;   // valid UTF-8 if the page is
};

HtmlPage ParseHtml(std::string_view utf8);

}  // namespace citeseek::indexer::parse
