// AddedTokens: finds the tokens of a text that are matched literally, before any model.
//
// Leftmost, then longest, as huggingface/tokenizers. Immutable and thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "inference/model/text_range.h"
#include "inference/model/tokenizer/byte_trie.h"
#include "inference/model/tokenizer/spec.h"

namespace citeseek::inference {

class AddedTokens {
 public:
  AddedTokens() = default;
  explicit AddedTokens(std::vector<AddedToken> tokens);

  // Calls part(text, id) for the parts of `text` in order: id is -1 for what is no added token.
  // Parts are not empty, unless the whole text is.
  // No token is found that touches the ranges in `closed` (sorted, apart from one another).
  void Split(std::string_view text, std::span<const TextRange> closed,
             absl::FunctionRef<void(std::string_view, std::int32_t)> part) const;

 private:
  std::vector<AddedToken> tokens_;
  ByteTrie trie_;  // entries are indices into tokens_
};

}  // namespace citeseek::inference
