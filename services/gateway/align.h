// Align: lays the tokens of a claim beside those of a source, and finds what differs.
//
// Free functions, thread-safe. Time and memory: claim tokens times source tokens.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/gateway/statement.h"

namespace citeseek::gateway {

// The same word, character or value; a claimed value may be less exact than the source's.
bool SameToken(const Token& claimed, const Token& source);
bool HoldsToken(std::span<const Token> tokens, const Token& token);

// By claim token: the source token beside it, -1: none. In order on both sides; content counts
// more than the words around it, neighbours that stay neighbours more than scattered ones.
std::vector<int> AlignTokens(std::span<const Token> claim, std::span<const Token> source);

// Tokens of both sides between two aligned pairs.
struct Gap {
  std::size_t claim_begin = 0, claim_end = 0;
  std::size_t source_begin = 0, source_end = 0;
  bool closed = false;  // aligned tokens stand on both sides
};

// True if the Chinese characters [first, end) are a few words of the dictionary, no name and no
// title: another way to say something, as far as form can tell.
bool IsPlainWording(std::span<const Token> tokens, std::size_t first, std::size_t end);

// True if the source has another word for each word of the claim's characters [first, end).
bool HasOtherWords(std::span<const Token> claim, std::size_t first, std::size_t end,
                   std::span<const Token> source);

// What stands in the claim where the source has something else.
struct Difference {
  enum class Kind {
    kNone,
    kValue,         // another number or date
    kName,          // another name
    kSide,          // the other side of a comparison
    kDenial,        // denied on one side only
    kRoles,         // two things that have changed places
    kWording,       // another word, which may be a name
    kLimit,         // a condition or exception on one side only
    kPlainWording,  // another word that is none, not known to mean the same
    kReworded,      // the same where the claim is in other words than the source anyway
  };
  Kind kind = Kind::kNone;
  std::size_t claim = 0;   // token
  std::size_t source = 0;  // token
};

// The gravest one. `title`: names in it may stand for any subject of the source; `before`: what
// the source says before, of which a word may stand for a pronoun.
Difference FindDifference(std::span<const Token> claim, std::span<const Token> source,
                          const std::vector<int>& match, std::span<const Token> title,
                          std::span<const Token> before = {});

}  // namespace citeseek::gateway
