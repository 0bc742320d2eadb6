// Reranker: turns a query and passages into one relevance score a passage.
//
// Thread-safe. Errors: kInvalidArgument (out has the wrong size, text not UTF-8),
// kDeadlineExceeded, kCancelled, kUnavailable.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inference/model_options.h"

namespace citeseek::inference {

struct RerankRequest {
  std::string query;                      // UTF-8
  std::span<const std::string> passages;  // UTF-8
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
};

class Reranker {
 public:
  virtual ~Reranker() = default;

  virtual std::string Name() const = 0;

  // out [passages] float32 in [0, 1]; only the order within one call has a meaning.
  virtual absl::Status Score(const RerankRequest& request, std::span<float> out) = 0;
};

// The reranker that needs no download: the idf-weighted share of the query's words that a passage
// holds, each word matched softly by its character n-grams.
std::unique_ptr<Reranker> MakeCoverageReranker();

// The reranker that a folder or GGUF file holds: a classifier of pairs with one label, or with two
// of which the second means relevant (BERT, XLM-R, ModernBERT), or a decoder that answers yes or no
// (Qwen3-Reranker). Pairs that are longer than the model was made for lose the end of the longer
// text. Errors: kNotFound, kInvalidArgument (damaged, unknown, or no reranker), kResourceExhausted.
absl::StatusOr<std::unique_ptr<Reranker>> OpenReranker(const std::string& path,
                                                       const ModelOptions& options);

}  // namespace citeseek::inference
