#include "inference/model/activations.h"

#include <algorithm>
#include <utility>

namespace citeseek::inference {

void* Arena::Bytes(std::int64_t count) {
  if (!status_.ok()) return nullptr;
  auto buffer = backend_.Allocate(static_cast<std::size_t>(count));
  status_.Update(buffer.status());
  if (!status_.ok()) return nullptr;
  buffers_.push_back(*std::move(buffer));
  return buffers_.back()->data;
}

Tensor Arena::Floats(std::int64_t rows, std::int64_t cols) {
  return {static_cast<float*>(Bytes(rows * cols * 4)), static_cast<int>(rows),
          static_cast<int>(cols), cols};
}

std::int32_t* Arena::Ints(std::int64_t count) {
  return static_cast<std::int32_t*>(Bytes(count * 4));
}

Activations MakeActivations(Arena& arena, const ModelConfig& config, int max_tokens) {
  const int t = max_tokens;
  const MlaConfig& mla = config.mla;
  Activations a;
  a.hidden = arena.Floats(t, config.hidden_size);
  a.normed = arena.Floats(t, config.hidden_size);
  if (mla.kv_lora_rank > 0) {
    const int latent = mla.kv_lora_rank + mla.qk_rope_head_size;
    a.queries = arena.Floats(t, config.heads * mla.qk_nope_head_size);
    if (mla.q_lora_rank > 0) a.low_rank = arena.Floats(t, mla.q_lora_rank);
    a.latent_kv = arena.Floats(t, latent);
    a.latent_q = arena.Floats(t, std::int64_t{config.heads} * latent);
    a.latent_out = arena.Floats(t, std::int64_t{config.heads} * mla.kv_lora_rank);
    a.attended = arena.Floats(t, config.heads * mla.v_head_size);
  } else {
    a.queries = arena.Floats(t, (config.heads + 2 * config.kv_heads) * config.head_size);
    a.attended = arena.Floats(t, config.heads * config.head_size);
  }
  const MoeConfig& moe = config.moe;
  const int inner = std::max(config.intermediate_size, moe.shared_experts * moe.intermediate_size);
  a.gate_up = arena.Floats(t, 2 * inner);
  a.inner = arena.Floats(t, inner);
  if (moe.experts > 0) {
    const int rows = t * moe.experts_per_token;
    a.scores = arena.Floats(t, moe.experts);
    a.mix = arena.Floats(t, moe.experts_per_token);
    a.chosen = arena.Ints(rows);
    a.expert_gate_up = arena.Floats(rows, 2 * moe.intermediate_size);
    a.expert_inner = arena.Floats(rows, moe.intermediate_size);
    a.expert_out = arena.Floats(rows, config.hidden_size);
  }
  return a;
}

Nonlinearity NonlinearityOf(Activation activation) {
  switch (activation) {
    case Activation::kSilu:
      return Nonlinearity::kSilu;
    case Activation::kGelu:
      return Nonlinearity::kGelu;
    case Activation::kGeluTanh:
      return Nonlinearity::kGeluTanh;
    case Activation::kRelu:
      return Nonlinearity::kRelu;
  }
  return Nonlinearity::kSilu;
}

}  // namespace citeseek::inference
