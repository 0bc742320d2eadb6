// Activations: the buffers that one step's numbers pass through, shared by all layers.
//
// Made once for the largest step; owned by the model. The tensors have room for max_tokens rows.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "inference/backend/backend.h"
#include "inference/model/config.h"

namespace citeseek::inference {

// Allocates and keeps the first error, after which everything is null.
class Arena {
 public:
  explicit Arena(Backend& backend) : backend_(backend) {}

  Tensor Floats(std::int64_t rows, std::int64_t cols);
  std::int32_t* Ints(std::int64_t count);
  const absl::Status& status() const { return status_; }

 private:
  void* Bytes(std::int64_t count);

  Backend& backend_;
  absl::Status status_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
};

struct Activations {
  Tensor hidden;      // [t, hidden] the residual stream
  Tensor normed;      // [t, hidden]
  Tensor queries;     // [t, q + k + v] of grouped attention; [t, heads * qk_nope] of latent
  Tensor low_rank;    // [t, q_lora_rank]
  Tensor latent_kv;   // [t, kv_lora_rank + qk_rope]
  Tensor latent_q;    // [t, heads * (kv_lora_rank + qk_rope)]
  Tensor latent_out;  // [t, heads * kv_lora_rank]
  Tensor attended;    // [t, heads * value size]
  Tensor gate_up;     // [t, 2 * intermediate]
  Tensor inner;       // [t, intermediate]
  Tensor scores;      // [t, experts]
  Tensor mix;         // [t, experts_per_token]
  std::int32_t* chosen = nullptr;  // [t, experts_per_token]
  Tensor expert_gate_up;           // [t * experts_per_token, 2 * expert intermediate]
  Tensor expert_inner;
  Tensor expert_out;  // [t * experts_per_token, hidden]
};
Activations MakeActivations(Arena& arena, const ModelConfig& config, int max_tokens);

// What a layer needs to know of a step; in the backend's memory.
struct StepView {
  int tokens = 0;
  const float* angles = nullptr;        // [tokens, rope dimension]
  const float* local_angles = nullptr;  // the same of layers with a window
  const std::int32_t* slots = nullptr;  // [tokens]
  PagedBatch batch;
};

Nonlinearity NonlinearityOf(Activation activation);

}  // namespace citeseek::inference
