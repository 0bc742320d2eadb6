// Bpe: turns one word into ids by byte pair encoding (Sennrich et al. 2016).
//
// The alphabet is bytes (GPT-2's) or characters (SentencePiece's). Immutable and thread-safe; the
// scratch is not. Errors of Make: kInvalidArgument.
//
// Where every token is made after its parts, as training does it, no merge has to be carried out:
// tokens in a row are the word's encoding just when each two neighbours alone would stay those two
// (compatible pairs, as in Berglund and van der Merwe 2023), and there is one such row for every
// prefix of the word. So the longest token is tried at each place, then shorter ones, then other
// ways to get there, no place twice: linear. Else by a heap, O(n log n).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "inference/model/tokenizer/byte_trie.h"
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
  struct Scratch {
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
    std::vector<std::uint64_t>
        dead;  // a bit a place of the word: tokens that end here lead nowhere
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
  // A token that merges make of its own text, of these two parts; or a symbol of the alphabet.
  struct Made {
    std::int32_t left = -1, right = -1;
    std::uint32_t when = kNever;  // the merge's rank + 1; 0: a symbol; kNever: never made
    std::int32_t shorter = -1;    // the longest other such token that this one starts with
    std::uint32_t bytes = 0;
  };
  static constexpr std::uint32_t kNever = static_cast<std::uint32_t>(-1);
  static constexpr std::uint64_t kNoPair = static_cast<std::uint64_t>(-1);
  static constexpr int kFilterBits = 20;
  static constexpr std::size_t kJointBytes = 3;  // a Chinese character's

  static std::uint64_t PairOf(std::int32_t left, std::int32_t right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 |
           static_cast<std::uint32_t>(right);
  }
  static std::int32_t LeftOf(std::uint64_t pair) { return static_cast<std::int32_t>(pair >> 32); }
  static std::int32_t RightOf(std::uint64_t pair) { return static_cast<std::int32_t>(pair); }
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
  // True if no merge reaches over the place between the two tokens, at least not before `until`.
  bool StayApart(std::int32_t left, std::int32_t right, std::uint32_t until = kNever) const;
  // False if no merge of two tokens has what stands on the two sides of this place of the word.
  bool MayJoin(std::string_view word, std::size_t at) const;
  void AddJoint(std::string_view left, std::string_view right);
  static std::uint64_t JointBit(const char* middle);

  void EncodeChunk(std::string_view word, Scratch& scratch, WordCache& cache,
                   std::vector<std::int32_t>& ids) const;
  void Symbolize(std::string_view word, std::vector<std::int32_t>& ids) const;
  void PushUnknown(std::string_view character, bool& after_unknown,
                   std::vector<std::int32_t>& ids) const;
  void ApplyMerges(std::size_t begin, Scratch& scratch, std::vector<std::int32_t>& ids) const;
  bool EncodeFromLeft(std::string_view word, Scratch& scratch,
                      std::vector<std::int32_t>& ids) const;
  // The longest token of made_ at `at`, and where it ends; -1 if there is none.
  std::int32_t LongestAt(std::string_view word, std::size_t at, std::size_t& end) const;
  void AddScoredMerges(const BpeSpec& spec, const absl::flat_hash_set<std::int32_t>& control);
  void MakeTables();
  void FindMade();

  bool byte_alphabet_ = false;
  bool fuse_unknown_ = false;
  bool ignore_merges_ = false;
  bool splits_at_mark_ = false;  // no merge reaches over the start of a word
  std::int32_t unknown_ = -1;
  bool drops_unknown_ = false;                   // of some characters nothing is left
  std::array<std::int32_t, 256> byte_ids_ = {};  // by byte: the alphabet, or the fallback tokens
  bool byte_fallback_ = false;
  absl::flat_hash_map<char32_t, std::int32_t> character_ids_;
  absl::flat_hash_map<std::uint64_t, Merge> merges_;  // while it is made
  HugeVector<Merge> table_;                           // open addressing, a power of two
  std::uint64_t table_mask_ = 0;
  HugeVector<std::uint64_t> filter_;
  // Bits of what stands where merges join: the bytes next to it, for parts of less than
  // kJointBytes; a hash of kJointBytes on both sides for others.
  std::vector<std::uint64_t> short_joints_;
  HugeVector<std::uint64_t> joints_;
  // By id; empty if some token may be made before its parts, or if two have one id.
  HugeVector<Made> made_;
  ByteTrie trie_;                                         // of the tokens of made_
  absl::flat_hash_map<std::string, std::int32_t> words_;  // ignore_merges: whole words
};

// The byte that a character of GPT-2's alphabet stands for, -1 if it is none; and back.
int Gpt2Byte(char32_t character);
char32_t Gpt2Character(unsigned char byte);
// The bytes that a token in GPT-2's alphabet stands for, or the token itself if it is not in it.
std::string Gpt2Decode(std::string_view token);

}  // namespace citeseek::inference
