#include "indexer/parse/plain.h"

#include "absl/strings/ascii.h"
#include "indexer/document.h"
#include "inference/utf8.h"

namespace citeseek::indexer::parse {
namespace {

constexpr std::size_t kMaxPlainTitleBytes = 200;

std::string_view Trim(std::string_view text) {
  while (!text.empty() && absl::ascii_isspace(static_cast<unsigned char>(text.front()))) {
    text.remove_prefix(1);
  }
  while (!text.empty() && absl::ascii_isspace(static_cast<unsigned char>(text.back()))) {
    text.remove_suffix(1);
  }
  return text;
}

// Takes the first line off the text; trimmed at its end.
std::string_view TakeLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  while (!line.empty() && absl::ascii_isspace(static_cast<unsigned char>(line.back()))) {
    line.remove_suffix(1);
  }
  return line;
}

std::string_view Unquote(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == value.back() &&
                      (value.front() == '"' || value.front() == '\'');
  return quoted ? value.substr(1, value.size() - 2) : value;
}

// Takes a front matter block (between two lines of ---) off the text and returns its title.
std::string_view TakeFrontMatter(std::string_view& text) {
  std::string_view rest = text;
  if (TakeLine(rest) != "---") return {};
  std::string_view title;
  while (!rest.empty()) {
    const std::string_view line = TakeLine(rest);
    if (line == "---" || line == "...") {
      text = rest;
      return title;
    }
    if (line.starts_with("title:")) title = Unquote(Trim(line.substr(6)));
  }
  return {};  // never closed: the line was a rule
}

// The heading's text for "## text ##", else empty.
std::string_view AtxHeading(std::string_view line) {
  const std::size_t level = line.find_first_not_of('#');
  if (level == 0 || level > 6 || level == std::string_view::npos || line[level] != ' ') return {};
  line.remove_prefix(level);
  line = Trim(line);
  std::string_view open = line;
  while (open.ends_with('#')) open.remove_suffix(1);
  return open.ends_with(' ') ? Trim(open) : line;
}

bool IsUnderline(std::string_view line) {
  return line.size() >= 3 && (line.find_first_not_of('=') == std::string_view::npos ||
                              line.find_first_not_of('-') == std::string_view::npos);
}

}  // namespace

std::string CleanTitle(std::string_view title) {
  title = Trim(title);
  if (title.size() > kMaxTitleBytes) {
    title = title.substr(0, kMaxTitleBytes);
    title = title.substr(0, inference::ValidUtf8Prefix(title));
  }
  return std::string(title);
}

std::string TitleOfMarkdown(std::string_view text) {
  const std::string_view title = TakeFrontMatter(text);
  if (!title.empty()) return CleanTitle(title);
  bool in_code = false;
  std::string_view previous;
  while (!text.empty()) {
    const std::string_view line = TakeLine(text);
    if (line.starts_with("```") || line.starts_with("~~~")) {
      in_code = !in_code;
    } else if (!in_code) {
      if (const std::string_view heading = AtxHeading(line); !heading.empty()) {
        return CleanTitle(heading);
      }
      if (!previous.empty() && IsUnderline(line)) return CleanTitle(previous);
    }
    previous = in_code ? std::string_view() : line;
  }
  return {};
}

std::string TitleOfPlainText(std::string_view text) {
  const std::string_view first = TakeLine(text);
  if (first.size() > kMaxPlainTitleBytes || text.empty() || !TakeLine(text).empty()) return {};
  return CleanTitle(first);
}

}  // namespace citeseek::indexer::parse
