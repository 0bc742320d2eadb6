#include "inference/model/decoder_attention.h"

#include <cmath>
#include <utility>
#include <vector>

namespace citeseek::inference {
namespace {

using Part = Parameters::Part;

// DeepSeek's own code builds the norms of the low-rank vectors with this default.
constexpr float kLatentNormEpsilon = 1e-6f;

class GroupedAttention : public DecoderAttention {
 public:
  GroupedAttention(Parameters& parameters, const ModelConfig& config, int layer,
                   const std::string& prefix)
      : config_(config), window_(config.layer_window[static_cast<std::size_t>(layer)]) {
    const int q = config.heads * config.head_size;
    const int kv = config.kv_heads * config.head_size;
    qkv_ = parameters.Linear({{prefix + "q_proj.weight", q},
                              {prefix + "k_proj.weight", kv},
                              {prefix + "v_proj.weight", kv}},
                             config.hidden_size);
    if (config.qkv_bias) {
      qkv_bias_ = parameters.Vector({{prefix + "q_proj.bias", q},
                                     {prefix + "k_proj.bias", kv},
                                     {prefix + "v_proj.bias", kv}});
    }
    if (config.qk_norm) {
      q_norm_ = parameters.Vector({{prefix + "q_norm.weight", config.head_size}});
      k_norm_ = parameters.Vector({{prefix + "k_norm.weight", config.head_size}});
    }
    output_ = parameters.Linear({{prefix + "o_proj.weight", config.hidden_size}}, q);
    if (config.output_bias) {
      output_bias_ = parameters.Vector({{prefix + "o_proj.bias", config.hidden_size}});
    }
  }

  void Run(Backend& backend, const KvCache& cache, const StepView& step,
           const Activations& a) const override {
    const int q_cols = config_.heads * config_.head_size;
    const int kv_cols = config_.kv_heads * config_.head_size;
    const Tensor qkv = a.queries.First(step.tokens);
    backend.Linear(qkv, a.normed.First(step.tokens), *qkv_, qkv_bias_.data(), false);
    const Tensor q = qkv.Columns(0, q_cols);
    const Tensor k = qkv.Columns(q_cols, kv_cols);
    RopeArgs rope = {.heads = config_.heads,
                     .head_dim = config_.head_size,
                     .rotary_dim = config_.rope.dimension,
                     .interleaved = config_.rope.interleaved,
                     .norm = q_norm_.data(),
                     .norm_eps = static_cast<float>(config_.norm_epsilon)};
    backend.Rope(q, step.angles, rope);
    rope.heads = config_.kv_heads;
    rope.norm = k_norm_.data();
    backend.Rope(k, step.angles, rope);
    backend.AppendKv(cache, k, qkv.Columns(q_cols + kv_cols, kv_cols), step.slots);
    const Tensor attended = a.attended.First(step.tokens);
    backend.AttendPaged(attended, q, cache, step.batch,
                        {.heads = config_.heads,
                         .scale = 1.0f / std::sqrt(static_cast<float>(config_.head_size)),
                         .window = window_});
    backend.Linear(a.hidden.First(step.tokens), attended, *output_, output_bias_.data(), true);
  }

 private:
  const ModelConfig& config_;
  int window_;
  std::unique_ptr<Matrix> qkv_;
  DeviceVector qkv_bias_;
  DeviceVector q_norm_;
  DeviceVector k_norm_;
  std::unique_ptr<Matrix> output_;
  DeviceVector output_bias_;
};

// In the absorbed form throughout: kv_b_proj is split into W_k, which is applied to the queries,
// and W_v, which is applied to the attended latent, so that the cache is read as it is.
class LatentAttention : public DecoderAttention {
 public:
  LatentAttention(Parameters& parameters, const ModelConfig& config, const std::string& prefix)
      : config_(config) {
    const MlaConfig& mla = config.mla;
    const int head = config.head_size;
    const int q_inputs = mla.q_lora_rank > 0 ? mla.q_lora_rank : config.hidden_size;
    if (mla.q_lora_rank > 0) {
      q_a_ = parameters.Linear({{prefix + "q_a_proj.weight", mla.q_lora_rank}}, config.hidden_size);
      q_a_norm_ = parameters.Vector({{prefix + "q_a_layernorm.weight", mla.q_lora_rank}});
      if (config.qkv_bias) {
        q_a_bias_ = parameters.Vector({{prefix + "q_a_proj.bias", mla.q_lora_rank}});
      }
    }
    LoadQueries(parameters, prefix + (mla.q_lora_rank > 0 ? "q_b_proj" : "q_proj") + ".weight",
                head, q_inputs);
    const int latent = mla.kv_lora_rank + mla.qk_rope_head_size;
    kv_a_ = parameters.Linear({{prefix + "kv_a_proj_with_mqa.weight", latent}}, config.hidden_size);
    if (config.qkv_bias) {
      kv_a_bias_ = parameters.Vector({{prefix + "kv_a_proj_with_mqa.bias", latent}});
    }
    kv_a_norm_ = parameters.Vector({{prefix + "kv_a_layernorm.weight", mla.kv_lora_rank}});
    LoadKvB(parameters, prefix + "kv_b_proj.weight");
    output_ = parameters.Linear({{prefix + "o_proj.weight", config.hidden_size}},
                                config.heads * mla.v_head_size);
    if (config.output_bias) {
      output_bias_ = parameters.Vector({{prefix + "o_proj.bias", config.hidden_size}});
    }
  }

  void Run(Backend& backend, const KvCache& cache, const StepView& step,
           const Activations& a) const override {
    const MlaConfig& mla = config_.mla;
    const int t = step.tokens;
    const int latent = mla.kv_lora_rank + mla.qk_rope_head_size;
    const float eps = kLatentNormEpsilon;
    Tensor q_input = a.normed.First(t);
    if (q_a_ != nullptr) {
      q_input = a.low_rank.First(t);
      backend.Linear(q_input, a.normed.First(t), *q_a_, q_a_bias_.data(), false);
      backend.Norm(q_input, q_input, q_a_norm_.data(), nullptr, eps, NormKind::kRms);
    }
    // Each head's query: its part without position turned into the latent space, then the rotated.
    const Tensor q = a.latent_q.First(t);
    const Tensor q_nope = a.queries.First(t);
    backend.HeadLinear(q_nope, mla.qk_nope_head_size, q_input, 0, *q_nope_);
    backend.HeadLinear(q, latent, q_nope, mla.qk_nope_head_size, *absorb_k_);
    backend.HeadLinear(q.Columns(mla.kv_lora_rank, q.cols - mla.kv_lora_rank), latent, q_input, 0,
                       *q_rope_);
    RopeArgs rope = {.heads = config_.heads,
                     .head_dim = latent,
                     .rotary_begin = mla.kv_lora_rank,
                     .rotary_dim = mla.qk_rope_head_size,
                     .interleaved = config_.rope.interleaved};
    backend.Rope(q, step.angles, rope);

    const Tensor kv = a.latent_kv.First(t);
    backend.Linear(kv, a.normed.First(t), *kv_a_, kv_a_bias_.data(), false);
    const Tensor compressed = kv.Columns(0, mla.kv_lora_rank);
    backend.Norm(compressed, compressed, kv_a_norm_.data(), nullptr, eps, NormKind::kRms);
    rope.heads = 1;
    backend.Rope(kv, step.angles, rope);
    backend.AppendKv(cache, kv, {}, step.slots);

    const Tensor out = a.latent_out.First(t);
    backend.AttendPaged(
        out, q, cache, step.batch,
        {.heads = config_.heads,
         .scale = static_cast<float>(config_.rope.softmax_scale /
                                     std::sqrt(static_cast<double>(config_.head_size)))});
    const Tensor attended = a.attended.First(t);
    backend.HeadLinear(attended, mla.v_head_size, out, mla.kv_lora_rank, *absorb_v_);
    backend.Linear(a.hidden.First(t), attended, *output_, output_bias_.data(), true);
  }

 private:
  // Rows [first, first + rows) of each head, which has `all`.
  std::vector<std::vector<Part>> RowsOfHeads(const std::string& name, int first, int rows,
                                             int all) const {
    std::vector<std::vector<Part>> heads;
    for (int h = 0; h < config_.heads; ++h) {
      heads.push_back(
          {{name, rows, h * std::int64_t{all} + first, std::int64_t{config_.heads} * all}});
    }
    return heads;
  }

  // Rows of a head: [qk_nope, qk_rope].
  void LoadQueries(Parameters& parameters, const std::string& name, int head, int inputs) {
    const int nope = config_.mla.qk_nope_head_size;
    q_nope_ = parameters.Stack(RowsOfHeads(name, 0, nope, head), inputs);
    q_rope_ = parameters.Stack(RowsOfHeads(name, nope, head - nope, head), inputs);
  }

  // Rows of a head: W_k [qk_nope, kv_lora_rank], then W_v [v_head, kv_lora_rank].
  void LoadKvB(Parameters& parameters, const std::string& name) {
    const MlaConfig& mla = config_.mla;
    const int rank = mla.kv_lora_rank;
    const int rows = mla.qk_nope_head_size + mla.v_head_size;
    const std::vector<float> all =
        parameters.Widened(name, std::int64_t{config_.heads} * rows, rank);
    std::vector<float> keys;
    for (int h = 0; h < config_.heads; ++h) {
      const float* w = all.data() + std::int64_t{h} * rows * rank;
      for (int c = 0; c < rank; ++c) {
        for (int d = 0; d < mla.qk_nope_head_size; ++d) keys.push_back(w[d * rank + c]);
      }
    }
    absorb_k_ = parameters.Computed(keys, config_.heads, rank, mla.qk_nope_head_size, name);
    absorb_v_ =
        parameters.Stack(RowsOfHeads(name, mla.qk_nope_head_size, mla.v_head_size, rows), rank);
  }

  const ModelConfig& config_;
  std::unique_ptr<Matrix> q_a_;  // null: queries are made of the hidden state at once
  DeviceVector q_a_bias_;
  DeviceVector q_a_norm_;
  std::unique_ptr<Matrix> q_nope_;    // [heads, qk_nope, q inputs]
  std::unique_ptr<Matrix> q_rope_;    // [heads, qk_rope, q inputs]
  std::unique_ptr<Matrix> absorb_k_;  // [heads, kv_lora_rank, qk_nope]
  std::unique_ptr<Matrix> kv_a_;
  DeviceVector kv_a_bias_;
  DeviceVector kv_a_norm_;
  std::unique_ptr<Matrix> absorb_v_;  // [heads, v_head, kv_lora_rank]
  std::unique_ptr<Matrix> output_;
  DeviceVector output_bias_;
};

}  // namespace

KvCache CacheShape(const ModelConfig& config) {
  if (config.mla.kv_lora_rank == 0) {
    return {.heads = config.kv_heads, .key_dim = config.head_size, .value_dim = config.head_size};
  }
  return {.heads = 1,
          .key_dim = config.mla.kv_lora_rank + config.mla.qk_rope_head_size,
          .value_dim = config.mla.kv_lora_rank,
          .values_in_keys = true};
}

std::unique_ptr<DecoderAttention> LoadDecoderAttention(Parameters& parameters,
                                                       const ModelConfig& config, int layer,
                                                       const std::string& prefix) {
  if (config.mla.kv_lora_rank > 0) {
    return std::make_unique<LatentAttention>(parameters, config, prefix);
  }
  return std::make_unique<GroupedAttention>(parameters, config, layer, prefix);
}

}  // namespace citeseek::inference
