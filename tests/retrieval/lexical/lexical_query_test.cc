#include "retrieval/lexical/lexical_query.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/support/memory_segment.h"

namespace citeseek::retrieval {
namespace {

using indexer::PassageId;
using indexer::PassageSet;
using indexer::Segment;
using tests::MakeMemorySegment;
using tests::MemorySnapshot;
using tests::WordAnalyzer;

// A collection of `words` words with Zipfian frequencies, cut into segments.
struct RandomCollection {
  MemorySnapshot snapshot;
  std::vector<PassageSet> allowed;

  RandomCollection(std::mt19937& random, int segments, int documents, int words,
                   std::size_t block_size) {
    const WordAnalyzer analyzer;
    const auto below = [&](int n) { return static_cast<int>(random() % unsigned(n)); };
    const auto word = [&] { return "w" + std::to_string(below(1 + below(words))); };
    for (int s = 0; s < segments; ++s) {
      tests::MemorySegmentOptions options{.analyzer = &analyzer, .block_size = block_size};
      for (int d = 0; d < documents; ++d) {
        indexer::StoredDocument stored;
        stored.document.id = std::to_string(s) + "/" + std::to_string(d);
        if (below(2) == 0) stored.document.title = word();
        for (int paragraphs = 1 + below(3); paragraphs > 0; --paragraphs) {
          for (int n = 1 + below(12); n > 0; --n) stored.document.text += word() + " ";
          stored.document.text += "\n\n";
        }
        stored.document.metadata["parity"] = d % 2 == 0 ? "even" : "odd";
        if (below(8) == 0) options.deleted.insert(stored.document.id);
        options.documents.push_back(std::move(stored));
      }
      snapshot.segments_.push_back(MakeMemorySegment(options));
      allowed.push_back(*snapshot.segments_.back()->Match("parity", "odd"));
    }
  }
};

std::vector<ScoredPassage> BruteForce(const indexer::Snapshot& snapshot,
                                      const std::vector<QueryTerm>& terms,
                                      const Bm25Parameters& bm25,
                                      const std::vector<PassageSet>& allowed, std::size_t k) {
  std::uint64_t passages = 0, total = 0;
  for (const auto& segment : snapshot.segments()) {
    passages += segment->passage_count();
    total += segment->total_length();
  }
  const LengthNorm norm = MakeLengthNorm(bm25, passages, total);
  std::map<std::string, float> weights;
  for (const QueryTerm& term : terms) {
    std::uint64_t with_term = 0;
    for (const auto& segment : snapshot.segments()) {
      if (const auto cursor = segment->Find(term.text)) with_term += cursor->passage_count();
    }
    weights[term.text] = static_cast<float>((bm25.k1 + 1) * term.weight * Idf(passages, with_term));
  }
  std::vector<std::pair<float, std::string>> order;
  for (const auto& [text, weight] : weights) order.emplace_back(-weight, text);
  std::sort(order.begin(), order.end());

  std::vector<ScoredPassage> best;
  for (std::uint32_t s = 0; s < snapshot.segments().size(); ++s) {
    const Segment& segment = *snapshot.segments()[s];
    std::vector<float> scores(segment.passage_count());
    for (const auto& [minus_weight, text] : order) {
      const auto cursor = segment.Find(text);
      if (cursor == nullptr) continue;
      for (cursor->SeekBlock(0); cursor->block_last() != indexer::kNoMorePassages;
           cursor->SeekBlock(cursor->block_last() + 1)) {
        for (std::size_t i = 0; i < cursor->passages().size(); ++i) {
          const PassageId p = cursor->passages()[i];
          scores[p] += TermScore(-minus_weight, cursor->frequencies()[i],
                                 norm(segment.passage_lengths()[p]));
        }
      }
    }
    std::map<std::uint32_t, ScoredPassage> documents;
    for (PassageId p = 0; p < scores.size(); ++p) {
      if (scores[p] <= 0 || !segment.IsLive(p)) continue;
      if (!allowed.empty() && !allowed[s].Contains(p)) continue;
      const std::uint32_t document = segment.passage(p).document;
      const ScoredPassage found{
          .segment = s, .passage = p, .document = document, .score = scores[p]};
      const auto [entry, added] = documents.try_emplace(document, found);
      if (!added && scores[p] > entry->second.score) entry->second = found;
    }
    for (const auto& [document, passage] : documents) best.push_back(passage);
  }
  std::stable_sort(best.begin(), best.end(), [](const ScoredPassage& a, const ScoredPassage& b) {
    return a.score > b.score;
  });
  if (best.size() > k) best.resize(k);
  return best;
}

void ExpectSame(const std::vector<ScoredPassage>& got, const std::vector<ScoredPassage>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].segment, want[i].segment) << "rank " << i;
    ASSERT_EQ(got[i].passage, want[i].passage) << "rank " << i;
    ASSERT_EQ(got[i].document, want[i].document) << "rank " << i;
    ASSERT_EQ(got[i].score, want[i].score) << "rank " << i;
  }
}

TEST(LexicalQuery, FindsTheSameTopKAsBruteForceToTheLastBit) {
  std::mt19937 random(7);
  int searched = 0;
  for (int round = 0; round < 120; ++round) {
    const int segments = 1 + round % 3;
    const int words = 3 + static_cast<int>(random() % 60);
    const RandomCollection collection(random, segments, 1 + static_cast<int>(random() % 120), words,
                                      1 + random() % 9);
    for (int query = 0; query < 20; ++query) {
      std::map<std::string, double> counts;
      for (std::size_t n = 1 + random() % 8; n > 0; --n) {
        counts["w" + std::to_string(random() % unsigned(words))] += 1;
      }
      std::vector<QueryTerm> terms;
      for (const auto& [text, weight] : counts) terms.push_back({text, weight});
      const Bm25Parameters bm25{.k1 = 0.4 + 0.4 * (query % 3), .b = 0.25 * (query % 5)};
      const std::size_t k = 1 + random() % 20;
      const auto allowed = query % 4 == 0 ? collection.allowed : std::vector<PassageSet>();
      LexicalQuery lexical(collection.snapshot, terms, bm25);
      const auto got = lexical.Search({.top_k = k, .allowed = allowed});
      ASSERT_TRUE(got.ok()) << got.status();
      const auto want = BruteForce(collection.snapshot, terms, bm25, allowed, k);
      ASSERT_NO_FATAL_FAILURE(ExpectSame(*got, want)) << "round " << round << " query " << query;
      for (const ScoredPassage& hit : *got) {
        ASSERT_EQ(lexical.Score(hit.segment, hit.passage), hit.score);
      }
      ++searched;
    }
  }
  EXPECT_EQ(searched, 2400);
}

TEST(LexicalQuery, FindsTheSameTopKAsBruteForceOverManyWindows) {
  std::mt19937 random(8);
  const RandomCollection collection(random, 2, 9000, 4000, 128);
  ASSERT_GT(collection.snapshot.segments()[0]->passage_count(), 4U * 4096U);
  for (int query = 0; query < 60; ++query) {
    std::vector<QueryTerm> terms;
    std::set<unsigned> used;
    for (int n = 0; n < 2 + query % 9; ++n) {
      const unsigned word = static_cast<unsigned>(random() % (1 + random() % 4000));
      if (used.insert(word).second) terms.push_back({"w" + std::to_string(word), 1.0});
    }
    const auto allowed = query % 5 == 0 ? collection.allowed : std::vector<PassageSet>();
    const std::size_t k = query % 3 == 0 ? 100 : 10;
    const auto got =
        LexicalQuery(collection.snapshot, terms, {}).Search({.top_k = k, .allowed = allowed});
    ASSERT_TRUE(got.ok()) << got.status();
    ASSERT_NO_FATAL_FAILURE(
        ExpectSame(*got, BruteForce(collection.snapshot, terms, {}, allowed, k)))
        << "query " << query;
  }
}

TEST(LexicalQuery, DoesNotDependOnHowTheCollectionIsCutIntoSegments) {
  const WordAnalyzer analyzer;
  std::vector<indexer::StoredDocument> documents(40);
  for (std::size_t d = 0; d < documents.size(); ++d) {
    documents[d].document.id = std::to_string(d);
    documents[d].document.text = "common w" + std::to_string(d % 7) + (d % 3 == 0 ? " rare" : "");
  }
  MemorySnapshot one, two;
  one.segments_ = {MakeMemorySegment({.documents = documents, .analyzer = &analyzer})};
  two.segments_ = {MakeMemorySegment({.documents = {documents.begin(), documents.begin() + 13},
                                      .analyzer = &analyzer}),
                   MakeMemorySegment({.documents = {documents.begin() + 13, documents.end()},
                                      .analyzer = &analyzer})};
  const std::vector<QueryTerm> terms = {{"common"}, {"rare"}, {"w3"}};
  const auto whole = LexicalQuery(one, terms, {}).Search({.top_k = 40});
  const auto cut = LexicalQuery(two, terms, {}).Search({.top_k = 40});
  ASSERT_EQ(whole->size(), 40U);
  ASSERT_EQ(cut->size(), 40U);
  for (std::size_t i = 0; i < 40; ++i) {
    EXPECT_EQ((*whole)[i].score, (*cut)[i].score);
    EXPECT_EQ((*whole)[i].document, (*cut)[i].document + 13 * (*cut)[i].segment);
  }
}

TEST(LexicalQuery, SearchesTheRarestTermsOfAnEndlessQuery) {
  const WordAnalyzer analyzer;
  std::vector<indexer::StoredDocument> documents(2);
  for (int w = 0; w < 100; ++w) documents[0].document.text += "w" + std::to_string(w) + " ";
  for (int w = 0; w < 40; ++w) documents[1].document.text += "w" + std::to_string(w) + " ";
  MemorySnapshot snapshot;
  snapshot.segments_ = {MakeMemorySegment({.documents = documents, .analyzer = &analyzer})};
  std::vector<QueryTerm> terms;
  for (int w = 0; w < 100; ++w) terms.push_back({"w" + std::to_string(w)});
  LexicalQuery query(snapshot, terms, {});
  EXPECT_EQ(query.term_count(), kMaxSearchedTerms);
  const auto hits = query.Search({.top_k = 2});
  ASSERT_EQ(hits->size(), 2U);  // four of the frequent words are left, for the second document
  EXPECT_GT((*hits)[0].score, 10 * (*hits)[1].score);
}

TEST(LexicalQuery, StopsWhenAsked) {
  std::mt19937 random(9);
  const RandomCollection collection(random, 1, 50, 20, 4);
  const std::vector<QueryTerm> terms = {{"w1"}};
  LexicalQuery query(collection.snapshot, terms, {});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(query.Search({.stop = stop.get_token()}).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(query.Search({.deadline = absl::InfinitePast()}).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(query.Search({}).ok());
}

TEST(LexicalQuery, FindsNothingForUnknownTermsOrInAnEmptyIndex) {
  std::mt19937 random(9);
  const RandomCollection collection(random, 1, 50, 20, 4);
  const std::vector<QueryTerm> terms = {{"absent"}};
  EXPECT_TRUE(LexicalQuery(collection.snapshot, terms, {}).Search({})->empty());
  EXPECT_TRUE(LexicalQuery(MemorySnapshot(), terms, {}).Search({})->empty());
  EXPECT_TRUE(LexicalQuery(collection.snapshot, {}, {}).Search({})->empty());
}

}  // namespace
}  // namespace citeseek::retrieval
