// TokenizerSpec: a tokenizer's pipeline as plain data, whatever file it came from.
//
// text -> added tokens cut out -> normalizer steps -> pre-tokenizer steps (words) -> model (ids)
//      -> template (special tokens around one or two sequences); ids -> decoder -> text.
// The vocabulary of tokenizer.json (huggingface/tokenizers) with the same meanings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace citeseek::inference {

struct NormalizerStep {
  enum class Kind {
    kNfc,
    kNfd,
    kNfkc,
    kNfkd,
    kLowercase,
    kStripAccents,  // marks removed
    kNmt,           // control characters removed, blanks of many kinds become ' '
    kStrip,         // white space at the ends: left, right
    kPrepend,       // content before a text that is not empty
    kReplace,       // pattern -> content
    kCharsmap,      // charsmap: SentencePiece's compiled rules
    kBert,          // clean_text, chinese, strip_accents, lowercase
  };
  Kind kind = Kind::kNfc;
  std::string pattern;
  bool pattern_is_regex = false;
  std::string content;
  std::string charsmap;
  bool left = true, right = true;
  bool clean_text = true, chinese = true, strip_accents = false, lowercase = false;
};

struct PreTokenizerStep {
  enum class Kind {
    kSplit,            // at matches of pattern; what lies between them are words too
    kByteLevel,        // GPT-2's pattern if use_pattern; the model's alphabet is bytes
    kMetaspace,        // blanks become `replacement`, which starts a word
    kWhitespaceSplit,  // at white space, which goes
    kPunctuation,      // at punctuation marks
    kDigits,           // digits apart, each alone if single_digits
  };
  // What becomes of a match: a word of its own, nothing, a part of the word before or behind it, or
  // of one word with the matches beside it.
  enum class Behavior { kIsolated, kRemoved, kMergedWithPrevious, kMergedWithNext, kContiguous };
  enum class Prepend { kAlways, kFirst, kNever };

  Kind kind = Kind::kSplit;
  std::string pattern;
  bool pattern_is_regex = true;
  Behavior behavior = Behavior::kIsolated;
  bool invert = false;
  bool add_prefix_space = false;
  bool use_pattern = true;
  bool single_digits = false;
  std::string replacement = "\u2581";
  Prepend prepend = Prepend::kAlways;
  bool split = true;
};

struct AddedToken {
  std::int32_t id = 0;
  std::string content;
  bool special = false;
  bool single_word = false;
  bool lstrip = false;
  bool rstrip = false;
  bool normalized = false;
};

struct BpeSpec {
  std::vector<std::pair<std::string, std::int32_t>> vocabulary;
  std::vector<std::pair<std::string, std::string>> merges;  // best first
  std::optional<std::string> unknown;
  bool fuse_unknown = false;
  bool byte_fallback = false;  // unknown characters become <0xNN> tokens
  bool ignore_merges = false;  // a word that is a token is that token
  // Instead of a merge list: the score of each token, highest first (SentencePiece in GGUF).
  std::vector<float> scores;  // [vocabulary] or empty
};

struct UnigramSpec {
  std::vector<std::pair<std::string, double>> vocabulary;  // by id, with log-probabilities
  std::optional<std::int32_t> unknown;
  bool byte_fallback = false;
};

struct WordPieceSpec {
  std::vector<std::pair<std::string, std::int32_t>> vocabulary;
  std::string unknown = "[UNK]";
  std::string prefix = "##";
  int max_characters = 100;  // longer words are unknown
};

struct TemplatePiece {
  enum class Kind { kTokens, kFirst, kSecond };
  Kind kind = Kind::kTokens;
  std::vector<std::int32_t> ids;  // kTokens
  std::int32_t type_id = 0;
};

struct DecoderSpec {
  enum class Kind {
    kSpaces,     // tokens joined with blanks
    kByteLevel,  // GPT-2's byte alphabet
    kWordPiece,  // prefix, cleanup
    kPieces,     // replacements, then <0xNN> tokens if byte_fallback, then the strips
  };
  Kind kind = Kind::kSpaces;
  std::string prefix = "##";
  bool cleanup = false;
  std::vector<std::pair<std::string, std::string>> replacements;
  bool byte_fallback = false;
  // The first token loses all `first_drops` (Metaspace), or the text this many leading blanks.
  std::string first_drops;
  int strip_left = 0;
};

struct TokenizerSpec {
  std::vector<NormalizerStep> normalizer;
  std::vector<PreTokenizerStep> pre_tokenizer;
  std::variant<BpeSpec, UnigramSpec, WordPieceSpec> model;
  std::vector<AddedToken> added_tokens;
  std::vector<TemplatePiece> single = {{.kind = TemplatePiece::Kind::kFirst}};
  std::vector<TemplatePiece> pair = {{.kind = TemplatePiece::Kind::kFirst},
                                     {.kind = TemplatePiece::Kind::kSecond, .type_id = 1}};
  DecoderSpec decoder;
};

}  // namespace citeseek::inference
