// Retriever: turns a question into ranked passages.
//
// Thread-safe. All hits of a result come from one generation. Degrades rather than fails: without
// an embedder, or near the deadline, the answer is lexical only and Result::degraded says so.
// Errors: kInvalidArgument (empty query, query longer than kMaxQueryBytes, top_k outside
// [1, kMaxTopK], not UTF-8), kDeadlineExceeded, kCancelled, kDataLoss, kUnavailable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace citeseek::retrieval {

inline constexpr std::size_t kMaxQueryBytes = 32 << 10;
inline constexpr int kMaxTopK = 1000;

// A hit's document must have this metadata value. Several filters must all hold.
struct Filter {
  std::string field;
  std::string value;
};

enum class Legs { kHybrid, kLexical, kDense };

struct Query {
  std::string text;  // UTF-8
  int top_k = 10;
  std::string collection;  // empty: all
  std::vector<Filter> filters;
  Legs legs = Legs::kHybrid;
  bool each_passage = false;  // hits are passages, not only the best one of each document
  // Wait until at least this generation is visible (0: take the newest there is).
  std::uint64_t min_generation = 0;
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};

// The best passage of a document, which gives one hit, unless Query::each_passage.
struct Hit {
  std::string document_id;
  std::string collection;
  std::string passage_id;  // "<document id>#<number of the passage in the document>"
  std::uint64_t version = 0;
  std::string title;
  std::string uri;
  std::uint32_t start = 0;  // bytes in the stored document text
  std::uint32_t end = 0;
  std::string text;          // document text[start:end]
  double score = 0;          // fused; only the order within one result has a meaning
  double lexical_score = 0;  // BM25
  double dense_score = 0;    // dot product; 0 if the dense leg did not see it
};

struct SearchStats {
  absl::Duration analyze, lexical, dense, fuse, fetch;
};

struct Result {
  std::vector<Hit> hits;  // best first
  std::uint64_t generation = 0;
  std::string degraded;  // empty, or why a leg was left out
  SearchStats stats;
};

// Places in documents, as hits and citations name them.
struct Place {
  std::string document_id;
  std::string collection;
  std::uint64_t version = 0;
  std::uint32_t start = 0;  // bytes in the stored document text
  std::uint32_t end = 0;
};

inline constexpr std::size_t kMaxPlaces = 4096;

struct ReadRequest {
  std::vector<Place> places;  // at most kMaxPlaces
  // What does not lie in here is not seen.
  std::string collection;  // empty: all
  std::vector<Filter> filters;
  std::uint64_t min_generation = 0;
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};

class Retriever {
 public:
  virtual ~Retriever() = default;
  virtual absl::StatusOr<Result> Search(const Query& query) = 0;

  // The texts at these places, in their order, as the newest generation shows them: places whose
  // document has been deleted or replaced since are left out. Hits have no scores, and the passage
  // id of the passage that their first byte lies in. Errors: as Search; kUnimplemented.
  virtual absl::StatusOr<Result> Read(const ReadRequest& request);
};

}  // namespace citeseek::retrieval
