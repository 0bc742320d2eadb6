// Charsmap: SentencePiece's compiled normalisation rules, applied as huggingface/tokenizers does.
//
// The bytes come from an untrusted file: every offset into them is checked. Immutable, thread-safe.
// Errors: kInvalidArgument. Format: u32 size, a double-array trie (Aoe 1989) of u32 units, then the
// replacements, each ended by a zero byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace citeseek::inference {

class Charsmap {
 public:
  static absl::StatusOr<Charsmap> Parse(std::string_view bytes);

  // Valid UTF-8 in and out. Rules apply to grapheme clusters of at most five bytes, else to single
  // characters; the shortest rule that starts a cluster replaces the whole of it.
  std::string Apply(std::string_view text) const;

 private:
  // The replacement for the shortest prefix of `text` that has a rule.
  std::optional<std::string_view> Find(std::string_view text) const;

  std::vector<std::uint32_t> units_;
  std::string replacements_;
  std::vector<std::uint8_t> ascii_plain_;  // [128] 1: there is no rule for this character
  std::vector<std::uint8_t> lead_plain_;   // [256] 1: no rule starts with this byte
};

// Decodes base64; nullopt if it is none. (For tokenizer.json, which stores the rules so.)
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace citeseek::inference
