#include "indexer/analysis/segmenter.h"

#include <unicode/brkiter.h>
#include <unicode/utext.h>
#include <unicode/utf16.h>

namespace citeseek::indexer {

struct Segmenter::Iterator {
  std::unique_ptr<icu::BreakIterator> words;  // null if ICU has no data: then every run is one word
};

Segmenter::Segmenter() : iterator_(std::make_unique<Iterator>()) {
  UErrorCode error = U_ZERO_ERROR;
  iterator_->words.reset(icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), error));
  if (U_FAILURE(error)) iterator_->words.reset();
}

Segmenter::~Segmenter() = default;

void Segmenter::Segment(std::span<const char32_t> characters, std::vector<bool>& starts_word) {
  starts_word.assign(characters.size(), false);
  if (characters.empty()) return;
  starts_word[0] = true;
  text_.clear();
  index_.clear();
  for (std::size_t i = 0; i < characters.size(); ++i) {
    if (characters[i] == U'\n' && i + 1 < characters.size()) starts_word[i + 1] = true;
    const auto c = static_cast<UChar32>(characters[i]);
    index_.push_back(static_cast<std::uint32_t>(i));
    if (U_IS_BMP(c)) {
      text_.push_back(static_cast<char16_t>(c));
    } else {
      index_.push_back(static_cast<std::uint32_t>(i));
      text_.push_back(static_cast<char16_t>(U16_LEAD(c)));
      text_.push_back(static_cast<char16_t>(U16_TRAIL(c)));
    }
  }
  if (iterator_->words == nullptr) return;
  UErrorCode error = U_ZERO_ERROR;
  UText units = UTEXT_INITIALIZER;
  utext_openUChars(&units, text_.data(), static_cast<std::int64_t>(text_.size()), &error);
  iterator_->words->setText(&units, error);
  if (U_SUCCESS(error)) {
    for (int at = iterator_->words->first(); at != icu::BreakIterator::DONE;
         at = iterator_->words->next()) {
      const auto unit = static_cast<std::size_t>(at);
      if (unit < index_.size()) starts_word[index_[unit]] = true;
    }
  }
  utext_close(&units);
}

}  // namespace citeseek::indexer
