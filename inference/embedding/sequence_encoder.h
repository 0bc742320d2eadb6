// SequenceEncoder: turns the token ids of many texts into one row of numbers a text.
//
// Over an Encoder or a Decoder, whichever the files are for. Thread-safe: calls take turns, a batch
// at a time and first come first served, so that a question waits for one batch of a long call and
// not for its end. Texts of a batch lie one after another without padding, and no row depends on
// the others.
// Errors: kInvalidArgument (ids, types or lengths that the network does not take),
// kDeadlineExceeded, kCancelled, kInternal (the device is lost).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inference/backend/backend.h"
#include "inference/model/decoder.h"
#include "inference/model/encoder.h"
#include "inference/model/model_files.h"
#include "inference/model/tokenizer.h"

namespace citeseek::inference {

// What is made of a text's hidden states.
enum class Row {
  kFirst,   // [hidden] the first token's
  kMean,    // [hidden] their mean (encoders)
  kLast,    // [hidden] the last token's
  kLogits,  // [labels] of a classifier, else [vocabulary] after the last token of a decoder
};

// The row that a model's own pooling means.
Row RowOf(PoolingConfig::Kind kind);

struct SequenceEncoderOptions {
  ModelOptions model = {};
  std::int64_t max_tokens = 0;    // of one text; 0: what the network takes
  std::int64_t memory_bytes = 0;  // that it may take; 0: what is free
};

class SequenceEncoder {
 public:
  // Reads the weights and keeps nothing of the files.
  static absl::StatusOr<std::unique_ptr<SequenceEncoder>> Load(
      const ModelFiles& files, const SequenceEncoderOptions& options);

  const ModelConfig& config() const { return config_; }
  std::int64_t max_tokens() const { return max_tokens_; }
  bool Has(Row row) const;
  int Width(Row row) const;

  // Takes rows [count, width] of the texts [begin, begin + count).
  using RowSink = absl::FunctionRef<void(std::size_t begin, std::span<const float> rows)>;
  absl::Status Run(std::span<const Encoding> texts, Row row, RowSink sink,
                   absl::Time deadline = absl::InfiniteFuture(), std::stop_token stop = {});

 private:
  SequenceEncoder(const ModelConfig& config, std::unique_ptr<Backend> backend);

  // BERT has several token types, XLM-R only one whatever its tokenizer says, the others none.
  bool UsesTypes() const { return config_.token_types > 1; }
  absl::Status Check(std::span<const Encoding> texts, Row row) const;
  absl::Status AwaitTurn(absl::Time deadline, const std::stop_token& stop);
  void EndTurn();
  void RunEncoder(std::span<const Encoding> texts, Row row, std::span<float> out);
  void RunDecoder(std::span<const Encoding> texts, Row row, std::span<float> out);
  void Classify(std::span<const float> hidden, std::span<float> out) const;

  ModelConfig config_;
  std::int64_t max_tokens_ = 0;  // of one text
  int batch_tokens_ = 0;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Encoder> encoder_;  // one of the two
  std::unique_ptr<Decoder> decoder_;
  std::vector<float> score_;  // [labels, hidden] of a decoder that classifies

  std::mutex mutex_;
  std::condition_variable_any turn_;
  std::deque<std::uint64_t> line_;  // who waits, and at the front who runs; guarded by mutex_
  std::uint64_t next_ = 0;          // guarded by mutex_
};

// Scales each row of `width` numbers to length one; a row of zeros stays.
void NormalizeRows(std::span<float> rows, int width);

// How many tokens of one text the model was made for: the least of what the network and the files
// say.
absl::StatusOr<std::int64_t> TextLimit(const ModelFiles& files);

// "name#0123456789abcdef": the files' name, and a hash of all weights. Two
// models of one name give the same numbers. `variant`: what else the numbers depend on.
std::string ModelName(const ModelFiles& files, std::string_view variant);

}  // namespace citeseek::inference
