#include "inference/model/jinja/text_ops.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <string>

#include "inference/utf8.h"

namespace citeseek::inference::jinja {
namespace {

UChar32 ToUChar(char32_t c) { return static_cast<UChar32>(c); }

// Maps each character; `start` tells the function whether a word starts here.
template <typename Map>
Text MapCharacters(const Text& text, Map map) {
  std::string out;
  out.reserve(text.bytes.size());
  for (std::size_t at = 0; at < text.bytes.size();) {
    AppendUtf8(map(NextCodePoint(text.bytes, at)), out);
  }
  // The same number of bytes in ASCII; elsewhere ranges cannot be traced.
  const bool same = out.size() == text.bytes.size();
  return same ? Text{.bytes = std::move(out), .user = text.user} : text.Changed(std::move(out));
}

char32_t LowerOf(char32_t c) { return static_cast<char32_t>(u_tolower(ToUChar(c))); }
char32_t UpperOf(char32_t c) { return static_cast<char32_t>(u_toupper(ToUChar(c))); }

}  // namespace

bool IsSpace(char32_t c) {
  return u_isUWhiteSpace(ToUChar(c)) || (c >= 0x1C && c <= 0x1F);  // Python counts separators
}

Text Strip(const Text& text, std::optional<std::string_view> characters, bool left, bool right) {
  const auto drops = [&](std::size_t begin, std::size_t end) {
    const std::string_view one = std::string_view(text.bytes).substr(begin, end - begin);
    if (characters) return characters->find(one) != std::string_view::npos;
    std::size_t at = 0;
    return IsSpace(NextCodePoint(one, at));
  };
  std::size_t begin = 0;
  std::size_t end = text.bytes.size();
  while (left && begin < end) {
    std::size_t next = begin;
    NextCodePoint(text.bytes, next);
    if (!drops(begin, next)) break;
    begin = next;
  }
  while (right && end > begin) {
    std::size_t start = end - 1;
    while (start > begin && (static_cast<unsigned char>(text.bytes[start]) & 0xC0) == 0x80) --start;
    if (!drops(start, end)) break;
    end = start;
  }
  return text.Slice(begin, end);
}

std::vector<Text> Split(const Text& text, std::optional<std::string_view> separator, int max) {
  std::vector<Text> parts;
  std::size_t begin = 0;
  if (separator) {
    while (max < 0 || static_cast<int>(parts.size()) < max) {
      const std::size_t found = text.bytes.find(*separator, begin);
      if (found == std::string::npos) break;
      parts.push_back(text.Slice(begin, found));
      begin = found + separator->size();
    }
    parts.push_back(text.Slice(begin, text.bytes.size()));
    return parts;
  }
  std::size_t word = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.bytes.size();) {
    const std::size_t here = at;
    const bool space = IsSpace(NextCodePoint(text.bytes, at));
    if (!space && !inside) {
      if (max >= 0 && static_cast<int>(parts.size()) >= max) {
        parts.push_back(Strip(text.Slice(here, text.bytes.size()), std::nullopt, false, true));
        return parts;
      }
      word = here;
    } else if (space && inside) {
      parts.push_back(text.Slice(word, here));
    }
    inside = !space;
  }
  if (inside) parts.push_back(text.Slice(word, text.bytes.size()));
  return parts;
}

std::vector<Text> SplitLines(const Text& text) {
  std::vector<Text> lines;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.bytes.size(); ++i) {
    const char c = text.bytes[i];
    if (c != '\n' && c != '\r') continue;
    lines.push_back(text.Slice(begin, i));
    if (c == '\r' && i + 1 < text.bytes.size() && text.bytes[i + 1] == '\n') ++i;
    begin = i + 1;
  }
  if (begin < text.bytes.size()) lines.push_back(text.Slice(begin, text.bytes.size()));
  return lines;
}

Text Replace(const Text& text, std::string_view from, const Text& to, std::int64_t max) {
  if (from.empty()) return text;
  Text out;
  std::size_t begin = 0;
  for (std::int64_t count = 0; max < 0 || count < max; ++count) {
    const std::size_t found = text.bytes.find(from, begin);
    if (found == std::string::npos) break;
    out.Append(text.Slice(begin, found));
    out.Append(to);
    begin = found + from.size();
  }
  out.Append(text.Slice(begin, text.bytes.size()));
  return out;
}

Text Upper(const Text& text) { return MapCharacters(text, UpperOf); }
Text Lower(const Text& text) { return MapCharacters(text, LowerOf); }

Text Capitalize(const Text& text) {
  bool first = true;
  return MapCharacters(
      text, [&](char32_t c) { return std::exchange(first, false) ? UpperOf(c) : LowerOf(c); });
}

Text Title(const Text& text) {
  bool start = true;  // Jinja's words are set apart by blanks and these marks
  return MapCharacters(text, [&](char32_t c) {
    const bool was_start = start;
    start = IsSpace(c) || std::u32string_view(U"-([{<").find(c) != std::u32string_view::npos;
    return was_start ? UpperOf(c) : LowerOf(c);
  });
}

std::vector<std::size_t> CharacterOffsets(std::string_view text) {
  std::vector<std::size_t> offsets;
  for (std::size_t at = 0; at < text.size(); NextCodePoint(text, at)) offsets.push_back(at);
  offsets.push_back(text.size());
  return offsets;
}

std::size_t CountCharacters(std::string_view text) { return CharacterOffsets(text).size() - 1; }

}  // namespace citeseek::inference::jinja
