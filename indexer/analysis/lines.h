// LineReader: turns text into its lines that are not blank, each with its role in Markdown.
//
// Single-threaded, linear. Text that is not Markdown comes out as kText lines.
#pragma once

#include <cstdint>
#include <string_view>

namespace citeseek::indexer {

struct Line {
  enum class Kind {
    kText,
    kHeading,   // "# Title", or a line underlined by === or ---, the underline included
    kListItem,  // "- item", "3. item"
    kTableRow,
    kFence,  // ``` or ~~~
    kCode,   // between fences
  };
  Kind kind = Kind::kText;
  std::uint32_t start = 0;  // without blanks at either end
  std::uint32_t end = 0;
  std::uint32_t content_start = 0;  // without the marker of a heading, list item or block quote
  std::uint32_t content_end = 0;    // without the underline
  bool after_blank = false;         // a blank line stands before it
};

class LineReader {
 public:
  explicit LineReader(std::string_view text) : text_(text) {}

  bool Next(Line& line);

 private:
  // [start, end) of the next line without blanks; false at the end of the text.
  bool Take(std::uint32_t& start, std::uint32_t& end);
  void Classify(Line& line);

  std::string_view text_;
  std::size_t at_ = 0;
  char fence_ = 0;  // the open fence's character
};

// Moves the ends of [start, end) inwards over blanks: ASCII ones, U+00A0, U+3000, U+FEFF.
void Trim(std::string_view text, std::uint32_t& start, std::uint32_t& end);

}  // namespace citeseek::indexer
