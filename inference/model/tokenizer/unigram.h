// Unigram: turns one word into the ids of its likeliest segmentation (Kudo 2018), by Viterbi.
//
// Linear in the word's length for a given vocabulary. Immutable and thread-safe; the scratch is
// not. Errors of Make: kInvalidArgument.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "inference/model/tokenizer/byte_trie.h"
#include "inference/model/tokenizer/spec.h"
#include "inference/model/tokenizer/word_cache.h"

namespace citeseek::inference {

class Unigram {
 public:
  struct Best {
    double score = 0;
    std::uint32_t start = 0;  // where the last piece of the best way to here starts
    std::int32_t id = -1;     // -1: no way yet
  };
  using Scratch = std::vector<Best>;

  static absl::StatusOr<Unigram> Make(const UnigramSpec& spec,
                                      const absl::flat_hash_set<std::int32_t>& control);

  void Encode(std::string_view word, Scratch& scratch, WordCache& cache,
              std::vector<std::int32_t>& ids) const;

 private:
  ByteTrie trie_;
  std::vector<double> scores_;
  double unknown_score_ = 0;
  std::int32_t unknown_ = 0;
  bool byte_fallback_ = false;
  std::array<std::int32_t, 256> byte_ids_ = {};
};

}  // namespace citeseek::inference
