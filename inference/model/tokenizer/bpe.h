// Bpe: turns one word into ids by byte pair encoding (Sennrich et al. 2016).
//
// The alphabet is bytes (GPT-2's) or characters (SentencePiece's). O(n log n) in the word's length.
// Immutable and thread-safe; the scratch is not. Errors of Make: kInvalidArgument.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "inference/model/tokenizer/spec.h"
#include "inference/model/tokenizer/word_cache.h"

namespace citeseek::inference {

class Bpe {
 public:
  struct Symbol {
    std::int32_t id = 0;
    std::uint32_t previous = 0;
    std::uint32_t next = 0;
    std::uint32_t rank = 0;  // of the pair with the next symbol
  };
  struct Candidate {
    std::uint64_t key = 0;  // rank, then place: the smallest is merged first
    std::int32_t id = 0;
  };
  struct Scratch {
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
  };

  // With `byte_alphabet` the vocabulary is written in GPT-2's characters for bytes. No word ever
  // becomes one of the ids in `control`.
  static absl::StatusOr<Bpe> Make(const BpeSpec& spec, bool byte_alphabet,
                                  const absl::flat_hash_set<std::int32_t>& control);

  void Encode(std::string_view word, Scratch& scratch, WordCache& cache,
              std::vector<std::int32_t>& ids) const;

 private:
  struct Merge {
    std::uint32_t rank = 0;
    std::int32_t id = 0;
  };
  static constexpr std::uint32_t kNoRank = static_cast<std::uint32_t>(-1);

  const Merge* FindMerge(std::int32_t left, std::int32_t right) const {
    const auto it = merges_.find(std::uint64_t{static_cast<std::uint32_t>(left)} << 32 |
                                 static_cast<std::uint32_t>(right));
    return it == merges_.end() ? nullptr : &it->second;
  }
  void EncodeChunk(std::string_view word, Scratch& scratch, WordCache& cache,
                   std::vector<std::int32_t>& ids) const;
  void Symbolize(std::string_view word, std::vector<Symbol>& symbols) const;
  void MergeShort(std::vector<Symbol>& symbols) const;
  void MergeLong(std::vector<Symbol>& symbols, std::vector<Candidate>& heap) const;
  void AddScoredMerges(const BpeSpec& spec, const absl::flat_hash_set<std::int32_t>& control);

  bool byte_alphabet_ = false;
  bool fuse_unknown_ = false;
  bool ignore_merges_ = false;
  bool splits_at_mark_ = false;  // no merge reaches over the start of a word
  std::int32_t unknown_ = -1;
  std::array<std::int32_t, 256> byte_ids_ = {};  // by byte: the alphabet, or the fallback tokens
  bool byte_fallback_ = false;
  absl::flat_hash_map<char32_t, std::int32_t> character_ids_;
  absl::flat_hash_map<std::uint64_t, Merge> merges_;
  absl::flat_hash_map<std::string, std::int32_t> words_;  // ignore_merges: whole words
};

// The byte that a character of GPT-2's alphabet stands for, -1 if it is none; and back.
int Gpt2Byte(char32_t character);
char32_t Gpt2Character(unsigned char byte);
// The bytes that a token in GPT-2's alphabet stands for, or the token itself if it is not in it.
std::string Gpt2Decode(std::string_view token);

}  // namespace citeseek::inference
