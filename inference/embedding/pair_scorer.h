// PairScorer: turns a query and passages into class logits, one row a passage.
//
// A classifier of pairs (BERT, XLM-R, ModernBERT) has its own classes; a decoder that judges in one
// word (Qwen3-Reranker) has two, no and yes. Pairs that are longer than the model was made for lose
// the end of the longer text. Thread-safe. Errors: SequenceEncoder's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/embedding/sequence_encoder.h"
#include "inference/model_options.h"
#include "inference/reranker.h"

namespace citeseek::inference {

class PairScorer {
 public:
  // Takes the files' tokenizer. kInvalidArgument if the model is neither.
  static absl::StatusOr<std::unique_ptr<PairScorer>> Load(ModelFiles files,
                                                          const ModelOptions& options);

  // The files' name, and a hash of what the logits depend on.
  const std::string& name() const { return name_; }
  int classes() const { return judge_ ? 2 : encoder_->config().labels; }
  absl::Status Run(const RerankRequest& request, SequenceEncoder::RowSink sink) const;

 private:
  // The tokens of a decoder's prompt, and of its two answers.
  struct Judge {
    std::vector<std::int32_t> before, after;
    std::size_t no = 0, yes = 0;
  };

  PairScorer() = default;
  absl::StatusOr<Encoding> Encode(std::string_view query, std::string_view passage) const;

  std::string name_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<SequenceEncoder> encoder_;
  std::optional<Judge> judge_;
};

}  // namespace citeseek::inference
