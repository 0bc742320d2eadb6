#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "indexer/analysis/lines.h"
#include "indexer/analyzer.h"
#include "inference/utf8.h"

namespace citeseek::indexer {
namespace {

// Words whose full stop ends no sentence: a name or number follows.
constexpr std::array<std::string_view, 36> kBeforeName = {
    "mr",   "mrs", "ms",     "dr",  "prof",   "st",  "mt",   "ft",   "gen",  "col",  "lt",   "sgt",
    "capt", "cpt", "rev",    "hon", "gov",    "sen", "rep",  "pres", "vs",   "eg",   "ie",   "cf",
    "al",   "viz", "approx", "ca",  "messrs", "mme", "mlle", "dept", "univ", "assn", "bros", "esp"};
// Words whose full stop ends no sentence when a number follows.
constexpr std::array<std::string_view, 30> kBeforeNumber = {
    "no",  "nos",  "fig", "figs", "vol", "vols", "pp",  "p",   "sec", "art",
    "ch",  "chap", "eq",  "eqs",  "ref", "refs", "ver", "jan", "feb", "mar",
    "apr", "jun",  "jul", "aug",  "sep", "sept", "oct", "nov", "dec", "op"};
// Words whose full stop may or may not end a sentence: what follows decides.
constexpr std::array<std::string_view, 14> kAmbiguous = {
    "inc", "ltd", "co", "corp", "etc", "jr", "sr", "ave", "blvd", "am", "pm", "phd", "ba", "bc"};
// Words that seldom start anything but a sentence when they have a capital.
constexpr std::array<std::string_view, 44> kStarters = {
    "the",    "a",     "an",      "it",    "he",    "she",   "they",  "we",    "i",
    "you",    "this",  "that",    "these", "those", "there", "in",    "on",    "at",
    "for",    "as",    "but",     "and",   "or",    "if",    "when",  "while", "after",
    "before", "since", "however", "his",   "her",   "its",   "their", "our",   "my",
    "what",   "who",   "how",     "why",   "where", "by",    "from",  "to"};

template <std::size_t n>
bool Contains(const std::array<std::string_view, n>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool IsLower(char32_t c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char32_t c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char32_t c) { return c >= '0' && c <= '9'; }
bool IsBlank(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0 || c == 0x3000;
}
bool IsCjk(char32_t c) {
  return (c >= 0x2E80 && c < 0xAC00) || (c >= 0xF900 && c < 0xFB00) ||
         (c >= 0xFF00 && c < 0xFFF0) || (c >= 0x20000 && c < 0x40000);
}
bool EndsChinese(char32_t c) {
  return c == U'。' || c == U'！' || c == U'？' || c == U'；' || c == U'｡';
}
bool EndsLatin(char32_t c) { return c == '.' || c == '!' || c == '?' || c == U'…'; }
bool Closes(char32_t c) {
  return std::u32string_view(U"\"')]}”’」』）】〕》").find(c) != std::u32string_view::npos;
}
bool Opens(char32_t c) {
  return std::u32string_view(U"\"'([{“‘「『（【〔《").find(c) != std::u32string_view::npos;
}

// Whether there is anything but punctuation and symbols.
bool HasWords(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = inference::NextCodePoint(text, at);
    if (c < 0x80 ? IsLower(c | 0x20) || IsDigit(c)
                 : c >= 0xAA && !(c >= 0x2000 && c < 0x2E80) && !(c >= 0x3000 && c < 0x3005) &&
                       !(c >= 0x3008 && c < 0x3021) && !(c >= 0xFF00 && c < 0xFF10) && c != 0xFFFD)
      return true;
  }
  return false;
}

// Cuts one block, a paragraph or a line, into sentences.
class Cutter {
 public:
  Cutter(std::string_view text, std::vector<ByteRange>& out) : text_(text), out_(out) {}

  void Cut(std::uint32_t start, std::uint32_t end) {
    start_ = start;
    end_ = end;
    wide_stops_ = text_.substr(start, end - start).find("。") != std::string_view::npos;
    for (std::size_t at = start; at < end;) {
      const char32_t c = Read(at);
      if (EndsChinese(c) || EndsLatin(c)) at = AfterEnd(at, c);
    }
    Emit(end);
  }

 private:
  char32_t Read(std::size_t& at) const {
    return inference::NextCodePoint(text_.substr(0, end_), at);
  }
  char32_t Peek(std::size_t at) const { return at < end_ ? Read(at) : U' '; }

  // `at` is behind a character that may end a sentence; ends it or not, and returns where to go on.
  std::size_t AfterEnd(std::size_t at, char32_t mark) {
    const std::size_t stop = at - 1;  // of an ASCII full stop: its byte
    std::size_t marks = 1;
    bool chinese = EndsChinese(mark);
    while (at < end_) {
      std::size_t next = at;
      const char32_t c = Read(next);
      if (!EndsChinese(c) && !EndsLatin(c)) break;
      chinese = chinese || EndsChinese(c);
      at = next;
      ++marks;
    }
    bool title = false;  // 《你好！》 is no end
    while (at < end_) {
      std::size_t next = at;
      const char32_t c = Read(next);
      if (!Closes(c)) break;
      title = title || c == U'》';
      at = next;
    }
    if (title) return at;
    if (chinese || Ends(stop, at, mark, marks)) Emit(static_cast<std::uint32_t>(at));
    return at;
  }

  // Whether Latin marks that end before `at` end the sentence.
  bool Ends(std::size_t stop, std::size_t at, char32_t mark, std::size_t marks) const {
    if (at >= end_) return true;
    const char32_t after = Peek(at);
    // A dot between Chinese characters is a full stop only where no other ones are used.
    if (!IsBlank(after)) {
      return IsCjk(after) && (mark != '.' || marks > 1 || (CjkBefore(stop) && !wide_stops_));
    }
    std::size_t next = at;
    while (next < end_ && IsBlank(Peek(next))) Read(next);
    while (next < end_ && Opens(Peek(next))) Read(next);
    const char32_t first = Peek(next);
    if (IsLower(first)) return false;
    if (mark != '.' || marks > 1) return true;
    return !IsAbbreviation(stop, next);
  }

  bool CjkBefore(std::size_t stop) const {
    return stop > start_ && static_cast<unsigned char>(text_[stop - 1]) >= 0x80;
  }

  // Whether the full stop at `stop` belongs to its word, given what comes at `next`.
  bool IsAbbreviation(std::size_t stop, std::size_t next) const {
    std::string word;  // letters before the stop, lower case, inner stops left out: u.s. is "us"
    std::size_t begin = stop;
    bool initials = true;  // each letter has its own stop
    std::size_t run = 0;
    while (begin > start_ && word.size() < 8) {
      const char c = text_[begin - 1];
      if (IsLower(static_cast<unsigned char>(c) | 0x20)) {
        word.push_back(static_cast<char>(c | 0x20));
        if (++run > 1) initials = false;
      } else if (c == '.') {
        run = 0;
      } else {
        break;
      }
      --begin;
    }
    if (begin > start_ && IsDigit(static_cast<unsigned char>(text_[begin - 1]))) {
      return word.empty() && begin - start_ < 4 && !HasMoreBefore(begin);
    }
    if (word.empty()) return false;
    std::reverse(word.begin(), word.end());
    if (Contains(kBeforeName, word)) return true;
    if (Contains(kBeforeNumber, word)) return IsDigit(Peek(next));
    if (!initials && !Contains(kAmbiguous, word)) return false;
    if (word == "i" && !IsUpper(Peek(next))) return false;
    std::string following;
    for (std::size_t at = next; at < end_ && following.size() < 9; ++at) {
      const char c = text_[at];
      if (!IsLower(static_cast<unsigned char>(c) | 0x20)) break;
      following.push_back(static_cast<char>(c | 0x20));
    }
    return !Contains(kStarters, following);
  }

  // "1." at the start of a block numbers it.
  bool HasMoreBefore(std::size_t begin) const {
    for (std::size_t i = start_; i < begin; ++i) {
      if (!IsDigit(static_cast<unsigned char>(text_[i]))) return true;
    }
    return false;
  }

  void Emit(std::uint32_t end) {
    ByteRange sentence{.start = start_, .end = end};
    Trim(text_, sentence.start, sentence.end);
    if (HasWords(text_.substr(sentence.start, sentence.end - sentence.start))) {
      out_.push_back(sentence);
    }
    start_ = end;
  }

  std::string_view text_;
  std::vector<ByteRange>& out_;
  std::uint32_t start_ = 0;
  std::uint32_t end_ = 0;
  bool wide_stops_ = false;  // the block holds 。
};

// Whether a line goes on in the next one: text that was wrapped at a column.
bool IsWrapped(std::string_view text, const Line& line, const Line& next) {
  if (next.kind != Line::Kind::kText || next.after_blank || next.content_start != next.start) {
    return false;
  }
  if (line.kind != Line::Kind::kText && line.kind != Line::Kind::kListItem) return false;
  const char first = text[next.start];
  const char last = text[line.end - 1];
  if (IsLower(static_cast<unsigned char>(first))) return true;
  const bool latin = IsLower(static_cast<unsigned char>(first) | 0x20) ||
                     IsDigit(static_cast<unsigned char>(first)) || first == '(' || first == '"';
  const bool open = IsLower(static_cast<unsigned char>(last) | 0x20) ||
                    IsDigit(static_cast<unsigned char>(last)) || last == ',' || last == '-' ||
                    last == ')';
  return last == ',' ? latin : latin && open && line.end - line.start >= 60;
}

}  // namespace

std::vector<ByteRange> SplitSentences(std::string_view text) {
  std::vector<ByteRange> sentences;
  Cutter cutter(text, sentences);
  LineReader lines(text);
  Line line;
  bool more = lines.Next(line);
  while (more) {
    std::uint32_t start = line.content_start, end = line.content_end;
    const bool single = line.kind == Line::Kind::kHeading || line.kind == Line::Kind::kTableRow ||
                        line.kind == Line::Kind::kFence || line.kind == Line::Kind::kCode;
    Line next;
    more = lines.Next(next);
    while (more && IsWrapped(text, line, next)) {
      end = next.end;
      line = next;
      more = lines.Next(next);
    }
    if (!single) {
      cutter.Cut(start, end);
    } else if (line.kind != Line::Kind::kFence && HasWords(text.substr(start, end - start))) {
      sentences.push_back({.start = start, .end = end});
    }
    line = next;
  }
  return sentences;
}

}  // namespace citeseek::indexer
