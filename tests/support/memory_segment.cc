#include "tests/support/memory_segment.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace citeseek::tests {
namespace {

using indexer::ByteRange;
using indexer::kNoMorePassages;
using indexer::PassageId;
using indexer::PassageSet;

struct PostingList {
  std::vector<PassageId> passages;
  std::vector<std::uint32_t> frequencies;
};

class MemoryCursor : public indexer::PostingCursor {
 public:
  MemoryCursor(const PostingList& list, std::span<const std::uint32_t> lengths,
               std::size_t block_size)
      : list_(list), lengths_(lengths), block_size_(block_size) {}

  std::uint32_t passage_count() const override {
    return static_cast<std::uint32_t>(list_.passages.size());
  }
  std::uint32_t max_frequency() const override { return MaxFrequency(0, list_.passages.size()); }
  std::uint32_t min_length() const override { return MinLength(0, list_.passages.size()); }
  void SeekBlock(PassageId passage) override {
    const auto at = std::lower_bound(list_.passages.begin(), list_.passages.end(), passage);
    const auto index = static_cast<std::size_t>(at - list_.passages.begin());
    begin_ = index == list_.passages.size() ? index : index / block_size_ * block_size_;
    end_ = std::min(list_.passages.size(), begin_ + block_size_);
  }
  PassageId block_last() const override {
    return begin_ == end_ ? kNoMorePassages : list_.passages[end_ - 1];
  }
  std::uint32_t block_max_frequency() const override { return MaxFrequency(begin_, end_); }
  std::uint32_t block_min_length() const override { return MinLength(begin_, end_); }
  std::span<const PassageId> passages() override {
    return std::span(list_.passages).subspan(begin_, end_ - begin_);
  }
  std::span<const std::uint32_t> frequencies() override {
    return std::span(list_.frequencies).subspan(begin_, end_ - begin_);
  }

 private:
  std::uint32_t MaxFrequency(std::size_t begin, std::size_t end) const {
    std::uint32_t most = 0;
    for (std::size_t i = begin; i < end; ++i) most = std::max(most, list_.frequencies[i]);
    return most;
  }
  std::uint32_t MinLength(std::size_t begin, std::size_t end) const {
    std::uint32_t least = ~0U;
    for (std::size_t i = begin; i < end; ++i) least = std::min(least, lengths_[list_.passages[i]]);
    return least;
  }

  const PostingList& list_;
  std::span<const std::uint32_t> lengths_;
  std::size_t block_size_;
  std::size_t begin_ = 0, end_ = 0;
};

class MemorySegment : public indexer::Segment {
 public:
  explicit MemorySegment(const MemorySegmentOptions& options)
      : documents_(options.documents), block_size_(options.block_size) {
    for (const auto& stored : documents_) {
      const auto number = static_cast<std::uint32_t>(first_passages_.size());
      const auto& document = stored.document;
      first_passages_.push_back(static_cast<PassageId>(refs_.size()));
      const bool live = !options.deleted.contains(document.id);
      has_deletions_ |= !live;
      for (const ByteRange range : options.split(document.text)) {
        const std::string text = document.text.substr(range.start, range.end - range.start);
        AddPassage(document.title + " " + text, options);
        refs_.push_back({.document = number, .range = range});
        live_.push_back(live);
      }
    }
  }

  std::uint32_t document_count() const override {
    return static_cast<std::uint32_t>(documents_.size());
  }
  std::uint32_t passage_count() const override { return static_cast<std::uint32_t>(refs_.size()); }
  std::span<const std::uint32_t> passage_lengths() const override { return lengths_; }
  std::uint64_t total_length() const override {
    return std::accumulate(lengths_.begin(), lengths_.end(), std::uint64_t{0});
  }
  std::unique_ptr<indexer::PostingCursor> Find(std::string_view term) const override {
    const auto found = lists_.find(std::string(term));
    if (found == lists_.end()) return nullptr;
    return std::make_unique<MemoryCursor>(found->second, lengths_, block_size_);
  }
  bool IsLive(PassageId passage) const override { return live_[passage]; }
  bool HasDeletions() const override { return has_deletions_; }
  absl::StatusOr<PassageSet> Match(std::string_view field, std::string_view value) const override {
    PassageSet set{.words = std::vector<std::uint64_t>((refs_.size() + 63) / 64)};
    for (std::size_t p = 0; p < refs_.size(); ++p) {
      const auto& document = documents_[refs_[p].document].document;
      const auto entry = document.metadata.find(std::string(field));
      const bool match = field == "collection"
                             ? document.collection == value
                             : entry != document.metadata.end() && entry->second == value;
      if (match) set.words[p / 64] |= std::uint64_t{1} << (p % 64);
    }
    return set;
  }
  absl::StatusOr<std::vector<indexer::VectorHit>> SearchVectors(
      std::span<const float> query, int k, const PassageSet* allowed) const override {
    std::vector<indexer::VectorHit> hits;
    for (std::size_t p = 0; p < vectors_.size(); ++p) {
      const auto passage = static_cast<PassageId>(p);
      if (!live_[p] || (allowed != nullptr && !allowed->Contains(passage))) continue;
      hits.push_back(
          {.passage = passage,
           .score = std::inner_product(query.begin(), query.end(), vectors_[p].begin(), 0.0F)});
    }
    std::sort(hits.begin(), hits.end(), [](const auto& a, const auto& b) {
      return a.score != b.score ? a.score > b.score : a.passage < b.passage;
    });
    if (hits.size() > static_cast<std::size_t>(k)) hits.resize(static_cast<std::size_t>(k));
    return hits;
  }
  indexer::PassageRef passage(PassageId passage) const override { return refs_[passage]; }
  absl::StatusOr<indexer::StoredPassage> ReadPassage(PassageId passage) const override {
    const auto [number, range] = refs_[passage];
    const auto& [document, version] = documents_[number];
    return indexer::StoredPassage{
        .document_id = document.id,
        .collection = document.collection,
        .title = document.title,
        .uri = document.uri,
        .version = version,
        .range = range,
        .text = document.text.substr(range.start, range.end - range.start)};
  }
  absl::StatusOr<indexer::StoredDocument> document(std::uint32_t document) const override {
    return documents_[document];
  }
  std::optional<std::uint32_t> DocumentOfVersion(std::uint64_t version) const override {
    for (std::size_t d = 0; d < documents_.size(); ++d) {
      if (documents_[d].version == version) return static_cast<std::uint32_t>(d);
    }
    return std::nullopt;
  }
  absl::StatusOr<indexer::StoredPassage> ReadRange(std::uint32_t number,
                                                   ByteRange range) const override {
    const auto& [document, version] = documents_[number];
    if (range.start > range.end || range.end > document.text.size()) {
      return absl::OutOfRangeError("range is not in the text");
    }
    return indexer::StoredPassage{
        .document_id = document.id,
        .collection = document.collection,
        .title = document.title,
        .uri = document.uri,
        .version = version,
        .range = range,
        .text = document.text.substr(range.start, range.end - range.start)};
  }
  PassageId FirstPassage(std::uint32_t document) const override {
    return document == documents_.size() ? passage_count() : first_passages_[document];
  }

 private:
  void AddPassage(const std::string& text, const MemorySegmentOptions& options) {
    const auto passage = static_cast<PassageId>(lengths_.size());
    std::map<std::string, std::uint32_t> counts;
    const auto terms = options.analyzer->Analyze(text);
    for (const auto& term : terms) ++counts[term.text];
    for (const auto& [term, count] : counts) {
      lists_[term].passages.push_back(passage);
      lists_[term].frequencies.push_back(count);
    }
    lengths_.push_back(static_cast<std::uint32_t>(terms.size()));
    if (options.embedder == nullptr) return;
    std::vector<float>& row = vectors_.emplace_back(options.embedder->Dimension());
    const std::string texts[] = {text};
    (void)options.embedder->Embed({.texts = texts}, row);
  }

  std::vector<indexer::StoredDocument> documents_;
  std::size_t block_size_;
  std::vector<PassageId> first_passages_;
  std::vector<indexer::PassageRef> refs_;
  std::vector<bool> live_;
  bool has_deletions_ = false;
  std::vector<std::uint32_t> lengths_;
  std::map<std::string, PostingList> lists_;
  std::vector<std::vector<float>> vectors_;
};

}  // namespace

std::vector<indexer::Term> WordAnalyzer::Analyze(std::string_view text) const {
  std::vector<indexer::Term> terms;
  const auto lower = [](char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  };
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t start = i;
    std::string word;
    for (; i < text.size() && is_word(lower(text[i])); ++i) word.push_back(lower(text[i]));
    if (word.empty()) continue;
    terms.push_back({.text = word,
                     .source = {static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(i)},
                     .position = static_cast<std::uint32_t>(terms.size())});
  }
  return terms;
}

std::vector<indexer::ByteRange> SplitParagraphs(std::string_view text) {
  std::vector<ByteRange> ranges;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.size(), text.find("\n\n", start));
    if (end > start) {
      ranges.push_back({static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(end)});
    }
    start = end + 2;
  }
  if (ranges.empty()) ranges.push_back({0, static_cast<std::uint32_t>(text.size())});
  return ranges;
}

std::shared_ptr<const indexer::Segment> MakeMemorySegment(const MemorySegmentOptions& options) {
  return std::make_shared<MemorySegment>(options);
}

absl::StatusOr<std::shared_ptr<const indexer::Snapshot>> MemorySource::Latest() {
  const std::scoped_lock lock(mutex_);
  return latest_;
}

void MemorySource::Set(absl::StatusOr<std::shared_ptr<const indexer::Snapshot>> latest) {
  const std::scoped_lock lock(mutex_);
  latest_ = std::move(latest);
}

}  // namespace citeseek::tests
