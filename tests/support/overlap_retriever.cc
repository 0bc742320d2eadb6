#include "tests/support/overlap_retriever.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "inference/utf8.h"

namespace citeseek::testing {
namespace {

constexpr std::size_t kPassageBytes = 1500;

// Neighbouring sentences, up to kPassageBytes of them.
std::vector<indexer::ByteRange> Passages(std::string_view text) {
  std::vector<indexer::ByteRange> passages;
  for (const indexer::ByteRange sentence : indexer::SplitSentences(text)) {
    if (passages.empty() || sentence.end - passages.back().start > kPassageBytes) {
      passages.push_back(sentence);
    } else {
      passages.back().end = sentence.end;
    }
  }
  return passages;
}

}  // namespace

OverlapRetriever::OverlapRetriever(std::vector<indexer::Document> documents)
    : documents_(std::move(documents)) {
  for (std::size_t d = 0; d < documents_.size(); ++d) {
    const indexer::Document& document = documents_[d];
    for (const indexer::ByteRange range : Passages(document.text)) {
      Passage passage{.document = d, .range = range};
      const std::string text =
          document.title + "\n" + document.text.substr(range.start, range.end - range.start);
      for (indexer::Term& term : analyzer_->Analyze(text)) ++passage.counts[std::move(term.text)];
      for (const auto& [term, count] : passage.counts) postings_[term].push_back(passages_.size());
      passages_.push_back(std::move(passage));
    }
  }
}

const indexer::Document* OverlapRetriever::Find(const std::string& id) const {
  for (const indexer::Document& document : documents_) {
    if (document.id == id) return &document;
  }
  return nullptr;
}

absl::StatusOr<retrieval::Result> OverlapRetriever::Search(const retrieval::Query& query) {
  if (before) {
    if (absl::Status status = before(query); !status.ok()) return status;
  }
  if (query.text.empty()) return absl::InvalidArgumentError("query is empty");
  if (!inference::IsValidUtf8(query.text)) return absl::InvalidArgumentError("query is not UTF-8");
  if (query.top_k < 1 || query.top_k > retrieval::kMaxTopK) {
    return absl::InvalidArgumentError(
        absl::StrCat("top_k ", query.top_k, " is not in [1, ", retrieval::kMaxTopK, "]"));
  }
  if (query.stop.stop_requested()) return absl::CancelledError("search cancelled");
  if (absl::Now() > query.deadline) return absl::DeadlineExceededError("search deadline passed");
  std::map<std::size_t, double> scores;
  for (const indexer::Term& term : analyzer_->Analyze(query.text)) {
    const auto found = postings_.find(term.text);
    if (found == postings_.end()) continue;
    const auto frequency = static_cast<double>(found->second.size());
    const double idf =
        std::log(1 + (static_cast<double>(passages_.size()) - frequency + 0.5) / (frequency + 0.5));
    for (std::size_t p : found->second) {
      const double count = passages_[p].counts.at(term.text);
      const double length = passages_[p].range.end - passages_[p].range.start;
      scores[p] += idf * count * 1.9 / (count + 0.9 * (0.6 + 0.4 * length / 600));
    }
  }
  std::vector<std::pair<double, std::size_t>> ranked;
  for (const auto& [passage, score] : scores) ranked.emplace_back(-score, passage);
  std::sort(ranked.begin(), ranked.end());
  retrieval::Result result{.generation = 1};
  std::vector<bool> seen(documents_.size());
  for (const auto& [score, p] : ranked) {
    if (result.hits.size() == static_cast<std::size_t>(query.top_k)) break;
    const Passage& passage = passages_[p];
    const indexer::Document& document = documents_[passage.document];
    if (!query.collection.empty() && document.collection != query.collection) continue;
    if (seen[passage.document] || removed_.contains(document.id)) continue;
    seen[passage.document] = true;
    const std::uint32_t start = passage.range.start, end = passage.range.end;
    result.hits.push_back({.document_id = document.id,
                           .collection = document.collection,
                           .passage_id = absl::StrCat(document.id, "#", p),
                           .version = 1,
                           .title = document.title,
                           .uri = document.uri,
                           .start = start,
                           .end = end,
                           .text = document.text.substr(start, end - start),
                           .score = -score,
                           .lexical_score = -score});
  }
  return result;
}

absl::StatusOr<retrieval::Result> OverlapRetriever::Read(const retrieval::ReadRequest& request) {
  retrieval::Result result{.generation = 1};
  for (const retrieval::Place& place : request.places) {
    const indexer::Document* document = Find(place.document_id);
    if (document == nullptr || removed_.contains(place.document_id) || place.version != 1 ||
        place.end > document->text.size() || document->collection != place.collection ||
        (!request.collection.empty() && document->collection != request.collection)) {
      continue;
    }
    std::string passage_id;
    for (std::size_t p = 0; p < passages_.size(); ++p) {
      if (&documents_[passages_[p].document] == document &&
          passages_[p].range.start <= place.start) {
        passage_id = absl::StrCat(document->id, "#", p);
      }
    }
    result.hits.push_back({.document_id = document->id,
                           .collection = document->collection,
                           .passage_id = passage_id,
                           .version = 1,
                           .title = document->title,
                           .uri = document->uri,
                           .start = place.start,
                           .end = place.end,
                           .text = document->text.substr(place.start, place.end - place.start)});
  }
  return result;
}

}  // namespace citeseek::testing
