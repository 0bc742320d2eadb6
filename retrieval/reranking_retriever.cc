#include "retrieval/reranking_retriever.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace citeseek::retrieval {
namespace {

class RerankingRetriever final : public Retriever {
 public:
  explicit RerankingRetriever(const RerankingOptions& options) : options_(options) {}

  absl::StatusOr<Result> Search(const Query& query) override {
    Query wide = query;
    if (query.top_k >= 1) wide.top_k = std::max(query.top_k, options_.depth);
    auto result = options_.retriever->Search(wide);
    if (!result.ok()) return result;
    const absl::Status status = Rerank(query, result->hits);
    if (query.stop.stop_requested()) return absl::CancelledError("search cancelled");
    if (!status.ok()) {
      absl::StrAppend(&result->degraded, result->degraded.empty() ? "" : "; ",
                      "not reranked: ", std::string(status.message()));
    }
    const auto wanted = static_cast<std::size_t>(query.top_k);
    if (result->hits.size() > wanted) result->hits.resize(wanted);
    return result;
  }

  absl::StatusOr<Result> Read(const ReadRequest& request) override {
    return options_.retriever->Read(request);
  }

 private:
  absl::Status Rerank(const Query& query, std::vector<Hit>& hits) const {
    const auto depth = std::min(hits.size(), static_cast<std::size_t>(options_.depth));
    if (depth < 2) return absl::OkStatus();
    std::vector<std::string> passages;
    for (std::size_t i = 0; i < depth; ++i) passages.push_back(hits[i].text);
    absl::Time deadline = query.deadline;  // half of the time is for what comes after
    if (deadline != absl::InfiniteFuture()) deadline -= (deadline - absl::Now()) / 2;
    std::vector<float> scores(depth);
    const absl::Status status = options_.reranker->Score(
        {.query = query.text, .passages = passages, .deadline = deadline, .stop = query.stop},
        scores);
    if (!status.ok()) return status;
    std::vector<std::size_t> order(depth);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
    // Scores stay those of the search, so that they still fall from hit to hit.
    std::vector<double> fused;
    for (std::size_t i = 0; i < depth; ++i) fused.push_back(hits[i].score);
    std::vector<Hit> sorted;
    for (const std::size_t i : order) sorted.push_back(std::move(hits[i]));
    for (std::size_t i = 0; i < depth; ++i) {
      hits[i] = std::move(sorted[i]);
      hits[i].score = fused[i];
    }
    return absl::OkStatus();
  }

  const RerankingOptions options_;
};

}  // namespace

std::unique_ptr<Retriever> MakeRerankingRetriever(const RerankingOptions& options) {
  return std::make_unique<RerankingRetriever>(options);
}

}  // namespace citeseek::retrieval
