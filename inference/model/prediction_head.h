// PredictionHead: guesses the token after the next from a decoder's hidden states.
//
// Single-threaded. The multi-token-prediction module of DeepSeek-V3 (2024), depth one: at each
// position the main model's normed hidden state and the embedding of the token that follows are
// joined by one matrix and pass a layer like the model's own, with a cache of its own in the same
// blocks. Embedding and output matrix are the model's.
#pragma once

#include <memory>

#include "inference/backend/backend.h"
#include "inference/model/activations.h"
#include "inference/model/config.h"
#include "inference/model/decoder_layer.h"
#include "inference/model/parameters.h"

namespace citeseek::inference {

class PredictionHead {
 public:
  PredictionHead() = default;
  // Absent where the configuration or the files have none. Errors are left in `parameters`.
  PredictionHead(Parameters& parameters, const ModelConfig& config);

  bool present() const { return join_ != nullptr; }
  void MakeBuffers(Arena& arena, const ModelConfig& config, int max_tokens, int blocks);

  // a.hidden = the head's hidden states for the step's tokens, given those that follow them, `ids`
  // [step.tokens], and the rows of a.hidden, `rows` [step.tokens], that they follow. final_norm:
  // the main model's.
  void Run(Backend& backend, const StepView& step, const Activations& a, const Matrix& embedding,
           const std::int32_t* ids, const std::int32_t* rows, const float* final_norm,
           float eps) const;
  const float* norm() const { return norm_.data(); }  // before the output matrix

 private:
  DeviceVector embedding_norm_;
  DeviceVector hidden_norm_;
  DeviceVector norm_;
  std::unique_ptr<Matrix> join_;  // [hidden, embedding and hidden]
  DecoderLayer layer_;
  Tensor both_;  // [max_tokens, embedding and hidden]
};

}  // namespace citeseek::inference
