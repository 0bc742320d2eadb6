// Words: turns text into folded words, Han characters and bigrams, each with a prior idf.
//
// For scoring without a corpus. The prior is no measured idf: it is a ranked list of the commonest
// English words and Chinese characters, read through Zipf's law, and a guess by length for the
// rest. Free functions, thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace citeseek::inference {

struct Word {
  enum class Kind : std::uint8_t { kLetters, kNumber, kCharacter, kBigram };
  std::uint32_t begin = 0;  // in WordList::code_points
  std::uint32_t end = 0;
  std::uint32_t position = 0;  // words and characters count up; a bigram stands at its first
  Kind kind = Kind::kLetters;
  float idf = 0;  // natural logarithm; 0 for a word that is everywhere
  std::uint64_t hash = 0;
};

struct WordList {
  std::vector<Word> words;
  std::vector<char32_t> code_points;

  std::span<const char32_t> Text(const Word& word) const {
    return std::span(code_points).subspan(word.begin, word.end - word.begin);
  }
};

WordList ReadWords(std::string_view text);

// 64 well-mixed bits, the same on every machine.
std::uint64_t HashCodePoints(std::span<const char32_t> code_points, std::uint64_t seed);

}  // namespace citeseek::inference
