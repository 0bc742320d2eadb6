// HtmlTokenizer: turns the bytes of a page into start tags, end tags and text between them.
//
// Single-threaded; tokens point into the page. Follows the HTML standard (section 13.2.5) where it
// matters to text: comments, quoted attributes, and the elements whose content is not markup
// (script, style, title, ...) are one text token. Linear time on any bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace citeseek::indexer::parse {

struct HtmlToken {
  enum class Kind { kText, kStart, kEnd };
  Kind kind = Kind::kText;
  std::string name;             // of a tag: lower case, cut after 15 bytes
  std::string_view text;        // of text: not yet decoded
  std::string_view attributes;  // of a start tag: between its name and its end
};

class HtmlTokenizer {
 public:
  explicit HtmlTokenizer(std::string_view page) : page_(page) {}

  // False at the end.
  bool Next(HtmlToken& token);
  std::size_t position() const { return at_; }

 private:
  bool ReadTag(HtmlToken& token);
  void SkipComment();
  std::size_t FindRawEnd() const;

  std::string_view page_;
  std::size_t at_ = 0;
  std::string raw_element_;  // the element whose content comes next, if that is not markup
  bool comments_end_ = true;
  bool titles_end_ = true;
};

// What the attributes of a start tag say about its element.
struct ElementNotes {
  bool hidden =
      false;  // `hidden`, display:none, visibility:hidden, or a role of the page's controls
  bool decoration = false;  // aria-hidden: not for who has the page read out
  bool main = false;        // its role: what the page is about
};
ElementNotes ReadNotes(std::string_view attributes);

// True if page[at:] starts with `lower`, whatever its case.
bool StartsWithNoCase(std::string_view page, std::size_t at, std::string_view lower);

}  // namespace citeseek::indexer::parse
