#include "retrieval/reranking_retriever.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"

namespace citeseek::retrieval {
namespace {

// Hits "0", "1", ... with falling scores.
class CountingRetriever final : public Retriever {
 public:
  absl::StatusOr<Result> Search(const Query& query) override {
    if (query.top_k < 1) return absl::InvalidArgumentError("top_k");
    Result result;
    for (int i = 0; i < std::min(query.top_k, available); ++i) {
      result.hits.push_back({.text = std::to_string(i), .score = 100.0 - i});
    }
    result.degraded = degraded;
    return result;
  }
  int available = 1000;
  std::string degraded;
};

// Likes high numbers.
class NumberReranker final : public inference::Reranker {
 public:
  std::string Name() const override { return "numbers"; }
  absl::Status Score(const inference::RerankRequest& request, std::span<float> out) override {
    if (absl::Now() >= request.deadline) return absl::DeadlineExceededError("no time");
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<float>(std::stoi(request.passages[i])) / 1000.0f;
    }
    asked = out.size();
    return status;
  }
  std::size_t asked = 0;
  absl::Status status;
};

class RerankingTest : public testing::Test {
 protected:
  std::string Order(const Query& query) {
    const auto result = retriever_->Search(query);
    if (!result.ok()) return result.status().ToString();
    std::string order;
    double last = 1e9;
    for (const Hit& hit : result->hits) {
      order += hit.text + " ";
      EXPECT_LT(hit.score, last);
      last = hit.score;
    }
    return order + result->degraded;
  }

  CountingRetriever inner_;
  NumberReranker reranker_;
  const std::unique_ptr<Retriever> retriever_ =
      MakeRerankingRetriever({.retriever = &inner_, .reranker = &reranker_, .depth = 4});
};

TEST_F(RerankingTest, TheFirstHitsAreReorderedAndTheRestKeepsItsPlace) {
  EXPECT_EQ(Order({.text = "q", .top_k = 6}), "3 2 1 0 4 5 ");
}

TEST_F(RerankingTest, AHitFromBehindTopKCanComeFirst) {
  EXPECT_EQ(Order({.text = "q", .top_k = 2}), "3 2 ");
  EXPECT_EQ(reranker_.asked, 4u);
}

TEST_F(RerankingTest, FewHitsAreEnough) {
  inner_.available = 2;
  EXPECT_EQ(Order({.text = "q", .top_k = 6}), "1 0 ");
  inner_.available = 1;
  EXPECT_EQ(Order({.text = "q", .top_k = 6}), "0 ");
  inner_.available = 0;
  EXPECT_EQ(Order({.text = "q", .top_k = 6}), "");
}

TEST_F(RerankingTest, AFailureLeavesTheOrderAndIsTold) {
  reranker_.status = absl::UnavailableError("gone");
  EXPECT_EQ(Order({.text = "q", .top_k = 3}), "0 1 2 not reranked: gone");
  inner_.degraded = "lexical only";
  EXPECT_EQ(Order({.text = "q", .top_k = 3}), "0 1 2 lexical only; not reranked: gone");
}

TEST_F(RerankingTest, ErrorsOfTheSearchAndAStopComeThrough) {
  EXPECT_EQ(Order({.text = "q", .top_k = 0}), "INVALID_ARGUMENT: top_k");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(Order({.text = "q", .stop = stop.get_token()}), "CANCELLED: search cancelled");
}

}  // namespace
}  // namespace citeseek::retrieval
