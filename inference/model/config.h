// ModelConfig: what kind of network the weights are for, read from config.json and its companions.
//
// Plain structs; missing keys have the defaults of transformers 4.52. Functions are thread-safe.
// Errors: kInvalidArgument (not JSON, wrong type, value out of range, unknown architecture: named,
// with the list of what is known), kNotFound (no such file).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/model/json.h"

namespace citeseek::inference {

enum class Family {
  kLlama,       // Llama 2 and 3, R1-Distill-Llama
  kQwen2,       // Qwen2 and 2.5, R1-Distill-Qwen: biases on q, k, v
  kQwen3,       // q and k normalised per head
  kQwen3Moe,    // the same with routed experts
  kDeepSeekV2,  // latent attention, softmax routing
  kDeepSeekV3,  // latent attention, sigmoid routing with a correction bias; R1
  kBert,        // learned positions, token types, post-norm
  kXlmRoberta,  // the same with positions from pad_token_id + 1
  kModernBert,  // rope, pre-norm, gated MLP, sliding windows
};
std::string_view FamilyName(Family family);

enum class Task {
  kGenerate,  // next-token logits from lm_head (or the tied embedding)
  kEncode,    // hidden states, to be pooled
  kClassify,  // one logit a label for the whole sequence
};

enum class Activation { kSilu, kGelu, kGeluTanh, kRelu };  // kGelu: the exact one, with erf

struct RopeConfig {
  enum class Kind {
    kNone,     // no rotary embedding (BERT, XLM-R)
    kDefault,  // inv_freq[i] = theta^(-2i/dimension)
    kLinear,   // positions divided by factor
    kDynamic,  // NTK: theta grows once a prompt is longer than original_positions
    kLlama3,   // low frequencies divided by factor, smooth between the two bounds
    kYarn,     // Peng et al. 2023
  };
  Kind kind = Kind::kNone;
  double theta = 10000.0;
  int dimension = 0;         // rotated channels a head, even
  bool interleaved = false;  // pairs are (2i, 2i + 1) as in DeepSeek; else (i, i + dimension / 2)
  double factor = 1.0;
  std::int64_t original_positions = 0;  // the context length that the model was trained with
  double low_freq_factor = 1.0;         // kLlama3
  double high_freq_factor = 4.0;        // kLlama3
  double beta_fast = 32.0;              // kYarn
  double beta_slow = 1.0;               // kYarn
  bool whole_channels = true;           // kYarn: the ramp begins and ends at whole channels
  double cos_sin_scale = 1.0;           // kYarn: cos and sin are multiplied by this
  double softmax_scale =
      1.0;  // kYarn in DeepSeek: 1/sqrt(head size) is multiplied by this (mscale^2)
  std::vector<float> divisors;  // if not empty: inv_freq[i] is divided by divisors[i] (GGUF's form)
};

// Latent attention. A head's query and key are qk_nope channels without and qk_rope with rotation.
struct MlaConfig {
  int q_lora_rank = 0;   // 0: q_proj is one full matrix
  int kv_lora_rank = 0;  // 0: no latent attention in this model
  int qk_nope_head_size = 0;
  int qk_rope_head_size = 0;
  int v_head_size = 0;
};

struct MoeConfig {
  enum class Scoring { kSoftmax, kSigmoid };
  enum class GroupScore {
    kNone,        // the best experts of all
    kMax,         // groups by their best expert (V2)
    kTopTwoBias,  // groups by the sum of their best two biased scores (V3)
  };
  int experts = 0;  // 0: no routed experts
  int experts_per_token = 0;
  int shared_experts = 0;  // as one MLP of shared_experts * intermediate_size
  int groups = 1;
  int groups_per_token = 1;
  int intermediate_size = 0;  // of one expert
  Scoring scoring = Scoring::kSoftmax;
  GroupScore group_score = GroupScore::kNone;
  bool correction_bias = false;  // e_score_correction_bias takes part in choosing, not in weighting
  bool normalize = false;        // chosen weights are divided by their sum
  double routed_scale = 1.0;     // then multiplied by this
};

struct ModelConfig {
  Family family = Family::kLlama;
  Task task = Task::kGenerate;
  std::string architecture;  // as the file names it
  std::string dtype;         // torch_dtype, "" if it is not told

  int vocabulary_size = 0;
  int hidden_size = 0;
  int intermediate_size = 0;  // of dense layers
  int layers = 0;
  int heads = 0;
  int kv_heads = 0;
  int head_size = 0;               // channels a head; with latent attention: qk_nope + qk_rope
  std::int64_t max_positions = 0;  // tokens in one sequence, after rope scaling
  double norm_epsilon = 1e-6;
  Activation activation = Activation::kSilu;
  bool tied_embeddings = false;  // no lm_head tensor: the embedding serves

  bool qkv_bias = false;  // with latent attention: q_a and kv_a
  bool output_bias = false;
  bool mlp_bias = false;
  bool norm_bias = false;
  bool qk_norm = false;

  RopeConfig rope;                // of layers that see everything
  RopeConfig local_rope;          // of layers with a window (ModernBERT has its own theta)
  std::vector<int> layer_window;  // [layers] 0: everything, else a token sees those less than this
                                  // far away (before it in decoders, to both sides in encoders)
  std::vector<bool> layer_moe;    // [layers] routed experts instead of the dense MLP
  MlaConfig mla;
  MoeConfig moe;
  int prediction_layers = 0;  // multi-token-prediction layers after the last (DeepSeek-V3)

  // Encoders.
  int token_types = 0;
  int position_offset = 0;  // XLM-R: pad_token_id + 1, the first token's row in the position table
  std::optional<std::int64_t> pad_token_id;

  // kClassify.
  int labels = 0;
  std::vector<std::string> label_names;
  bool classifier_mean = false;  // ModernBERT: mean of tokens instead of the first
  bool classifier_bias = true;   // ModernBERT: head.dense has a bias
  Activation classifier_activation = Activation::kGelu;  // ModernBERT: after head.dense

  std::optional<std::int64_t> bos_token_id;
  std::vector<std::int64_t> eos_token_ids;
};

// `name` says in errors what was parsed.
absl::StatusOr<ModelConfig> ParseModelConfig(std::string_view json, std::string_view name);

// The same of JSON that is parsed already.
absl::StatusOr<ModelConfig> ModelConfigFromJson(const Json& json, std::string_view name);

// config.json of a folder; eos ids of generation_config.json replace its own, as in transformers.
absl::StatusOr<ModelConfig> ReadModelConfig(const std::string& folder);

}  // namespace citeseek::inference
