// Decoder: turns token ids into next-token logits, with the past in a paged cache.
//
// Single-threaded. One forward pass for every decoder family, written over Backend: Llama 2 and 3,
// Qwen2, Qwen3, Qwen3-MoE, DeepSeek-V2 and V3. A sequence's logits do not depend on the sequences
// beside it nor on how its prompt was cut into steps.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "inference/backend/backend.h"
#include "inference/model/activations.h"
#include "inference/model/config.h"
#include "inference/model/decoder_layer.h"
#include "inference/model/parameters.h"
#include "inference/model/prediction_head.h"
#include "inference/model/rope.h"
#include "inference/model/weights.h"

namespace citeseek::inference {

struct DecoderOptions {
  Storage storage = Storage::kAsStored;  // of the large matrices
  int max_tokens = 512;                  // in one step
  int max_sequences = 64;                // in one step
  int max_context = 4096;                // tokens of one sequence
  int kv_blocks = 1024;                  // of kKvBlock tokens, of all sequences together
};

// The next tokens of one sequence.
struct SequenceStep {
  std::span<const std::int32_t> tokens;
  int first_position = 0;                // tokens that are in the cache already
  int prompt_length = 0;                 // of the whole prompt (dynamic rope looks at it)
  std::span<const std::int32_t> blocks;  // enough for first_position + tokens.size()
  int logits = 1;                        // for the last so many tokens
};

class Decoder {
 public:
  // Errors: those of Weights::Find, kResourceExhausted (no memory for weights or cache).
  static absl::StatusOr<std::unique_ptr<Decoder>> Load(const ModelConfig& config,
                                                       const Weights& weights, Backend& backend,
                                                       const DecoderOptions& options);

  const ModelConfig& config() const { return config_; }
  const DecoderOptions& options() const { return options_; }
  std::size_t weight_bytes() const { return weight_bytes_; }

  // Bytes of the cache that one block takes in all layers.
  static std::int64_t BlockBytes(const ModelConfig& config);

  // Sees the hidden states [tokens, hidden] in the backend's memory after the embedding (0), each
  // layer (1..) and the final norm (of the tokens with logits alone).
  using Observer = absl::FunctionRef<void(int, Tensor)>;

  // Runs the sequences in one step. logits [sum of SequenceStep::logits, vocabulary], in order. The
  // caller keeps to the options; ids are in [0, vocabulary).
  void Forward(
      std::span<const SequenceStep> sequences, std::span<float> logits,
      Observer observer = [](int, Tensor) {});

  // Whether Predict may be called: the model has a prediction head.
  bool predicts() const { return prediction_.present(); }

  // Guesses, after Forward, what follows the tokens that follow those of that step. sequences: of
  // that step, all or some, each with its first tokens or fewer; SequenceStep::tokens are the
  // tokens that follow each of them, everything else is as it was. rows: where in the step the
  // sequences began. For the guesses to be good, every token must have been here. A cached block
  // that is shared remembers the token that followed it first.
  void Predict(std::span<const SequenceStep> sequences, std::span<const int> rows,
               std::span<float> logits);

 private:
  Decoder(const ModelConfig& config, Backend& backend, const DecoderOptions& options);
  absl::Status LoadParameters(const Weights& weights);
  absl::Status MakeBuffers();
  StepView Upload(std::span<const SequenceStep> sequences);
  void Output(std::span<float> logits, const float* norm, absl::FunctionRef<void(Tensor)> observer);

  const ModelConfig config_;
  Backend& backend_;
  const DecoderOptions options_;
  Rope rope_;
  std::size_t weight_bytes_ = 0;

  std::unique_ptr<Matrix> embedding_;
  std::vector<DecoderLayer> layers_;
  PredictionHead prediction_;
  DeviceVector final_norm_;
  std::unique_ptr<Matrix> head_;  // null: the embedding serves

  Arena arena_;
  Activations activations_;
  Tensor last_;                          // [rows with logits, hidden]
  Tensor logits_;                        // [rows with logits, vocabulary]
  Tensor angles_;                        // [max_tokens, rope dimension]
  std::int32_t* ids_ = nullptr;          // [max_tokens]
  std::int32_t* slots_ = nullptr;        // [max_tokens]
  std::int32_t* logit_rows_ = nullptr;   // [max_tokens]
  std::int32_t* hidden_rows_ = nullptr;  // [max_tokens] with a prediction head
  std::int32_t* query_start_ = nullptr;  // [max_sequences + 1]
  std::int32_t* context_ = nullptr;      // [max_sequences]
  std::int32_t* blocks_ = nullptr;       // [max_sequences, blocks of max_context]
};

}  // namespace citeseek::inference
