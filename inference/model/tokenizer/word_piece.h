// WordPiece: turns one word into the ids of the longest pieces from its start on (Schuster and
// Nakajima 2012), or into the unknown token.
//
// Immutable and thread-safe. Errors of Make: kInvalidArgument.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "inference/model/tokenizer/byte_trie.h"
#include "inference/model/tokenizer/spec.h"
#include "inference/model/tokenizer/word_cache.h"

namespace citeseek::inference {

class WordPiece {
 public:
  static absl::StatusOr<WordPiece> Make(const WordPieceSpec& spec,
                                        const absl::flat_hash_set<std::int32_t>& control);

  void Encode(std::string_view word, WordCache& cache, std::vector<std::int32_t>& ids) const;

 private:
  ByteTrie trie_;
  ByteTrie::Node inside_ = ByteTrie::kNone;  // the node behind the prefix of inner pieces
  std::int32_t unknown_ = 0;
  int max_characters_ = 100;
};

}  // namespace citeseek::inference
