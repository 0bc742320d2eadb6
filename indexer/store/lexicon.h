// Lexicon: turns a term into its posting list, over two files of a segment: `terms` and `postings`.
//
// Terms ascend by bytes and lie in blocks of 16, prefix-compressed; the first of each block is
// whole and found by binary search. Terms of the text are UTF-8; those of metadata begin with 0xFF,
// which no UTF-8 does. LexiconWriter is single-threaded; Lexicon is thread-safe and checks every
// offset.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "indexer/store/block_file.h"
#include "indexer/store/postings.h"

namespace citeseek::indexer {

inline constexpr char kMetadataPrefix = '\xFF';

// The term that stands for a metadata value.
std::string MetadataTerm(std::string_view field, std::string_view value);

class LexiconWriter {
 public:
  static absl::StatusOr<LexiconWriter> Create(const std::string& directory);

  // `term` is greater than the one before; `postings` ascend and are not empty; lengths [passages].
  absl::Status Add(std::string_view term, std::span<const Posting> postings,
                   std::span<const std::uint32_t> lengths);
  absl::Status Finish();

 private:
  LexiconWriter(BlockFileWriter terms, BlockFileWriter postings)
      : terms_(std::move(terms)), postings_(std::move(postings)) {}

  BlockFileWriter terms_;
  BlockFileWriter postings_;
  std::string last_;
  std::string index_;  // of each block: offset in `terms` u64, offset in `postings` u64
  std::string encoded_;
  std::uint64_t count_ = 0;
};

class Lexicon {
 public:
  // The contents of the two files, which outlive the lexicon.
  static absl::StatusOr<Lexicon> Make(Bytes terms, Bytes postings);
  Lexicon() = default;

  std::uint64_t size() const { return count_; }
  std::optional<PostingList> Find(std::string_view term) const;

  // Walks all terms in order.
  class Walker {
   public:
    explicit Walker(const Lexicon& lexicon);
    bool Next();  // false: no more terms, or damage (then damaged())
    bool damaged() const { return damaged_; }
    const std::string& term() const { return term_; }
    const PostingList& list() const { return list_; }

   private:
    friend class Lexicon;
    void EnterBlock(std::uint64_t block);

    const Lexicon* lexicon_;
    std::uint64_t next_ = 0;  // number of the next term
    ByteReader reader_;
    std::uint64_t posting_offset_ = 0;
    std::string term_;
    PostingList list_;
    bool damaged_ = false;
  };

 private:
  std::uint64_t BlockCount() const;
  std::string_view FirstTerm(std::uint64_t block) const;

  Bytes terms_;
  Bytes postings_;
  Bytes index_;
  std::uint64_t count_ = 0;
};

}  // namespace citeseek::indexer
