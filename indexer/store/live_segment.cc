#include "indexer/store/live_segment.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace citeseek::indexer {
namespace {

class LiveSegment final : public Segment {
 public:
  LiveSegment(std::shared_ptr<const SegmentFiles> files, std::span<const std::uint32_t> deleted)
      : files_(std::move(files)), has_deletions_(!deleted.empty()) {
    if (deleted.empty()) return;
    live_.words.assign((passage_count() + 63) / 64, ~0ULL);
    const auto first = files_->passages.first_passages();
    for (const std::uint32_t d : deleted) {
      for (PassageId p = first[d]; p < first[d + 1]; ++p) {
        live_.words[p / 64] &= ~(1ULL << (p % 64));
      }
    }
  }

  std::uint32_t document_count() const override { return files_->passages.document_count(); }
  std::uint32_t passage_count() const override { return files_->passages.passage_count(); }
  std::span<const std::uint32_t> passage_lengths() const override {
    return files_->passages.lengths();
  }
  std::uint64_t total_length() const override { return files_->passages.total_length(); }

  std::unique_ptr<PostingCursor> Find(std::string_view term) const override {
    const auto list = files_->lexicon.Find(term);
    return list.has_value() ? MakePostingCursor(*list, passage_count()) : nullptr;
  }

  bool IsLive(PassageId passage) const override {
    return !has_deletions_ || live_.Contains(passage);
  }
  bool HasDeletions() const override { return has_deletions_; }

  absl::StatusOr<PassageSet> Match(std::string_view field, std::string_view value) const override {
    if (value.size() > kMaxFilterBytes) {
      return absl::InvalidArgumentError(absl::StrCat("filter value of ", value.size(),
                                                     " bytes is longer than the limit of ",
                                                     kMaxFilterBytes));
    }
    PassageSet set;
    set.words.resize((passage_count() + 63) / 64);
    const auto cursor = Find(MetadataTerm(field, value));
    if (cursor == nullptr) return set;
    cursor->SeekBlock(0);
    while (cursor->block_last() != kNoMorePassages) {
      for (const PassageId p : cursor->passages()) set.words[p / 64] |= 1ULL << (p % 64);
      cursor->SeekBlock(cursor->block_last() + 1);
    }
    return set;
  }

  absl::StatusOr<std::vector<VectorHit>> SearchVectors(std::span<const float> query, int k,
                                                       const PassageSet* allowed) const override {
    const int dimension = files_->vectors.dimension();
    if (query.size() != static_cast<std::size_t>(dimension)) {
      return absl::InvalidArgumentError(
          absl::StrCat("query vector has ", query.size(), " components, the index ", dimension));
    }
    if (k < 1) return absl::InvalidArgumentError(absl::StrCat("k ", k, " is not positive"));
    const std::vector<std::uint64_t>* candidates = has_deletions_ ? &live_.words : nullptr;
    std::vector<std::uint64_t> both;
    if (allowed != nullptr) {
      both = allowed->words;
      both.resize((passage_count() + 63) / 64);
      if (has_deletions_) {
        for (std::size_t i = 0; i < both.size(); ++i) both[i] &= live_.words[i];
      }
      candidates = &both;
    }
    return files_->vectors.Search(query, static_cast<std::size_t>(k), files_->passages.scales(),
                                  candidates);
  }

  PassageRef passage(PassageId passage) const override { return files_->passages.Find(passage); }
  absl::StatusOr<StoredPassage> ReadPassage(PassageId passage) const override {
    const PassageRef ref = files_->passages.Find(passage);
    return files_->documents.ReadPassage(ref.document, ref.range);
  }
  absl::StatusOr<StoredDocument> document(std::uint32_t document) const override {
    return files_->documents.Read(document);
  }
  std::optional<std::uint32_t> DocumentOfVersion(std::uint64_t version) const override {
    return files_->passages.DocumentOfVersion(version);
  }
  absl::StatusOr<StoredPassage> ReadRange(std::uint32_t document, ByteRange range) const override {
    const std::uint32_t bytes = files_->passages.text_bytes()[document];
    if (range.start > range.end || range.end > bytes) {
      return absl::OutOfRangeError(absl::StrCat("range [", range.start, ", ", range.end,
                                                ") is not in a text of ", bytes, " bytes"));
    }
    return files_->documents.ReadPassage(document, range);
  }
  PassageId FirstPassage(std::uint32_t document) const override {
    return files_->passages.first_passages()[document];
  }

 private:
  std::shared_ptr<const SegmentFiles> files_;
  bool has_deletions_;
  PassageSet live_;  // empty without deletions
};

}  // namespace

std::shared_ptr<const Segment> MakeLiveSegment(std::shared_ptr<const SegmentFiles> files,
                                               std::span<const std::uint32_t> deleted) {
  return std::make_shared<LiveSegment>(std::move(files), deleted);
}

}  // namespace citeseek::indexer
