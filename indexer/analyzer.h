// Analyzer: turns text into index terms; the same for documents and queries.
//
// ICU normalisation (NFKC, case fold, width) and word boundaries; English words are stemmed
// (Snowball); numbers, versions and identifiers are given whole and in parts; Chinese runs give
// dictionary words, overlapping bigrams and characters. Thread-safe: each call
// takes its own break iterators. Never fails: bytes that are not UTF-8 separate words.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "indexer/document.h"

namespace citeseek::indexer {

struct Term {
  std::string text;
  ByteRange source;            // where in the given text it comes from
  std::uint32_t position = 0;  // words count up; the bigrams of a word share its positions
};

class Analyzer {
 public:
  virtual ~Analyzer() = default;

  // Appends nothing for text without words. Order: by source.start.
  virtual std::vector<Term> Analyze(std::string_view text) const = 0;
};

std::unique_ptr<const Analyzer> MakeAnalyzer();

// True for words that say nothing about what is asked ("the", "what", "的", "什么"), in the form in
// which Analyze gives them.
bool IsStopTerm(std::string_view term);

// What a misspelt word may mean: the terms of all words one edit away (a letter more, less or other,
// or two neighbours swapped), each once, without stop terms. Empty unless `word` is 5 to 24 ASCII
// letters. Thread-safe.
std::vector<Term> AnalyzeMisspelt(const Analyzer& analyzer, std::string_view word);

// Cuts text into sentences, trimmed of blanks, in order: at full stops that are not those of
// abbreviations, decimals or addresses, at 。！？；, and at line breaks that no wrapping made.
// Headings, list items (without their marks) and table rows are sentences of their own; what holds
// no letter or digit is in none. Linear in the text.
std::vector<ByteRange> SplitSentences(std::string_view text);

}  // namespace citeseek::indexer
