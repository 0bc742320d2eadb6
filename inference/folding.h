// Folding: turns UTF-8 text into code points as they are compared, each with the bytes it is from.
//
// NFKC, case fold, width, and accents of Latin, Greek and Cyrillic letters taken off, code point by
// code point, so that every folded character keeps its exact range in the original. Free functions
// are thread-safe, FoldedReader is single-threaded and cheap to copy (a copy is a look ahead).
// Bytes that are not UTF-8 come out as kBreak. Folding follows ICU's NFKC_Casefold and UTR 30.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace citeseek::inference {

enum class CharClass : std::uint8_t {
  kBreak,    // separates words: blanks, punctuation, symbols, bytes that are not UTF-8
  kIgnored,  // not there at all: soft hyphen, joiners, variation selectors, stripped accents
  kLetter,
  kDigit,
  kMark,  // combining: belongs to the letter before it
  kHan,
  kKana,
  kHangul,
  kSoutheastAsian,  // scripts written without blanks that need a dictionary: Thai, Lao, Khmer ...
};

struct FoldedChar {
  char32_t code_point = 0;
  CharClass char_class = CharClass::kBreak;
  bool upper = false;       // the original was an ASCII capital
  std::uint32_t start = 0;  // bytes [start, end) of the original
  std::uint32_t end = 0;
};

class FoldedReader {
 public:
  explicit FoldedReader(std::string_view text) : text_(text) {}

  // False at the end. Ligatures and the like give several characters of the same range.
  bool Next(FoldedChar& out) {
    if (next_ < text_.size() && pending_ == nullptr) [[likely]] {
      const auto byte = static_cast<unsigned char>(text_[next_]);
      if (byte < 0x80) [[likely]] {
        out.upper = byte >= 'A' && byte <= 'Z';
        out.code_point = static_cast<char32_t>(out.upper ? byte + 32 : byte);
        out.char_class = kAscii[byte];
        out.start = static_cast<std::uint32_t>(next_);
        out.end = static_cast<std::uint32_t>(++next_);
        return true;
      }
    }
    return NextSlow(out);
  }

  std::size_t position() const { return next_; }

 private:
  static constexpr std::array<CharClass, 128> kAscii = [] {
    std::array<CharClass, 128> classes{};
    for (char c = '0'; c <= '9'; ++c) classes[static_cast<std::size_t>(c)] = CharClass::kDigit;
    for (char c = 'a'; c <= 'z'; ++c) {
      classes[static_cast<std::size_t>(c)] = CharClass::kLetter;
      classes[static_cast<std::size_t>(c - 32)] = CharClass::kLetter;
    }
    return classes;
  }();

  bool NextSlow(FoldedChar& out);

  std::string_view text_;
  std::size_t next_ = 0;
  // The rest of a character that folds into several.
  const char32_t* pending_ = nullptr;
  std::size_t pending_count_ = 0;
  std::uint32_t pending_start_ = 0;
};

}  // namespace citeseek::inference
