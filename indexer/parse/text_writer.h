// TextWriter: turns runs of text and breaks into tidy plain text.
//
// White space collapses; line breaks, spaces and prefixes are owed until text comes, so that empty
// blocks leave nothing. Single-threaded.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace citeseek::indexer::parse {

class TextWriter {
 public:
  // Before the next text there shall be at least this many line ends (2: a blank line).
  void Break(int line_ends);
  void Space() { space_ = true; }

  // What the next text begins with: "# ", "- ".
  void SetPrefix(std::string prefix) { prefix_ = std::move(prefix); }
  void ClearPrefix() { prefix_.clear(); }
  bool HasPrefix() const { return !prefix_.empty(); }

  void Write(std::string_view text);
  // Keeps blanks and line ends; a line end at the very beginning of the block is dropped.
  void WritePreformatted(std::string_view text);
  // The bar between two cells of a row, even if one of them is empty.
  void WriteSeparator();

  std::size_t size() const { return text_.size(); }
  const std::string& text() const { return text_; }
  // The text without blanks at its end; the writer is spent.
  std::string Take();

 private:
  void Settle();
  void WriteWord(std::string_view word);

  std::string text_;
  std::string prefix_;
  int line_ends_ = 0;
  bool space_ = false;
  bool line_end_seen_ = false;  // the owed space has a line end in it
};

}  // namespace citeseek::indexer::parse
