// Bpe: turns one word into ids by byte pair encoding (Sennrich et al. 2016).
//
// The alphabet is bytes (GPT-2's) or characters (SentencePiece's). Linear in the word's length for
// merges in the order in which training finds them, else O(n log n).
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
  };
  struct Candidate {
    std::uint64_t key = 0;  // rank, then place: the smallest is merged first
    std::int32_t id = 0;
  };
  // Places where a pair of one rank stands, as lists that share the nodes.
  struct Queue {
    struct Node {
      std::uint32_t place = 0;
      std::uint32_t next = 0;
    };
    std::vector<Node> nodes;
    std::vector<std::uint32_t> first;              // by rank
    std::vector<std::vector<std::uint64_t>> used;  // ranks that are not empty, a bit each; above,
                                                   // a bit for 64 of the level below
    std::vector<std::uint32_t> places;             // of the rank whose turn it is
  };
  struct Scratch {
    std::vector<Symbol> symbols;
    std::vector<std::uint64_t> pairs;  // with the next symbol: rank, then id
    std::vector<Candidate> heap;
    Queue queue;
  };

  // With `byte_alphabet` the vocabulary is written in GPT-2's characters for bytes. No word ever
  // becomes one of the ids in `control`.
  static absl::StatusOr<Bpe> Make(const BpeSpec& spec, bool byte_alphabet,
                                  const absl::flat_hash_set<std::int32_t>& control);

  void Encode(std::string_view word, Scratch& scratch, WordCache& cache,
              std::vector<std::int32_t>& ids) const;

 private:
  struct Merge {
    std::uint64_t pair = kNoPair;
    std::uint32_t rank = 0;
    std::int32_t id = 0;
  };
  struct RankedMerge {
    std::int32_t left = -1, right = -1, id = -1;
  };
  static constexpr std::uint32_t kNoRank = static_cast<std::uint32_t>(-1);
  static constexpr std::uint64_t kNoPair = static_cast<std::uint64_t>(-1);
  static constexpr int kFilterBits = 20;

  static std::uint64_t PairOf(std::int32_t left, std::int32_t right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 |
           static_cast<std::uint32_t>(right);
  }
  static std::uint64_t HashOf(std::uint64_t pair) {  // Knuth's multiplicative hashing, folded
    const std::uint64_t hash = (pair ^ pair >> 29) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 32;
  }
  // Null where the two do not merge. Most do not, which a small table of bits tells.
  const Merge* FindMerge(std::int32_t left, std::int32_t right) const {
    const std::uint64_t pair = PairOf(left, right);
    const std::uint64_t hash = HashOf(pair);
    const std::uint64_t bit = hash >> (64 - kFilterBits);
    if ((filter_[bit >> 6] >> (bit & 63) & 1) == 0) return nullptr;
    for (std::uint64_t slot = hash & table_mask_;; slot = (slot + 1) & table_mask_) {
      if (table_[slot].pair == pair) return &table_[slot];
      if (table_[slot].pair == kNoPair) return nullptr;
    }
  }
  // What merges there, rank and id; kNoPair if nothing does.
  std::uint64_t FindPair(std::int32_t left, std::int32_t right) const {
    const Merge* merge = FindMerge(left, right);
    return merge == nullptr
               ? kNoPair
               : std::uint64_t{merge->rank} << 32 | static_cast<std::uint32_t>(merge->id);
  }

  void EncodeChunk(std::string_view word, Scratch& scratch, WordCache& cache,
                   std::vector<std::int32_t>& ids) const;
  void Symbolize(std::string_view word, std::vector<Symbol>& symbols) const;
  void MergeShort(std::vector<Symbol>& symbols, std::vector<std::uint64_t>& pairs) const;
  void MergeLong(std::vector<Symbol>& symbols, std::vector<Candidate>& heap) const;
  void MergeRanked(std::vector<Symbol>& symbols, Queue& queue) const;
  void AddScoredMerges(const BpeSpec& spec, const absl::flat_hash_set<std::int32_t>& control);
  void MakeTables();

  bool byte_alphabet_ = false;
  bool fuse_unknown_ = false;
  bool ignore_merges_ = false;
  bool splits_at_mark_ = false;  // no merge reaches over the start of a word
  std::int32_t unknown_ = -1;
  std::array<std::int32_t, 256> byte_ids_ = {};  // by byte: the alphabet, or the fallback tokens
  bool byte_fallback_ = false;
  absl::flat_hash_map<char32_t, std::int32_t> character_ids_;
  absl::flat_hash_map<std::uint64_t, Merge> merges_;  // until MakeTables
  std::vector<Merge> table_;                          // open addressing, a power of two
  std::uint64_t table_mask_ = 0;
  std::vector<std::uint64_t> filter_;
  // By rank; empty if two pairs share one, or if a token is made at a later rank than one that
  // it is part of.
  std::vector<RankedMerge> ranked_;
  absl::flat_hash_map<std::string, std::int32_t> words_;  // ignore_merges: whole words
};

// The byte that a character of GPT-2's alphabet stands for, -1 if it is none; and back.
int Gpt2Byte(char32_t character);
char32_t Gpt2Character(unsigned char byte);
// The bytes that a token in GPT-2's alphabet stands for, or the token itself if it is not in it.
std::string Gpt2Decode(std::string_view token);

}  // namespace citeseek::inference
