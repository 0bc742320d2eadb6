#include "tests/support/random_decoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace citeseek::inference {
namespace {

ModelConfig Parsed(std::string_view json) {
  auto config = ParseModelConfig(json, "tiny");
  if (!config.ok()) throw std::runtime_error(std::string(config.status().message()));
  return *std::move(config);
}

class Maker {
 public:
  explicit Maker(std::uint32_t seed) : random_(seed) {}

  // Numbers in [mean - spread, mean + spread).
  void Add(const std::string& name, std::vector<std::int64_t> shape, double mean, double spread) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(ElementCount(shape)) * sizeof(float));
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(float)) {
      const double unit = static_cast<double>(random_()) * 0x1p-31 - 1;
      const auto value = static_cast<float>(mean + spread * unit);
      std::memcpy(&bytes[i], &value, sizeof(value));
    }
    NamedTensor tensor;
    tensor.name = name;
    tensor.view = {DType::kF32, std::move(shape), {}};
    buffers_.push_back(std::move(bytes));
    tensors_.push_back(std::move(tensor));
  }
  void Matrix(const std::string& name, int n, int k) { Add(name, {n, k}, 0, std::sqrt(3.0 / k)); }
  void Vector(const std::string& name, int n) { Add(name, {n}, 0, 0.5); }
  void Norm(const std::string& name, int n) { Add(name, {n}, 1, 0.3); }
  void Mlp(const std::string& prefix, int hidden, int intermediate, bool bias = false) {
    Dense(prefix + "gate_proj", intermediate, hidden, bias);
    Dense(prefix + "up_proj", intermediate, hidden, bias);
    Dense(prefix + "down_proj", hidden, intermediate, bias);
  }
  void Dense(const std::string& name, int n, int k, bool bias) {
    Matrix(name + ".weight", n, k);
    if (bias) Vector(name + ".bias", n);
  }

  Weights Take() {
    for (std::size_t i = 0; i < tensors_.size(); ++i) tensors_[i].view.bytes = buffers_[i];
    auto weights = Weights::FromTensors(std::move(tensors_), {}, std::move(buffers_), "random");
    if (!weights.ok()) throw std::runtime_error(std::string(weights.status().message()));
    return *std::move(weights);
  }

 private:
  std::mt19937 random_;
  std::vector<NamedTensor> tensors_;
  std::vector<std::vector<std::byte>> buffers_;
};

void AddAttention(const ModelConfig& c, const std::string& prefix, Maker& maker) {
  if (c.mla.kv_lora_rank == 0) {
    const std::vector<std::pair<std::string, int>> parts = {{"q", c.heads * c.head_size},
                                                            {"k", c.kv_heads * c.head_size},
                                                            {"v", c.kv_heads * c.head_size}};
    for (const auto& [name, n] : parts) {
      maker.Dense(prefix + name + "_proj", n, c.hidden_size, c.qkv_bias);
      if (c.qk_norm && name != "v") maker.Norm(prefix + name + "_norm.weight", c.head_size);
    }
    maker.Dense(prefix + "o_proj", c.hidden_size, c.heads * c.head_size, c.output_bias);
    return;
  }
  const MlaConfig& mla = c.mla;
  if (mla.q_lora_rank > 0) {
    maker.Matrix(prefix + "q_a_proj.weight", mla.q_lora_rank, c.hidden_size);
    maker.Norm(prefix + "q_a_layernorm.weight", mla.q_lora_rank);
    maker.Matrix(prefix + "q_b_proj.weight", c.heads * c.head_size, mla.q_lora_rank);
  } else {
    maker.Matrix(prefix + "q_proj.weight", c.heads * c.head_size, c.hidden_size);
  }
  maker.Matrix(prefix + "kv_a_proj_with_mqa.weight", mla.kv_lora_rank + mla.qk_rope_head_size,
               c.hidden_size);
  maker.Norm(prefix + "kv_a_layernorm.weight", mla.kv_lora_rank);
  maker.Matrix(prefix + "kv_b_proj.weight", c.heads * (mla.qk_nope_head_size + mla.v_head_size),
               mla.kv_lora_rank);
  maker.Matrix(prefix + "o_proj.weight", c.hidden_size, c.heads * mla.v_head_size);
}

void AddFeedForward(const ModelConfig& c, bool routed, const std::string& prefix, Maker& maker) {
  if (!routed) return maker.Mlp(prefix, c.hidden_size, c.intermediate_size, c.mlp_bias);
  const MoeConfig& moe = c.moe;
  maker.Matrix(prefix + "gate.weight", moe.experts, c.hidden_size);
  if (moe.correction_bias) maker.Vector(prefix + "gate.e_score_correction_bias", moe.experts);
  for (int e = 0; e < moe.experts; ++e) {
    maker.Mlp(prefix + "experts." + std::to_string(e) + ".", c.hidden_size, moe.intermediate_size);
  }
  if (moe.shared_experts > 0) {
    maker.Mlp(prefix + "shared_experts.", c.hidden_size,
              moe.shared_experts * moe.intermediate_size);
  }
}

}  // namespace

ModelConfig TinyQwen2Config() {
  return Parsed(R"({"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2",
    "vocab_size": 61, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 512,
    "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "hidden_act": "silu",
    "tie_word_embeddings": true, "eos_token_id": 0})");
}

ModelConfig TinyDeepSeekConfig() {
  return Parsed(R"({"architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3",
    "vocab_size": 61, "hidden_size": 32, "intermediate_size": 48, "moe_intermediate_size": 16,
    "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
    "n_shared_experts": 1, "n_routed_experts": 4, "num_experts_per_tok": 2, "n_group": 2,
    "topk_group": 1, "norm_topk_prob": true, "routed_scaling_factor": 1.5,
    "first_k_dense_replace": 1, "moe_layer_freq": 1, "scoring_func": "sigmoid",
    "topk_method": "noaux_tc", "q_lora_rank": 24, "kv_lora_rank": 16, "qk_nope_head_dim": 16,
    "qk_rope_head_dim": 8, "v_head_dim": 16, "rope_theta": 10000.0,
    "max_position_embeddings": 512, "rms_norm_eps": 1e-6, "hidden_act": "silu",
    "tie_word_embeddings": false, "attention_bias": false, "num_nextn_predict_layers": 1,
    "eos_token_id": 0})");
}

Weights RandomDecoder(const ModelConfig& c, std::uint32_t seed) {
  Maker maker(seed);
  // Three units of logits: a head of a normed row of ones.
  maker.Add("embed_tokens.weight", {c.vocabulary_size, c.hidden_size}, 0,
            3 * std::sqrt(3.0 / c.hidden_size));
  if (!c.tied_embeddings && c.task == Task::kGenerate) {
    maker.Add("lm_head.weight", {c.vocabulary_size, c.hidden_size}, 0,
              3 * std::sqrt(3.0 / c.hidden_size));
  }
  maker.Norm("norm.weight", c.hidden_size);
  for (int i = 0; i < c.layers + c.prediction_layers; ++i) {
    const std::string prefix = "layers." + std::to_string(i) + ".";
    maker.Norm(prefix + "input_layernorm.weight", c.hidden_size);
    maker.Norm(prefix + "post_attention_layernorm.weight", c.hidden_size);
    AddAttention(c, prefix + "self_attn.", maker);
    const bool routed = c.layer_moe[static_cast<std::size_t>(std::min(i, c.layers - 1))];
    AddFeedForward(c, routed, prefix + "mlp.", maker);
    if (i < c.layers) continue;
    maker.Norm(prefix + "enorm.weight", c.hidden_size);
    maker.Norm(prefix + "hnorm.weight", c.hidden_size);
    maker.Matrix(prefix + "eh_proj.weight", c.hidden_size, 2 * c.hidden_size);
    maker.Norm(prefix + "shared_head.norm.weight", c.hidden_size);
  }
  if (c.task == Task::kClassify) maker.Matrix("score.weight", c.labels, c.hidden_size);
  return maker.Take();
}

}  // namespace citeseek::inference
