#include "retrieval/hybrid_retriever.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "inference/utf8.h"
#include "retrieval/dense/dense_query.h"
#include "retrieval/lexical/lexical_query.h"
#include "retrieval/lexical/spelling.h"
#include "retrieval/rank/fetch.h"
#include "retrieval/rank/filter_sets.h"
#include "retrieval/rank/fusion.h"
#include "retrieval/rank/places.h"

namespace citeseek::retrieval {
namespace {

using indexer::Snapshot;

// Each leg brings this many candidates at least, so that fusion has something to choose from.
constexpr std::size_t kMinCandidates = 100;
constexpr std::size_t kFurther = 16;
constexpr double kLargestDot = 1.01;  // of unit vectors, one rounded to bytes
constexpr absl::Duration kGenerationPoll = absl::Milliseconds(2);
constexpr absl::Duration kMaxGenerationWait = absl::Seconds(30);
// With less time than this the vectors are left out; the embedder may take half of what there is.
constexpr absl::Duration kMinTimeForDense = absl::Milliseconds(20);

absl::Status CheckUtf8(const std::string& name, std::string_view text) {
  const std::size_t valid = inference::ValidUtf8Prefix(text);
  if (valid == text.size()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " is not UTF-8 at byte ", valid));
}

// Of a Query or a ReadRequest.
absl::Status CheckScope(const auto& request) {
  if (auto status = CheckUtf8("collection", request.collection); !status.ok()) return status;
  for (const Filter& filter : request.filters) {
    if (auto status = CheckUtf8("filter field", filter.field); !status.ok()) return status;
    auto status = CheckUtf8(absl::StrCat("filter ", filter.field), filter.value);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Validate(const Query& query) {
  if (query.text.empty()) return absl::InvalidArgumentError("query is empty");
  if (query.text.size() > kMaxQueryBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "query of ", query.text.size(), " bytes is longer than the limit of ", kMaxQueryBytes));
  }
  if (query.top_k < 1 || query.top_k > kMaxTopK) {
    return absl::InvalidArgumentError(
        absl::StrCat("top_k ", query.top_k, " is not in [1, ", kMaxTopK, "]"));
  }
  if (auto status = CheckUtf8("query", query.text); !status.ok()) return status;
  return CheckScope(query);
}

absl::Status CheckLimits(const auto& query, const char* stage) {
  if (query.stop.stop_requested()) return absl::CancelledError("search cancelled");
  if (query.deadline != absl::InfiniteFuture() && absl::Now() > query.deadline) {
    return absl::DeadlineExceededError(absl::StrCat("deadline passed before ", stage));
  }
  return absl::OkStatus();
}

class Stopwatch {
 public:
  // Time since the last lap.
  absl::Duration Lap() {
    const auto now = std::chrono::steady_clock::now();
    return absl::FromChrono(now - std::exchange(last_, now));
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

class HybridRetriever : public Retriever {
 public:
  explicit HybridRetriever(const HybridOptions& options) : options_(options) {}

  absl::StatusOr<Result> Search(const Query& query) override {
    if (absl::Status status = Validate(query); !status.ok()) return status;
    auto snapshot = TakeSnapshot(query);
    if (!snapshot.ok()) return snapshot.status();
    Result result;
    result.generation = (*snapshot)->generation();
    auto ranked = Rank(**snapshot, query, &result);
    if (!ranked.ok()) return ranked.status();
    Stopwatch watch;
    auto hits = FetchHits(**snapshot, *ranked, query);
    if (!hits.ok()) return hits.status();
    result.stats.fetch = watch.Lap();
    result.hits = *std::move(hits);
    return result;
  }

  absl::StatusOr<Result> Read(const ReadRequest& request) override {
    if (request.places.size() > kMaxPlaces) {
      return absl::InvalidArgumentError(
          absl::StrCat(request.places.size(), " places are more than the limit of ", kMaxPlaces));
    }
    if (absl::Status status = CheckScope(request); !status.ok()) return status;
    auto snapshot = TakeSnapshot(request);
    if (!snapshot.ok()) return snapshot.status();
    const auto allowed = AllowedPassages(**snapshot, request.collection, request.filters);
    if (!allowed.ok()) return allowed.status();
    return ReadPlaces(**snapshot, request, *allowed);
  }

 private:
  absl::StatusOr<std::shared_ptr<const Snapshot>> TakeSnapshot(const auto& query) const {
    const absl::Time patience = absl::Now() + kMaxGenerationWait;
    while (true) {
      if (absl::Status status = CheckLimits(query, "the search"); !status.ok()) return status;
      auto snapshot = options_.snapshots->Latest();
      if (!snapshot.ok() || (*snapshot)->generation() >= query.min_generation) return snapshot;
      if (absl::Now() > patience) {
        return absl::UnavailableError(absl::StrCat("generation ", query.min_generation,
                                                   " is not visible after ",
                                                   absl::FormatDuration(kMaxGenerationWait),
                                                   ", the newest is ", (*snapshot)->generation()));
      }
      std::this_thread::sleep_for(absl::ToChronoMilliseconds(kGenerationPoll));
    }
  }

  absl::StatusOr<std::vector<Candidate>> Rank(const Snapshot& snapshot, const Query& query,
                                              Result* result) const {
    Stopwatch watch;
    auto terms = CountTerms(*options_.analyzer, query.text);
    CorrectSpelling(snapshot, *options_.analyzer, query.text, &terms);
    result->stats.analyze = watch.Lap();
    const auto allowed = AllowedPassages(snapshot, query.collection, query.filters);
    if (!allowed.ok()) return allowed.status();

    const std::size_t top_k = static_cast<std::size_t>(query.top_k);
    auto dense = OpenDense(snapshot, query, &result->degraded);
    if (!dense.ok()) return dense.status();
    const bool lexical_alone = !dense->has_value();
    const std::size_t wanted = lexical_alone ? top_k : std::max(top_k, kMinCandidates);
    LexicalQuery lexical(snapshot, terms, {.k1 = options_.bm25_k1, .b = options_.bm25_b});
    std::vector<ScoredPassage> matching;
    if (lexical_alone || query.legs == Legs::kHybrid) {
      auto found = lexical.Search({.top_k = wanted,
                                   .each_passage = query.each_passage,
                                   .allowed = *allowed,
                                   .deadline = query.deadline,
                                   .stop = query.stop});
      if (!found.ok()) return found.status();
      matching = *std::move(found);
      result->stats.lexical = watch.Lap();
    }
    FusionWeights weights = {.dense = 0};
    if (!lexical_alone) {
      weights = DenseLeg(options_.embedder->KnowsMeaning(), options_.dense_weight, terms.size());
      if (query.legs == Legs::kDense) weights.dense = 1;
    }
    // Of spread scores it is unknown what those have that were not seen.
    if (!lexical_alone && !matching.empty() && !weights.spread) {
      auto candidates = Join(matching, {}, lexical, *dense);
      if (!candidates.ok()) return candidates.status();
      auto ranked = Fuse(*candidates, weights, top_k, query.each_passage);
      result->stats.fuse = watch.Lap();
      // Of documents not seen yet none has a better BM25 than the last one seen.
      const double unseen = matching.size() < wanted ? 0 : matching.back().score;
      const double reach =
          (1 - weights.dense) * unseen / matching.front().score + weights.dense * kLargestDot;
      if (ranked.size() == top_k && ranked.back().fused > reach) return ranked;
    }
    // The nearest passages may be those of a few documents: if hits are missing look further, once.
    for (std::size_t nearest = wanted;; nearest *= kFurther) {
      std::vector<ScoredPassage> near;
      if (!lexical_alone) {
        auto found = (*dense)->Search({.top_k = nearest,
                                       .allowed = *allowed,
                                       .deadline = query.deadline,
                                       .stop = query.stop});
        if (!found.ok()) return found.status();
        near = *std::move(found);
        result->stats.dense += watch.Lap();
      }
      auto candidates = Join(matching, near, lexical, *dense);
      if (!candidates.ok()) return candidates.status();
      auto ranked = Fuse(*candidates, weights, top_k, query.each_passage);
      result->stats.fuse += watch.Lap();
      if (ranked.size() == top_k || near.size() < nearest || nearest > wanted) return ranked;
    }
  }

  // Nothing if the dense leg is not asked for, or, with the reason in `degraded`, if it cannot run.
  absl::StatusOr<std::optional<DenseQuery>> OpenDense(const Snapshot& snapshot, const Query& query,
                                                      std::string* degraded) const {
    if (query.legs == Legs::kLexical || snapshot.segments().empty()) return std::nullopt;
    if (options_.embedder == nullptr) {
      if (query.legs == Legs::kDense) *degraded = "lexical only: there is no embedder";
      return std::nullopt;
    }
    absl::Time deadline = query.deadline;
    if (deadline != absl::InfiniteFuture()) {
      const absl::Duration left = deadline - absl::Now();
      if (left < kMinTimeForDense) {
        *degraded =
            absl::StrCat("lexical only: the deadline is ", absl::FormatDuration(left),
                         " away, the vectors need ", absl::FormatDuration(kMinTimeForDense));
        return std::nullopt;
      }
      deadline -= left / 2;
    }
    auto vector = EmbedQuery(snapshot, {.embedder = options_.embedder,
                                        .text = query.text,
                                        .deadline = deadline,
                                        .stop = query.stop});
    if (query.stop.stop_requested()) return absl::CancelledError("search cancelled");
    if (!vector.ok()) {
      *degraded = absl::StrCat("lexical only: ", vector.status().message());
      return std::nullopt;
    }
    const bool empty = std::all_of(vector->begin(), vector->end(), [](float x) { return x == 0; });
    if (empty) return std::nullopt;
    return DenseQuery(snapshot, *std::move(vector));
  }

  // All passages of both legs, each with both scores.
  static absl::StatusOr<std::vector<Candidate>> Join(std::span<const ScoredPassage> matching,
                                                     std::span<const ScoredPassage> near,
                                                     LexicalQuery& lexical,
                                                     std::optional<DenseQuery>& dense);

  const HybridOptions options_;
};

absl::StatusOr<std::vector<Candidate>> HybridRetriever::Join(
    std::span<const ScoredPassage> matching, std::span<const ScoredPassage> near,
    LexicalQuery& lexical, std::optional<DenseQuery>& dense) {
  std::vector<Candidate> candidates;
  candidates.reserve(matching.size() + near.size());
  const auto add = [&](const ScoredPassage& p, float lexical_score, float dense_score) {
    candidates.push_back({.segment = p.segment,
                          .passage = p.passage,
                          .document = p.document,
                          .lexical = lexical_score,
                          .dense = dense_score});
  };
  for (const ScoredPassage& p : matching) add(p, p.score, 0);
  if (!dense.has_value()) return candidates;

  // Segments are few and candidates hundreds: sort by place and merge.
  const auto place = [](const auto& a, const auto& b) {
    return std::pair(a.segment, a.passage) < std::pair(b.segment, b.passage);
  };
  auto scores = dense->Score(matching);
  if (!scores.ok()) return scores.status();
  std::sort(candidates.begin(), candidates.end(), place);
  for (const ScoredPassage& p : *scores) {
    const Candidate key{.segment = p.segment, .passage = p.passage};
    std::lower_bound(candidates.begin(), candidates.end(), key, place)->dense = p.score;
  }
  const std::size_t matched = candidates.size();
  for (const ScoredPassage& p : near) {
    const Candidate key{.segment = p.segment, .passage = p.passage};
    const auto end = candidates.begin() + static_cast<std::ptrdiff_t>(matched);
    const auto same = std::lower_bound(candidates.begin(), end, key, place);
    if (same != end && !place(key, *same)) continue;
    add(p, lexical.Score(p.segment, p.passage), p.score);
  }
  return candidates;
}

}  // namespace

std::unique_ptr<Retriever> MakeHybridRetriever(const HybridOptions& options) {
  return std::make_unique<HybridRetriever>(options);
}

}  // namespace citeseek::retrieval
