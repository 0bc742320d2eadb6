// OverlapRetriever: a retriever over documents in memory, ranked by idf-weighted term overlap.
//
// Keeps the contract of retrieval::Retriever: errors, top_k, collection, one hit a document with
// text == document text[start:end], deadlines and cancellation.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "indexer/analyzer.h"
#include "indexer/document.h"
#include "retrieval/retriever.h"

namespace citeseek::testing {

class OverlapRetriever final : public retrieval::Retriever {
 public:
  explicit OverlapRetriever(std::vector<indexer::Document> documents);

  absl::StatusOr<retrieval::Result> Search(const retrieval::Query& query) override;

  absl::StatusOr<retrieval::Result> Read(const retrieval::ReadRequest& request) override;

  // Not shown any more.
  void Remove(const std::string& id) { removed_.insert(id); }

  const indexer::Document* Find(const std::string& id) const;

  // Called first in each Search; a status that is not ok is returned.
  std::function<absl::Status(const retrieval::Query&)> before;

 private:
  struct Passage {
    std::size_t document = 0;
    indexer::ByteRange range;
    std::map<std::string, int> counts;
  };

  std::unique_ptr<const indexer::Analyzer> analyzer_ = indexer::MakeAnalyzer();
  std::vector<indexer::Document> documents_;
  std::vector<Passage> passages_;
  std::map<std::string, std::vector<std::size_t>> postings_;
  std::set<std::string> removed_;
};

}  // namespace citeseek::testing
