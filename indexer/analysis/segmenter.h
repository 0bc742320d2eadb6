// Segmenter: turns runs of scripts written without blanks into dictionary words.
//
// Thread-compatible: one at a time. ICU's word break iterator with its dictionaries for Chinese
// and Japanese, Thai, Lao, Khmer and Burmese.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace citeseek::indexer {

class Segmenter {
 public:
  Segmenter();
  ~Segmenter();

  // `starts_word[i]` becomes true where a word starts at characters[i]. Runs are kept apart by a
  // line feed in `characters`.
  void Segment(std::span<const char32_t> characters, std::vector<bool>& starts_word);

 private:
  struct Iterator;
  std::unique_ptr<Iterator> iterator_;
  std::u16string text_;
  std::vector<std::uint32_t> index_;  // of the character, by the UTF-16 unit it starts at
};

}  // namespace citeseek::indexer
