#include "retrieval/lexical/top_documents.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <tuple>
#include <vector>

namespace citeseek::retrieval {
namespace {

TEST(TopDocuments, KeepsTheBestPassageOfEachOfTheBestDocumentsInAnyOrderOfArrival) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<ScoredPassage> passages;
    for (std::uint32_t p = 0; p < 80; ++p) {
      passages.push_back({.segment = p / 40,
                          .passage = p % 40,
                          .document = p % 40 / 3,
                          .score = static_cast<float>(1 + random() % 12)});
    }
    std::map<std::pair<std::uint32_t, std::uint32_t>, ScoredPassage> documents;
    for (const ScoredPassage& p : passages) {
      const auto [entry, added] = documents.try_emplace({p.segment, p.document}, p);
      if (!added && p.score > entry->second.score) entry->second = p;
    }
    std::vector<ScoredPassage> want;
    for (const auto& [key, passage] : documents) want.push_back(passage);
    std::stable_sort(want.begin(), want.end(),
                     [](const auto& a, const auto& b) { return a.score > b.score; });
    const std::size_t k = 1 + random() % 30;
    want.resize(std::min(k, want.size()));

    std::shuffle(passages.begin(), passages.end(), random);
    TopDocuments top(k);
    for (const ScoredPassage& p : passages) top.Offer(p);
    EXPECT_EQ(top.threshold(), want.size() == k ? want.back().score : 0.0F);
    const auto got = top.Take();
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(std::tie(got[i].segment, got[i].passage),
                std::tie(want[i].segment, want[i].passage));
    }
  }
}

TEST(TopDocuments, KeepsTheBestPassagesWhateverTheirDocumentIfAskedTo) {
  TopDocuments top(2, true);
  for (std::uint32_t p = 0; p < 4; ++p) {
    top.Offer({.passage = p, .document = p / 3, .score = 5.0F - static_cast<float>(p)});
  }
  const auto got = top.Take();
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].passage, 0u);
  EXPECT_EQ(got[1].passage, 1u);
}

}  // namespace
}  // namespace citeseek::retrieval
