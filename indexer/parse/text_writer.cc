#include "indexer/parse/text_writer.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace citeseek::indexer::parse {
namespace {

bool IsSpace(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)) || c == '\0'; }

// U+3000 to U+9FFF (but for a few) and full width forms.
bool IsWide(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  return (lead >= 0xE3 && lead <= 0xE9) ||
         (lead == 0xEF && text.size() > 1 && static_cast<unsigned char>(text[1]) >= 0xBC);
}

}  // namespace

void TextWriter::Break(int line_ends) {
  line_ends_ = std::max(line_ends_, line_ends);
  space_ = false;
}

void TextWriter::Write(std::string_view text) {
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool no_break_space = text[i] == '\xC2' && i + 1 < text.size() && text[i + 1] == '\xA0';
    if (!IsSpace(text[i]) && !no_break_space) continue;
    WriteWord(text.substr(start, i - start));
    space_ = true;
    line_end_seen_ = line_end_seen_ || text[i] == '\n';
    if (no_break_space) ++i;
    start = i + 1;
  }
  WriteWord(text.substr(start));
}

void TextWriter::WritePreformatted(std::string_view text) {
  for (const char c : text) {
    if (c == '\r' || c == '\0') continue;
    if (line_ends_ > 0) {
      if (c == '\n') continue;
      Settle();
    }
    text_ += c;
  }
}

void TextWriter::WriteSeparator() {
  Settle();
  text_ += text_.empty() || text_.back() == '\n' ? "|" : " |";
  space_ = true;
}

std::string TextWriter::Take() {
  while (!text_.empty() && IsSpace(text_.back())) text_.pop_back();
  return std::move(text_);
}

// Pays the owed line ends and the prefix.
void TextWriter::Settle() {
  const std::size_t written = text_.find_last_not_of('\n') + 1;  // 0 if there is no text
  const int have = static_cast<int>(std::min<std::size_t>(text_.size() - written, 2));
  if (!text_.empty() && line_ends_ > have) {
    text_.append(static_cast<std::size_t>(line_ends_ - have), '\n');
  }
  if (line_ends_ > 0) space_ = false;
  line_ends_ = 0;
  text_ += prefix_;
  prefix_.clear();
}

void TextWriter::WriteWord(std::string_view word) {
  if (word.empty()) return;
  if (line_ends_ > 0 || !prefix_.empty()) {
    Settle();
    space_ = false;
  }
  // A line end between two Chinese characters is not a space.
  const bool joined = line_end_seen_ && IsWide(word) && text_.size() >= 3 &&
                      IsWide(std::string_view(text_).substr(text_.size() - 3));
  if (space_ && !joined && !text_.empty() && text_.back() != '\n') text_ += ' ';
  space_ = line_end_seen_ = false;
  text_ += word;
}

}  // namespace citeseek::indexer::parse
