// Statement: turns a sentence into tokens whose agreement with a source can be checked one by one.
//
// Words are stemmed terms of the analyzer, Chinese comes in characters, and a number or date is one
// token however it is written: "May 3, 1998" and "1998年5月3日" are equal, so are 1,340 and 1340,
// 31 and 三十一. Free functions, thread-safe, linear in the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "indexer/analyzer.h"
#include "services/gateway/cues.h"

namespace citeseek::gateway {

struct Token {
  enum class Kind { kWord, kHan, kValue };
  Kind kind = Kind::kWord;
  std::string text;  // term, character, or the value in digits
  std::string unit;  // of a value, where it is a known one: "km", "%", "million"
  indexer::ByteRange range;
  std::uint32_t word = 0;  // of Chinese: characters of one dictionary word share it
  int side = 0;            // of a contrast, see FindContrasts; 0: none
  bool content = true;     // says something: no stop term
  bool light = false;      // of Chinese: in a word that says little
  bool name = false;       // Latin, with a capital that does not come from its place; or a place
  bool quoted = false;     // of Chinese: inside 《》, 「」 or “”
  bool negated = false;    // a negation stands before it
  bool denied = false;     // right before it
  bool date = false;       // of a value
  bool opens = false;      // the first of its sentence
  bool breaks = false;     // the first of its clause: behind a comma or semicolon, or opens
};

struct Statement {
  std::vector<Token> tokens;  // by range
};

// Tokens beyond this many are left out.
inline constexpr std::size_t kMaxTokens = 400;

Statement ReadStatement(std::string_view text, const indexer::Analyzer& analyzer);

// True if a value that is claimed is that of the source, which may be more exact: 1998 and
// 1998-5-3, but not the other way round. Units that are both known must be the same.
bool SameValue(const Token& claimed, const Token& source);

}  // namespace citeseek::gateway
