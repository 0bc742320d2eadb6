#include "indexer/store/lexicon.h"

#include <algorithm>
#include <utility>

namespace citeseek::indexer {
namespace {

constexpr std::uint64_t kTermsPerBlock = 16;
constexpr std::string_view kTermsMagic = "CSTERMS1";
constexpr std::string_view kPostingsMagic = "CSPOSTS1";
// At the end of `terms`: the index, then number of terms u64 and offset of the index u64.
constexpr std::size_t kIndexEntryBytes = 16;
constexpr std::size_t kTrailerBytes = 16;

bool HasMagic(Bytes content, std::string_view magic) {
  return content.size() >= magic.size() && AsText(content.first(magic.size())) == magic;
}

}  // namespace

std::string MetadataTerm(std::string_view field, std::string_view value) {
  std::string term(1, kMetadataPrefix);
  term.append(field).push_back('\0');
  return term.append(value);
}

absl::StatusOr<LexiconWriter> LexiconWriter::Create(const std::string& directory) {
  auto terms = BlockFileWriter::Create(directory + "/terms");
  if (!terms.ok()) return terms.status();
  auto postings = BlockFileWriter::Create(directory + "/postings");
  if (!postings.ok()) return postings.status();
  if (auto status = terms->Append(kTermsMagic); !status.ok()) return status;
  if (auto status = postings->Append(kPostingsMagic); !status.ok()) return status;
  return LexiconWriter(*std::move(terms), *std::move(postings));
}

absl::Status LexiconWriter::Add(std::string_view term, std::span<const Posting> postings,
                                std::span<const std::uint32_t> lengths) {
  std::size_t shared = 0;
  if (count_ % kTermsPerBlock == 0) {
    PutFixed<std::uint64_t>(index_, terms_.size());
    PutFixed<std::uint64_t>(index_, postings_.size());
  } else {
    const std::size_t limit = std::min(last_.size(), term.size());
    while (shared < limit && last_[shared] == term[shared]) ++shared;
  }
  encoded_.clear();
  const PostingList list = EncodePostings(postings, lengths, encoded_);
  const std::size_t posting_bytes = encoded_.size();
  if (auto status = postings_.Append(encoded_); !status.ok()) return status;

  encoded_.clear();
  PutVarint(encoded_, shared);
  PutString(encoded_, term.substr(shared));
  PutVarint(encoded_, list.count);
  if (list.count == 1) {
    PutVarint(encoded_, list.single.passage);
    PutVarint(encoded_, list.single.frequency);
  } else {
    PutVarint(encoded_, posting_bytes);
    PutVarint(encoded_, list.max_frequency);
  }
  PutVarint(encoded_, list.min_length);
  last_.assign(term);
  ++count_;
  return terms_.Append(encoded_);
}

absl::Status LexiconWriter::Finish() {
  const std::uint64_t index_offset = terms_.size();
  PutFixed(index_, count_);
  PutFixed(index_, index_offset);
  if (auto status = terms_.Append(index_); !status.ok()) return status;
  if (auto status = terms_.Finish(); !status.ok()) return status;
  return postings_.Finish();
}

absl::StatusOr<Lexicon> Lexicon::Make(Bytes terms, Bytes postings) {
  if (!HasMagic(terms, kTermsMagic) || !HasMagic(postings, kPostingsMagic) ||
      terms.size() < kTermsMagic.size() + kTrailerBytes) {
    return absl::DataLossError("lexicon is damaged or of another version");
  }
  const std::uint8_t* trailer = terms.data() + terms.size() - kTrailerBytes;
  const auto count = LoadFixed<std::uint64_t>(trailer);
  const auto offset = LoadFixed<std::uint64_t>(trailer + 8);
  const std::uint64_t end = terms.size() - kTrailerBytes;
  const std::uint64_t blocks = count / kTermsPerBlock + (count % kTermsPerBlock != 0 ? 1 : 0);
  if (offset < kTermsMagic.size() || offset > end || (end - offset) % kIndexEntryBytes != 0 ||
      (end - offset) / kIndexEntryBytes != blocks) {
    return absl::DataLossError("index of the lexicon is damaged");
  }
  Lexicon lexicon;
  lexicon.terms_ = terms.first(offset);
  lexicon.index_ = terms.subspan(offset, end - offset);
  lexicon.postings_ = postings;
  lexicon.count_ = count;
  return lexicon;
}

std::uint64_t Lexicon::BlockCount() const { return index_.size() / kIndexEntryBytes; }

std::string_view Lexicon::FirstTerm(std::uint64_t block) const {
  const auto offset = LoadFixed<std::uint64_t>(index_.data() + block * kIndexEntryBytes);
  if (offset >= terms_.size()) return {};
  ByteReader reader(terms_.subspan(offset));
  reader.Varint();
  return reader.String();
}

std::optional<PostingList> Lexicon::Find(std::string_view term) const {
  std::uint64_t low = 0;  // the last block whose first term is <= term is in [low, high)
  std::uint64_t high = BlockCount();
  if (high == 0) return std::nullopt;
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (FirstTerm(middle) <= term) {
      low = middle;
    } else {
      high = middle;
    }
  }
  Walker walker(*this);
  walker.next_ = low * kTermsPerBlock;
  const std::uint64_t end = std::min(walker.next_ + kTermsPerBlock, count_);
  while (walker.next_ < end && walker.Next()) {
    const int order = walker.term().compare(term);
    if (order == 0) return walker.list();
    if (order > 0) break;
  }
  return std::nullopt;
}

Lexicon::Walker::Walker(const Lexicon& lexicon) : lexicon_(&lexicon), reader_(Bytes()) {}

void Lexicon::Walker::EnterBlock(std::uint64_t block) {
  const std::uint8_t* entry = lexicon_->index_.data() + block * kIndexEntryBytes;
  const auto offset = LoadFixed<std::uint64_t>(entry);
  posting_offset_ = LoadFixed<std::uint64_t>(entry + 8);
  const Bytes terms = lexicon_->terms_;
  reader_ = ByteReader(offset < terms.size() ? terms.subspan(offset) : Bytes());
  term_.clear();
}

bool Lexicon::Walker::Next() {
  if (damaged_ || next_ >= lexicon_->count_) return false;
  if (next_ % kTermsPerBlock == 0) EnterBlock(next_ / kTermsPerBlock);
  ++next_;
  const std::uint64_t shared = reader_.Varint();
  const std::string_view rest = reader_.String();
  list_ = PostingList{.count = reader_.Varint32()};
  std::uint64_t bytes = 0;
  if (list_.count == 1) {
    list_.single.passage = reader_.Varint32();
    list_.single.frequency = reader_.Varint32();
    list_.max_frequency = list_.single.frequency;
  } else {
    bytes = reader_.Varint();
    list_.max_frequency = reader_.Varint32();
  }
  list_.min_length = reader_.Varint32();
  const Bytes postings = lexicon_->postings_;
  if (!reader_.ok() || shared > term_.size() || posting_offset_ > postings.size() ||
      bytes > postings.size() - posting_offset_) {
    damaged_ = true;
    return false;
  }
  term_.resize(shared);
  term_.append(rest);
  list_.bytes = postings.subspan(posting_offset_, bytes);
  posting_offset_ += bytes;
  return true;
}

}  // namespace citeseek::indexer
