#include "indexer/analysis/scanner.h"

#include <utility>

#include "inference/utf8.h"

namespace citeseek::indexer {
namespace {

using inference::CharClass;
using inference::FoldedChar;
using inference::FoldedReader;

// Longer words are cut to this many bytes: nobody searches for them, and hostile text is full of
// them.
constexpr std::size_t kMaxTermBytes = 64;

bool IsWordClass(CharClass c) { return c == CharClass::kLetter || c == CharClass::kDigit; }

bool IsRunClass(CharClass c) {
  return c == CharClass::kHan || c == CharClass::kKana || c == CharClass::kHangul ||
         c == CharClass::kSoutheastAsian;
}

bool IsAsciiLetter(const FoldedChar& c) { return c.code_point >= 'a' && c.code_point <= 'z'; }
bool IsAsciiDigit(const FoldedChar& c) { return c.code_point >= '0' && c.code_point <= '9'; }

// Kana and a combining (semi-)voiced mark make one character, as NFC has it.
char32_t Voiced(char32_t kana, char32_t mark) {
  if (mark == 0x3099 && (kana == 0x30A6 || kana == 0x3046)) return kana + 0x4E;
  return kana + (mark == 0x3099 ? 1 : 2);
}

}  // namespace

std::vector<Term> Scanner::Scan(std::string_view text) {
  reader_ = FoldedReader(text);
  terms_.clear();
  terms_.reserve(text.size() / 6);
  runs_.clear();
  characters_.clear();
  classes_.clear();
  sources_.clear();
  position_ = 0;
  Advance();
  while (more_) {
    if (IsWordClass(current_.char_class) || current_.code_point == '_') {
      ReadCompound();
    } else if (IsRunClass(current_.char_class)) {
      ReadRun();
    } else {
      Advance();
    }
  }
  if (!runs_.empty()) InsertRuns();
  return std::exchange(terms_, {});
}

bool Scanner::AtWord() const { return more_ && IsWordClass(current_.char_class); }

void Scanner::ReadCompound() {
  const std::uint32_t start = current_.start;
  whole_.clear();
  bool underscored = false;
  while (more_ && current_.code_point == '_') {
    if (whole_.size() < kMaxTermBytes) whole_.push_back('_');
    underscored = true;
    Advance();
  }
  if (!AtWord()) return;
  std::size_t parts = 0;
  for (;;) {
    Part& part = parts_[parts++];
    ReadPart(part);
    whole_ += part.text;
    if (parts == kMaxParts || !more_ || !ReadJoiner()) break;
  }
  EmitCompound(parts, start, underscored);
}

void Scanner::ReadPart(Part& part) {
  part.text.clear();
  part.start = current_.start;
  part.letters = part.digits = true;
  part.after_prefix = 0;
  while (more_) {
    if (IsWordClass(current_.char_class) || current_.char_class == CharClass::kMark) {
      part.letters = part.letters && IsAsciiLetter(current_);
      part.digits = part.digits && IsAsciiDigit(current_);
      if (part.text.size() < kMaxTermBytes) inference::AppendUtf8(current_.code_point, part.text);
      part.end = current_.end;
      Advance();
    } else if (current_.char_class == CharClass::kIgnored) {
      Advance();
    } else if (current_.code_point == '\'' && part.letters) {
      if (!ReadApostrophe(part)) return;
    } else if (current_.code_point == ',' && part.digits) {
      if (!ReadThousands(part)) return;
    } else {
      return;
    }
  }
}

// At the apostrophe of dog's, don't, we'll, O'Brien. False if no letter follows it.
bool Scanner::ReadApostrophe(Part& part) {
  FoldedReader ahead = reader_;
  FoldedChar next;
  if (!ahead.Next(next) || !IsAsciiLetter(next)) return false;
  suffix_.clear();
  std::uint32_t end = part.end;
  Advance();
  while (more_ && IsAsciiLetter(current_)) {
    if (suffix_.size() < kMaxTermBytes) suffix_.push_back(static_cast<char>(current_.code_point));
    end = current_.end;
    Advance();
  }
  // A possessive or a shortened auxiliary is no part of the word.
  if (suffix_ == "s" || suffix_ == "ll" || suffix_ == "re" || suffix_ == "ve" || suffix_ == "d") {
    return false;
  }
  if (part.text.size() == 1) part.after_prefix = 1;
  part.text += suffix_;
  if (part.text.size() > kMaxTermBytes) part.text.resize(kMaxTermBytes);
  part.end = end;
  return true;
}

// At the comma of 1,234: the number is 1234. False if it is another comma.
bool Scanner::ReadThousands(Part& part) {
  FoldedReader ahead = reader_;
  FoldedChar digits[4];
  int count = 0;
  while (count < 4 && ahead.Next(digits[count]) && IsAsciiDigit(digits[count])) ++count;
  const bool grouped = part.text.size() <= 3 || part.end - part.start > part.text.size();
  if (count != 3 || !grouped || part.text.size() >= kMaxTermBytes) return false;
  Advance();
  for (int i = 0; i < 3; ++i) {
    part.text.push_back(static_cast<char>(current_.code_point));
    part.end = current_.end;
    Advance();
  }
  return true;
}

// Steps over what joins two words into an identifier, version or name, and adds it to whole_;
// stays where it is if nothing is joined.
bool Scanner::ReadJoiner() {
  const char32_t joiner = current_.code_point;
  if (joiner != '.' && joiner != '_' && joiner != ':' && joiner != '&') return false;
  FoldedReader ahead = reader_;
  FoldedChar next;
  if (!ahead.Next(next)) return false;
  std::size_t length = 1;
  if (joiner == ':') {
    if (next.code_point != ':' || !ahead.Next(next)) return false;
    ++length;
  }
  while ((joiner == '_' || joiner == ':') && next.code_point == '_') {
    if (!ahead.Next(next)) return false;
    ++length;
  }
  if (!IsWordClass(next.char_class)) return false;
  for (std::size_t i = 0; i < length; ++i) {
    if (whole_.size() < kMaxTermBytes) inference::AppendUtf8(current_.code_point, whole_);
    Advance();
  }
  return true;
}

void Scanner::EmitCompound(std::size_t parts, std::uint32_t start, bool underscored) {
  const Part& first = parts_[0];
  const std::uint32_t end = parts_[parts - 1].end;
  const std::uint32_t position = position_;
  if (parts > 1) {
    bool initials = true;
    for (std::size_t i = 0; i < parts; ++i) {
      initials = initials && parts_[i].letters && parts_[i].text.size() == 1;
    }
    if (initials && whole_.size() == 2 * parts - 1 && whole_.find('.') != std::string::npos) {
      std::erase(whole_, '.');  // U.S. and US are one
      Emit(whole_, start, end, position_++);
      return;
    }
    const bool version = whole_.size() > 2 && whole_[0] == 'v' && whole_[1] >= '0' &&
                         whole_[1] <= '9' && whole_.find('.') != std::string::npos;
    if (version) whole_.erase(0, 1);  // v2.3 and 2.3 are one
  }
  if ((parts > 1 || underscored) && whole_.size() <= kMaxTermBytes) {
    Emit(whole_, start, end, position);
  } else if (parts == 1 && more_ && first.letters && current_.start == first.end) {
    // C++ and C#
    FoldedReader ahead = reader_;
    FoldedChar next;
    if (current_.code_point == '+' && ahead.Next(next) && next.code_point == '+') {
      Emit(whole_ + "++", start, next.end, position);
    } else if (current_.code_point == '#' && (!ahead.Next(next) || !IsWordClass(next.char_class))) {
      Emit(whole_ + "#", start, current_.end, position);
    }
  }
  for (std::size_t i = 0; i < parts; ++i) EmitPart(parts_[i]);
}

void Scanner::EmitPart(const Part& part) {
  if (!part.letters) {
    Emit(part.text, part.start, part.end, position_++);
    return;
  }
  Emit(stemmer_.Stem(part.text), part.start, part.end, position_);
  if (part.after_prefix > 0) {
    Emit(stemmer_.Stem(std::string_view(part.text).substr(part.after_prefix)), part.start, part.end,
         position_);
  }
  ++position_;
}

void Scanner::Emit(std::string_view term, std::uint32_t start, std::uint32_t end,
                   std::uint32_t position) {
  terms_.push_back(
      {.text = std::string(term), .source = {.start = start, .end = end}, .position = position});
}

void Scanner::ReadRun() {
  Run run{.before = terms_.size(), .begin = characters_.size()};
  while (more_) {
    const CharClass c = current_.char_class;
    if (IsRunClass(c)) {
      characters_.push_back(current_.code_point);
      classes_.push_back(c);
      sources_.push_back({.start = current_.start, .end = current_.end});
    } else if (c == CharClass::kMark) {
      if (classes_.back() == CharClass::kKana &&
          (current_.code_point == 0x3099 || current_.code_point == 0x309A)) {
        characters_.back() = Voiced(characters_.back(), current_.code_point);
        sources_.back().end = current_.end;
      }
    } else if (c != CharClass::kIgnored) {
      break;
    }
    Advance();
  }
  run.end = characters_.size();
  runs_.push_back(run);
  characters_.push_back(U'\n');
  classes_.push_back(CharClass::kBreak);
  sources_.push_back({});
}

void Scanner::InsertRuns() {
  segmenter_.Segment(characters_, starts_word_);
  std::vector<Term> merged;
  merged.reserve(terms_.size() + characters_.size() * 3 / 2);
  std::size_t next = 0;
  std::uint32_t shift = 0;  // words in the runs so far
  const auto take_until = [&](std::size_t end) {
    for (; next < end; ++next) {
      merged.push_back(std::move(terms_[next]));
      merged.back().position += shift;
    }
  };
  for (const Run& run : runs_) {
    take_until(run.before);
    std::uint32_t position = shift + (next < terms_.size() ? terms_[next].position : position_);
    const std::uint32_t first = position;
    EmitRun(run, merged, position);
    shift += position - first;
  }
  take_until(terms_.size());
  terms_ = std::move(merged);
}

void Scanner::EmitRun(const Run& run, std::vector<Term>& out, std::uint32_t& position) {
  const auto emit = [&](std::size_t begin, std::size_t end) {
    out.push_back({.text = Characters(begin, end),
                   .source = {.start = sources_[begin].start, .end = sources_[end - 1].end},
                   .position = position});
  };
  for (std::size_t word = run.begin; word < run.end;) {
    std::size_t end = word + 1;
    if (classes_[word] == CharClass::kHangul) {  // written with blanks: one word
      while (end < run.end && classes_[end] == CharClass::kHangul) ++end;
    } else {
      while (end < run.end && !starts_word_[end] && classes_[end] != CharClass::kHangul) ++end;
    }
    // Characters and bigrams find what the dictionary cuts otherwise in the text and in the query:
    // either alone loses up to .03 nDCG@10 on Chinese questions. A word of two is its bigram.
    const bool dictionary_only = classes_[word] == CharClass::kSoutheastAsian;
    if (end - word > 2 || dictionary_only) emit(word, end);
    for (std::size_t i = word; !dictionary_only && i < end; ++i) {
      if (i + 1 < run.end) emit(i, i + 2);
      emit(i, i + 1);
    }
    ++position;
    word = end;
  }
}

std::string Scanner::Characters(std::size_t begin, std::size_t end) const {
  std::string text;
  for (std::size_t i = begin; i < end && text.size() < kMaxTermBytes; ++i) {
    inference::AppendUtf8(characters_[i], text);
  }
  return text;
}

}  // namespace citeseek::indexer
