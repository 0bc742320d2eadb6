#include "indexer/analysis/lines.h"

#include <algorithm>

namespace citeseek::indexer {
namespace {

bool IsBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Bytes of the blank character at the front of text, or 0.
std::size_t BlankPrefix(std::string_view text) {
  if (text.empty()) return 0;
  if (IsBlank(text.front())) return 1;
  if (text.starts_with("\u00A0")) return 2;
  return text.starts_with("\u3000") || text.starts_with("\uFEFF") ? 3 : 0;
}

std::size_t BlankSuffix(std::string_view text) {
  if (text.empty()) return 0;
  if (IsBlank(text.back())) return 1;
  if (text.ends_with("\u00A0")) return 2;
  return text.ends_with("\u3000") || text.ends_with("\uFEFF") ? 3 : 0;
}

std::size_t LeadingCount(std::string_view line, char c) {
  return std::min(line.find_first_not_of(c), line.size());
}

bool IsUnderline(std::string_view line) {
  return line.size() >= 3 && (line[0] == '=' || line[0] == '-') &&
         LeadingCount(line, line[0]) == line.size();
}

// Bytes of the list marker and its blank, or 0.
std::size_t ListMarker(std::string_view line) {
  for (const std::string_view bullet : {"- ", "* ", "+ ", "• ", "· "}) {
    if (line.starts_with(bullet)) return bullet.size();
  }
  const std::size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
  if (digits == 0 || digits > 3 || digits + 2 > line.size()) return 0;
  const char mark = line[digits];
  return (mark == '.' || mark == ')') && line[digits + 1] == ' ' ? digits + 2 : 0;
}

}  // namespace

void Trim(std::string_view text, std::uint32_t& start, std::uint32_t& end) {
  std::string_view rest = text.substr(start, end - start);
  while (const std::size_t blank = BlankPrefix(rest)) rest.remove_prefix(blank);
  while (const std::size_t blank = BlankSuffix(rest)) rest.remove_suffix(blank);
  start = static_cast<std::uint32_t>(rest.data() - text.data());
  end = static_cast<std::uint32_t>(start + rest.size());
}

bool LineReader::Take(std::uint32_t& start, std::uint32_t& end) {
  if (at_ >= text_.size()) return false;
  const std::size_t stop = std::min(text_.find_first_of("\r\n", at_), text_.size());
  start = static_cast<std::uint32_t>(at_);
  end = static_cast<std::uint32_t>(stop);
  at_ = stop + 1;
  if (stop + 1 < text_.size() && text_[stop] == '\r' && text_[stop + 1] == '\n') ++at_;
  Trim(text_, start, end);
  return true;
}

bool LineReader::Next(Line& line) {
  line = {};
  do {
    if (!Take(line.start, line.end)) return false;
    if (line.start == line.end) line.after_blank = true;
  } while (line.start == line.end);
  Classify(line);
  if (line.kind != Line::Kind::kText) return true;
  const std::size_t before = at_;
  std::uint32_t start = 0, end = 0;
  if (Take(start, end) && IsUnderline(text_.substr(start, end - start))) {
    line.kind = Line::Kind::kHeading;
    line.end = end;
  } else {
    at_ = before;
  }
  return true;
}

void LineReader::Classify(Line& line) {
  const std::string_view body = text_.substr(line.start, line.end - line.start);
  std::size_t marker = 0;
  if (fence_ != 0) {
    line.kind = Line::Kind::kCode;
    if (LeadingCount(body, fence_) >= 3 && LeadingCount(body, fence_) == body.size()) {
      line.kind = Line::Kind::kFence;
      fence_ = 0;
    }
  } else if (body.starts_with("```") || body.starts_with("~~~")) {
    line.kind = Line::Kind::kFence;
    fence_ = body[0];
  } else if (const std::size_t level = LeadingCount(body, '#');
             level >= 1 && level <= 6 && level < body.size() && body[level] == ' ') {
    line.kind = Line::Kind::kHeading;
    marker = level;
  } else if (body[0] == '|' || (std::count(body.begin(), body.end(), '|') >= 2 &&
                                body.find("| ") != std::string_view::npos)) {
    line.kind = Line::Kind::kTableRow;
  } else if (const std::size_t list = ListMarker(body); list > 0) {
    line.kind = Line::Kind::kListItem;
    marker = list;
  } else if (body[0] == '>') {
    marker = LeadingCount(body, '>');
  }
  line.content_start = static_cast<std::uint32_t>(line.start + marker);
  line.content_end = line.end;
  Trim(text_, line.content_start, line.content_end);
}

}  // namespace citeseek::indexer
