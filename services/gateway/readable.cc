#include "services/gateway/readable.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace citeseek::gateway {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string_view Trim(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

// Heading, quote, list, to-do and numbering marks at the start of a line.
std::string_view WithoutLineMarks(std::string_view line) {
  line = Trim(line);
  while (!line.empty() && (line[0] == '#' || line[0] == '>')) line.remove_prefix(1);
  line = Trim(line);
  if (line.size() > 2 && (line[0] == '-' || line[0] == '*' || line[0] == '+') && line[1] == ' ') {
    line.remove_prefix(2);
    line = Trim(line);
    for (std::string_view box : {"[ ] ", "[x] ", "[X] "}) {
      if (line.starts_with(box)) line.remove_prefix(box.size());
    }
  }
  return Trim(line);
}

// Inline marks: **bold**, `code`, [text](url), [text][reference], ![alt](url), [3], <b>.
std::string WithoutInlineMarks(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const std::string_view rest = text.substr(i);
    if (c == '!' && rest.size() > 1 && rest[1] == '[' &&
        rest.find("](") != std::string_view::npos) {
      continue;
    }
    if (c == '[') {
      const std::size_t close = rest.substr(0, 300).find(']');
      if (close == std::string_view::npos) {
        plain.push_back(c);
        continue;
      }
      const std::string_view inside = rest.substr(1, close - 1);
      const bool footnote = !inside.empty() && inside.size() <= 3 &&
                            std::all_of(inside.begin(), inside.end(), IsDigit);
      if (footnote) {
        i += close;
        continue;
      }
      if (close + 1 < rest.size() && rest[close + 1] == '(') {
        const std::size_t end = rest.substr(0, close + 2000).find(')', close);
        if (end != std::string_view::npos) {
          plain += WithoutInlineMarks(inside);
          i += end;
          continue;
        }
      }
      // [text][reference], but not table[row][column].
      const bool indexes = i > 0 && absl::ascii_isalnum(static_cast<unsigned char>(text[i - 1]));
      if (!indexes && close + 1 < rest.size() && rest[close + 1] == '[') {
        const std::size_t end = rest.substr(0, close + 300).find(']', close + 2);
        if (end != std::string_view::npos) {
          plain +=
              WithoutInlineMarks(inside.empty() ? rest.substr(close + 2, end - close - 2) : inside);
          i += end;
          continue;
        }
      }
    }
    if (rest.substr(0, 2) == "**" || rest.substr(0, 2) == "__") {
      ++i;
      continue;
    }
    if (c == '`') continue;
    if (kBlanks.find(c) != std::string_view::npos) {
      if (!plain.empty() && plain.back() != ' ') plain.push_back(' ');
      continue;
    }
    plain.push_back(c);
  }
  return std::string(Trim(plain));
}

std::vector<std::string> Cells(std::string_view row) {
  row = Trim(row);
  if (!row.empty() && row.front() == '|') row.remove_prefix(1);
  if (!row.empty() && row.back() == '|') row.remove_suffix(1);
  std::vector<std::string> cells;
  while (true) {
    const std::size_t bar = row.find('|');
    cells.push_back(WithoutInlineMarks(row.substr(0, bar)));
    if (bar == std::string_view::npos) break;
    row.remove_prefix(bar + 1);
  }
  return cells;
}

std::size_t LineStart(std::string_view text, std::size_t at) {
  const std::size_t end = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  return end == std::string_view::npos ? 0 : end + 1;
}

}  // namespace

LineKind KindOf(std::string_view sentence) {
  sentence = Trim(sentence);
  if (sentence.empty()) return LineKind::kProse;
  if (sentence[0] == '#') return LineKind::kHeading;
  if (sentence.find_first_not_of("|-: \t=") == std::string_view::npos) return LineKind::kTableRule;
  if (sentence[0] == '|' && std::count(sentence.begin(), sentence.end(), '|') >= 2) {
    return LineKind::kTableRow;
  }
  // More than one line, or the end of a sentence, is no row.
  const bool bare = sentence.find(" | ") != std::string_view::npos &&
                    sentence.find('\n') == std::string_view::npos;
  return bare ? LineKind::kTableRow : LineKind::kProse;
}

indexer::ByteRange TableHeader(std::string_view passage, indexer::ByteRange row) {
  const std::size_t row_start = LineStart(passage, row.start);
  const auto line_end = [&](std::size_t start) {
    return std::min(passage.find('\n', start), passage.size());
  };
  const auto range = [&](std::size_t start) {
    return indexer::ByteRange{static_cast<std::uint32_t>(start),
                              static_cast<std::uint32_t>(line_end(start))};
  };
  const auto kind_at = [&](std::size_t start) {
    return start >= passage.size() ? LineKind::kProse
                                   : KindOf(passage.substr(start, line_end(start) - start));
  };
  if (kind_at(line_end(row_start) + 1) == LineKind::kTableRule) return range(row_start);
  // Upwards line by line while the lines are rows; the header is the one above the rule.
  std::size_t start = row_start;
  for (int steps = 0; steps < 500 && start > 0; ++steps) {
    const std::size_t above = LineStart(passage, start - 1);
    const LineKind kind = kind_at(above);
    if (kind == LineKind::kTableRule) {
      const std::size_t header = above == 0 ? 0 : LineStart(passage, above - 1);
      if (above > 0 && kind_at(header) == LineKind::kTableRow) return range(header);
      return {};
    }
    if (kind != LineKind::kTableRow) break;
    start = above;
  }
  const indexer::ByteRange top = range(start);
  const std::string_view first = passage.substr(top.start, top.end - top.start);
  const bool lone = start == row_start && kind_at(top.end + 1) != LineKind::kTableRow;
  if (lone || first.empty() || first[0] == '|') return {};
  for (const std::string& cell : Cells(first)) {
    if (!cell.empty() && IsDigit(cell[0])) return {};
  }
  return top;
}

std::string FirstCell(std::string_view row) { return Cells(row).front(); }

std::string MakeReadable(std::string_view passage, indexer::ByteRange sentence) {
  const std::string_view text = passage.substr(sentence.start, sentence.end - sentence.start);
  if (KindOf(text) != LineKind::kTableRow) return WithoutInlineMarks(WithoutLineMarks(text));
  const std::vector<std::string> cells = Cells(text);
  std::vector<std::string> names;
  const indexer::ByteRange header = TableHeader(passage, sentence);
  const bool itself = header.start <= sentence.start && sentence.start < header.end;
  if (header.end > 0 && !itself)
    names = Cells(passage.substr(header.start, header.end - header.start));
  std::string row;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].empty()) continue;
    const bool named = i < names.size() && !names[i].empty();
    absl::StrAppend(&row, row.empty() ? "" : "; ", named ? names[i] : "", named ? ": " : "",
                    cells[i]);
  }
  return row;
}

}  // namespace citeseek::gateway
