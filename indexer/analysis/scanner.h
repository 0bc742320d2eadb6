// Scanner: turns text into terms: English words, numbers, identifiers, Chinese words and bigrams.
//
// Single-threaded; keep one for many texts. Linear in the text.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "indexer/analysis/segmenter.h"
#include "indexer/analysis/stemmer.h"
#include "indexer/analyzer.h"
#include "inference/folding.h"

namespace citeseek::indexer {

class Scanner {
 public:
  std::vector<Term> Scan(std::string_view text);

 private:
  // A word of letters, digits and marks; a compound is up to kMaxParts of them with joiners
  // between: 9.11, v2.3.1, std::vector, snake_case, AT&T.
  struct Part {
    std::string text;
    std::uint32_t start = 0;
    std::uint32_t end = 0;
    bool letters = false;            // ASCII letters only: can be stemmed
    bool digits = false;             // ASCII digits only
    std::uint32_t after_prefix = 0;  // of o'brien: bytes of "o"; else 0
  };
  // Characters [begin, end) of characters_, to be put into terms_ before terms_[before].
  struct Run {
    std::size_t before = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  void Advance() { more_ = reader_.Next(current_); }
  bool AtWord() const;
  void ReadCompound();
  void ReadPart(Part& part);
  bool ReadApostrophe(Part& part);
  bool ReadThousands(Part& part);
  bool ReadJoiner();
  void EmitCompound(std::size_t parts, std::uint32_t start, bool underscored);
  void EmitPart(const Part& part);
  void Emit(std::string_view term, std::uint32_t start, std::uint32_t end, std::uint32_t position);
  void ReadRun();
  void InsertRuns();
  void EmitRun(const Run& run, std::vector<Term>& out, std::uint32_t& position);
  std::string Characters(std::size_t begin, std::size_t end) const;

  static constexpr std::size_t kMaxParts = 8;

  Stemmer stemmer_;
  Segmenter segmenter_;
  inference::FoldedReader reader_{""};
  inference::FoldedChar current_;
  bool more_ = false;
  std::vector<Term> terms_;
  std::uint32_t position_ = 0;
  std::array<Part, kMaxParts> parts_;
  std::string whole_;
  std::string suffix_;
  std::vector<Run> runs_;
  std::vector<char32_t> characters_;
  std::vector<inference::CharClass> classes_;
  std::vector<ByteRange> sources_;
  std::vector<bool> starts_word_;
};

}  // namespace citeseek::indexer
