#include "inference/model/gguf_model.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "inference/backend/widen.h"
#include "inference/model/mapped_file.h"

namespace citeseek::inference {
namespace {

using Rename = std::pair<std::string_view, std::string_view>;

// ggml's names on the left, Hugging Face's on the right; blk.N. and layers.N. are left out.
constexpr Rename kDecoderTop[] = {
    {"token_embd", "embed_tokens"}, {"output_norm", "norm"}, {"output", "lm_head"}};
constexpr Rename kDecoderLayer[] = {
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"attn_q_a", "self_attn.q_a_proj"},
    {"attn_q_a_norm", "self_attn.q_a_layernorm"},
    {"attn_q_b", "self_attn.q_b_proj"},
    {"attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa"},
    {"attn_kv_a_norm", "self_attn.kv_a_layernorm"},
    {"attn_kv_b", "self_attn.kv_b_proj"},
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
    {"ffn_gate_inp", "mlp.gate"},
    {"ffn_gate_shexp", "mlp.shared_experts.gate_proj"},
    {"ffn_up_shexp", "mlp.shared_experts.up_proj"},
    {"ffn_down_shexp", "mlp.shared_experts.down_proj"},
};
constexpr Rename kExperts[] = {
    {"ffn_gate_exps", "gate_proj"}, {"ffn_up_exps", "up_proj"}, {"ffn_down_exps", "down_proj"}};
constexpr Rename kBertTop[] = {{"token_embd", "embeddings.word_embeddings"},
                               {"position_embd", "embeddings.position_embeddings"},
                               {"token_types", "embeddings.token_type_embeddings"},
                               {"token_embd_norm", "embeddings.LayerNorm"},
                               {"cls", "classifier.dense"},
                               {"cls.output", "classifier.out_proj"}};
constexpr Rename kBertLayer[] = {{"attn_q", "attention.self.query"},
                                 {"attn_k", "attention.self.key"},
                                 {"attn_v", "attention.self.value"},
                                 {"attn_output", "attention.output.dense"},
                                 {"attn_output_norm", "attention.output.LayerNorm"},
                                 {"ffn_up", "intermediate.dense"},
                                 {"ffn_down", "output.dense"},
                                 {"layer_output_norm", "output.LayerNorm"}};

constexpr Rename kModernBertTop[] = {{"token_embd", "embeddings.tok_embeddings"},
                                     {"token_embd_norm", "embeddings.norm"},
                                     {"output_norm", "final_norm"},
                                     {"cls", "head.dense"},
                                     {"cls.norm", "head.norm"},
                                     {"cls.output", "classifier"}};
constexpr Rename kModernBertLayer[] = {{"attn_norm", "attn_norm"}, {"attn_qkv", "attn.Wqkv"},
                                       {"attn_output", "attn.Wo"}, {"ffn_norm", "mlp_norm"},
                                       {"ffn_up", "mlp.Wi"},       {"ffn_down", "mlp.Wo"}};

struct ArchitectureName {
  std::string_view ggml;
  std::string_view hugging_face;
};
constexpr ArchitectureName kArchitectures[] = {
    {"llama", "LlamaForCausalLM"},
    {"qwen2", "Qwen2ForCausalLM"},
    {"qwen3", "Qwen3ForCausalLM"},
    {"qwen3moe", "Qwen3MoeForCausalLM"},
    {"bert", "BertModel"},
    {"deepseek2", "DeepseekV2ForCausalLM"},
    {"modern-bert", "ModernBertModel"},
};

bool IsEncoder(std::string_view architecture) {
  return architecture == "bert" || architecture == "modern-bert";
}

struct Names {
  std::span<const Rename> top, layer;
  std::string_view layers;  // what stands before a layer's number
};
Names NamesOf(std::string_view architecture) {
  if (architecture == "bert") return {kBertTop, kBertLayer, "encoder.layer."};
  if (architecture == "modern-bert") return {kModernBertTop, kModernBertLayer, "layers."};
  return {kDecoderTop, kDecoderLayer, "layers."};
}

std::string Lookup(std::span<const Rename> table, std::string_view name) {
  for (const auto& [from, to] : table) {
    if (from == name) return std::string(to);
  }
  return "";
}

const NamedTensor* FindTensor(const Gguf& gguf, std::string_view name) {
  const auto it = std::find_if(gguf.tensors.begin(), gguf.tensors.end(),
                               [&](const NamedTensor& tensor) { return tensor.name == name; });
  return it == gguf.tensors.end() ? nullptr : &*it;
}

std::string Architecture(const Json& metadata) {
  const Json* name = metadata.Find("general.architecture");
  return name == nullptr || name->String() == nullptr ? "" : *name->String();
}

// The configuration as config.json would have it, so that one reader checks both.
class ConfigWriter {
 public:
  ConfigWriter(const Json& metadata, std::string architecture)
      : metadata_(metadata), architecture_(std::move(architecture)) {}

  const Json* Find(std::string_view key) const {
    return metadata_.Find(absl::StrCat(architecture_, ".", std::string(key)));
  }
  double Number(std::string_view key, double fallback) const {
    const Json* value = Find(key);
    if (value == nullptr) return fallback;
    if (value->Double() != nullptr) return *value->Double();
    return value->Int() != nullptr ? static_cast<double>(*value->Int()) : fallback;
  }
  std::int64_t Int(std::string_view key, std::int64_t fallback) const {
    const Json* value = Find(key);
    return value == nullptr || value->Int() == nullptr ? fallback : *value->Int();
  }
  void Copy(std::string_view from, std::string_view to) {
    if (const Json* value = Find(from)) object.emplace_back(std::string(to), *value);
  }
  template <typename T>
  void Put(std::string_view key, T value) {
    Json json;
    json.value = std::move(value);
    object.emplace_back(std::string(key), std::move(json));
  }

  JsonObject object;

 private:
  const Json& metadata_;
  std::string architecture_;
};

void WriteRope(ConfigWriter& config, bool deepseek) {
  config.Copy("rope.freq_base", "rope_theta");
  const Json* type = config.Find("rope.scaling.type");
  if (type == nullptr || type->String() == nullptr || *type->String() == "none") return;
  JsonObject scaling;
  const auto put = [&](std::string_view key, double number) {
    scaling.emplace_back(key, Json());
    scaling.back().second.value = number;
  };
  scaling.emplace_back("rope_type", *type);
  put("factor", config.Number("rope.scaling.factor", 1.0));
  const auto original = config.Int("rope.scaling.original_context_length", 0);
  if (original > 0) put("original_max_position_embeddings", static_cast<double>(original));
  // ggml keeps a tenth of mscale_all_dim; DeepSeek's mscale is the same in every model.
  const double multiplier = config.Number("rope.scaling.yarn_log_multiplier", 0.0);
  if (deepseek && multiplier > 0.0) {
    put("mscale", multiplier * 10.0);
    put("mscale_all_dim", multiplier * 10.0);
  }
  config.Put("rope_scaling", std::move(scaling));
}

void WriteDeepSeek(ConfigWriter& config, const Gguf& gguf) {
  const std::int64_t rope = config.Int("rope.dimension_count", 64);
  const std::int64_t key =
      config.Int("attention.key_length_mla", config.Int("attention.key_length", 192));
  config.Put("qk_rope_head_dim", rope);
  config.Put("qk_nope_head_dim", key - rope);
  config.Put("v_head_dim",
             config.Int("attention.value_length_mla", config.Int("attention.value_length", 128)));
  if (config.Find("attention.q_lora_rank") != nullptr) {
    config.Copy("attention.q_lora_rank", "q_lora_rank");
  } else {
    config.Put("q_lora_rank", nullptr);
  }
  config.Copy("attention.kv_lora_rank", "kv_lora_rank");
  config.Copy("expert_count", "n_routed_experts");
  config.Copy("expert_shared_count", "n_shared_experts");
  config.Copy("expert_weights_scale", "routed_scaling_factor");
  config.Copy("expert_weights_norm", "norm_topk_prob");
  config.Copy("leading_dense_block_count", "first_k_dense_replace");
  config.Copy("nextn_predict_layers", "num_nextn_predict_layers");
  config.Put("n_group", config.Int("expert_group_count", 1));
  config.Put("topk_group", config.Int("expert_group_used_count", 1));
  const bool sigmoid = config.Int("expert_gating_func", 1) == 2;
  config.Put("scoring_func", std::string(sigmoid ? "sigmoid" : "softmax"));
  const bool biased = std::any_of(gguf.tensors.begin(), gguf.tensors.end(), [](const auto& t) {
    return t.name.ends_with("exp_probs_b.bias");
  });
  config.Put("topk_method", std::string(biased ? "noaux_tc" : "greedy"));
}

// Rows of a head as ggml's rotation wants them (pairs next to each other) back into two halves.
std::vector<std::byte> WithHalvesApart(const TensorView& view, std::int64_t heads) {
  const auto rows = static_cast<std::size_t>(view.shape[0]);
  const std::size_t row_bytes = view.bytes.size() / rows;
  const std::size_t head_rows = rows / static_cast<std::size_t>(heads);
  std::vector<std::byte> out(view.bytes.size());
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t within = row % head_rows;
    const std::size_t half = within / (head_rows / 2);
    const std::size_t from = row - within + 2 * (within % (head_rows / 2)) + half;
    std::memcpy(out.data() + row * row_bytes, view.bytes.data() + from * row_bytes, row_bytes);
  }
  return out;
}

class WeightsWriter {
 public:
  WeightsWriter(const ModelConfig& config, std::string architecture)
      : config_(config), architecture_(std::move(architecture)) {}

  absl::Status Add(NamedTensor tensor) {
    const std::string source = tensor.name;
    const std::size_t dot = source.rfind('.');
    const std::string stem = source.substr(0, dot);
    const std::string suffix = dot == std::string::npos ? "" : source.substr(dot);
    const Names names = NamesOf(architecture_);
    if (!stem.starts_with("blk.")) {
      const std::string name = Lookup(names.top, stem);
      if (stem == "token_types") Widen(tensor.view);
      Put(name.empty() ? source : name + suffix, std::move(tensor));
      return absl::OkStatus();
    }
    const std::size_t second = stem.find('.', 4);
    if (second == std::string::npos) {
      Put(source, std::move(tensor));
      return absl::OkStatus();
    }
    const std::string layer = stem.substr(4, second - 4);
    const std::string part = stem.substr(second + 1);
    const std::string prefix = absl::StrCat(std::string(names.layers), layer, ".");
    if (part == "exp_probs_b") {
      Put(prefix + "mlp.gate.e_score_correction_bias", std::move(tensor));
      return absl::OkStatus();
    }
    if (part == "attn_k_b" || part == "attn_v_b") {
      auto& parts = halves_[prefix];
      (part == "attn_k_b" ? parts.first : parts.second) = std::move(tensor);
      return absl::OkStatus();
    }
    const std::string expert = Lookup(kExperts, part);
    if (!expert.empty()) return AddExperts(std::move(tensor), prefix, expert);
    if (architecture_ == "llama" && (part == "attn_q" || part == "attn_k")) {
      const std::int64_t heads = part == "attn_q" ? config_.heads : config_.kv_heads;
      if (tensor.view.shape[0] % (2 * heads) != 0) {
        return absl::InvalidArgumentError(absl::StrCat("tensor ", source, " of shape ",
                                                       ShapeString(tensor.view.shape), " has not ",
                                                       heads, " heads"));
      }
      buffers.push_back(WithHalvesApart(tensor.view, heads));
      tensor.view.bytes = buffers.back();
    }
    const std::string name = Lookup(names.layer, part);
    Put(name.empty() ? source : prefix + name + suffix, std::move(tensor));
    return absl::OkStatus();
  }

  // Newer files keep DeepSeek's kv_b_proj in two parts, the keys' transposed: puts it together.
  absl::Status JoinKeysAndValues() {
    for (auto& [prefix, parts] : halves_) {
      const TensorView& k = parts.first.view;   // [heads, rank, nope]
      const TensorView& v = parts.second.view;  // [heads, values, rank]
      if (k.shape.size() != 3 || v.shape.size() != 3 || k.shape[0] != v.shape[0] ||
          k.shape[1] != v.shape[2]) {
        return absl::InvalidArgumentError(absl::StrCat(
            "tensors ", prefix, "attn_k_b and attn_v_b have shapes ", ShapeString(k.shape), " and ",
            ShapeString(v.shape), ", which do not belong together"));
      }
      const auto heads = static_cast<std::size_t>(k.shape[0]);
      const auto rank = static_cast<std::size_t>(k.shape[1]);
      const auto nope = static_cast<std::size_t>(k.shape[2]);
      const auto values = static_cast<std::size_t>(v.shape[1]);
      std::vector<float> keys(heads * rank * nope), rest(heads * values * rank);
      WidenToF32(k.dtype, k.bytes.data(), keys);
      WidenToF32(v.dtype, v.bytes.data(), rest);
      std::vector<float> joined;
      joined.reserve(keys.size() + rest.size());
      for (std::size_t h = 0; h < heads; ++h) {
        for (std::size_t i = 0; i < nope; ++i) {
          for (std::size_t j = 0; j < rank; ++j) joined.push_back(keys[(h * rank + j) * nope + i]);
        }
        const auto first = rest.begin() + static_cast<std::ptrdiff_t>(h * values * rank);
        joined.insert(joined.end(), first, first + static_cast<std::ptrdiff_t>(values * rank));
      }
      const auto bytes = std::as_bytes(std::span(joined));
      buffers.emplace_back(bytes.begin(), bytes.end());
      Put(prefix + "self_attn.kv_b_proj.weight",
          {.view = {DType::kF32,
                    {static_cast<std::int64_t>(heads * (nope + values)), k.shape[1]},
                    buffers.back()},
           .source_type = parts.first.source_type});
    }
    return absl::OkStatus();
  }

  std::vector<NamedTensor> tensors;
  std::vector<std::vector<std::byte>> buffers;

 private:
  void Put(std::string name, NamedTensor tensor) {
    tensor.name = std::move(name);
    tensors.push_back(std::move(tensor));
  }

  // One row of token types is stored without its outer dimension.
  static void Widen(TensorView& view) {
    if (view.shape.size() == 1) view.shape.insert(view.shape.begin(), 1);
  }

  // [experts, outputs, inputs] becomes one matrix an expert.
  absl::Status AddExperts(NamedTensor tensor, const std::string& prefix,
                          const std::string& projection) {
    const TensorView& view = tensor.view;
    if (view.shape.size() != 3) {
      return absl::InvalidArgumentError(absl::StrCat("tensor ", tensor.name, " has shape ",
                                                     ShapeString(view.shape),
                                                     " instead of one matrix an expert"));
    }
    const auto experts = static_cast<std::size_t>(view.shape[0]);
    const std::size_t bytes = view.bytes.size() / experts;
    for (std::size_t e = 0; e < experts; ++e) {
      Put(absl::StrCat(prefix, "mlp.experts.", e, ".", projection, ".weight"),
          {.view = {view.dtype,
                    {view.shape[1], view.shape[2]},
                    view.bytes.subspan(e * bytes, bytes)},
           .source_type = tensor.source_type});
    }
    return absl::OkStatus();
  }

  const ModelConfig& config_;
  std::string architecture_;
  std::map<std::string, std::pair<NamedTensor, NamedTensor>> halves_;  // attn_k_b, attn_v_b
};

// ggml has one architecture for BERT and XLM-R. What they differ in comes out the same, since
// XLM-R's table of positions is written from its first place on, but for the classifiers: RoBERTa's
// has two layers of its own, BERT's reads a pooler, which ggml's files do not have.
absl::Status WriteClassifier(const Gguf& gguf, std::string_view name, ConfigWriter& config,
                             std::string& hugging_face) {
  const NamedTensor* dense = FindTensor(gguf, "cls.weight");
  const NamedTensor* last = FindTensor(gguf, "cls.output.weight");
  if (dense == nullptr && last == nullptr) return absl::OkStatus();
  if (hugging_face == "ModernBertModel" && last != nullptr) {
    hugging_face = "ModernBertForSequenceClassification";
    config.Put("num_labels", last->view.shape[0]);
    config.Put("classifier_pooling", std::string("mean"));  // ggml knows no other
    config.Put("classifier_bias", FindTensor(gguf, "cls.bias") != nullptr);
    return absl::OkStatus();
  }
  if (dense == nullptr || last == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        std::string(name), ": has ", dense == nullptr ? "cls.output" : "cls", " without ",
        dense == nullptr ? "cls" : "cls.output",
        ": a classifier on BERT's pooler, which GGUF files leave out; its Hugging Face folder has "
        "it"));
  }
  hugging_face = "XLMRobertaForSequenceClassification";
  config.Put("num_labels", last->view.shape[0]);
  return absl::OkStatus();
}

void WriteModernBert(ConfigWriter& config) {
  config.Copy("attention.layer_norm_epsilon", "norm_eps");
  config.Copy("rope.freq_base", "global_rope_theta");
  config.Copy("rope.freq_base_swa", "local_rope_theta");
  config.Copy("hidden_activation", "hidden_activation");
  const std::int64_t window = config.Int("attention.sliding_window", 0);
  const std::int64_t pattern = config.Int("attention.sliding_window_pattern", 3);
  config.Put("global_attn_every_n_layers", window > 0 ? pattern : std::int64_t{1});
  if (window > 0) config.Put("local_attention", window);
}

}  // namespace

absl::StatusOr<ModelConfig> GgufConfig(const Gguf& gguf, std::string_view name) {
  const std::string architecture = Architecture(gguf.metadata);
  ConfigWriter config(gguf.metadata, architecture);
  std::string known;
  for (const ArchitectureName& entry : kArchitectures) {
    absl::StrAppend(&known, known.empty() ? "" : ", ", std::string(entry.ggml));
    if (entry.ggml != architecture) continue;
    std::string hugging_face(entry.hugging_face);
    if (architecture == "deepseek2" && config.Int("expert_gating_func", 1) == 2) {
      hugging_face = "DeepseekV3ForCausalLM";
    }
    if (IsEncoder(architecture)) {
      const absl::Status head = WriteClassifier(gguf, name, config, hugging_face);
      if (!head.ok()) return head;
    }
    JsonArray names(1);
    names[0].value = std::move(hugging_face);
    config.Put("architectures", std::move(names));
  }
  if (config.object.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        std::string(name), ": architecture \"", architecture, "\" is unknown; known are ", known));
  }
  const bool deepseek = architecture == "deepseek2";
  config.Copy("embedding_length", "hidden_size");
  config.Copy("feed_forward_length", "intermediate_size");
  config.Put("num_hidden_layers",
             config.Int("block_count", 0) - config.Int("nextn_predict_layers", 0));
  config.Copy("attention.head_count", "num_attention_heads");
  config.Copy("context_length", "max_position_embeddings");
  config.Copy("attention.layer_norm_rms_epsilon", "rms_norm_eps");
  config.Copy("attention.layer_norm_epsilon", "layer_norm_eps");
  config.Copy("expert_feed_forward_length", "moe_intermediate_size");
  config.Copy("expert_used_count", "num_experts_per_tok");
  const Json* tokens = gguf.metadata.Find("tokenizer.ggml.tokens");
  if (config.Find("vocab_size") != nullptr) {
    config.Copy("vocab_size", "vocab_size");
  } else if (tokens != nullptr && tokens->Array() != nullptr) {
    config.Put("vocab_size", static_cast<std::int64_t>(tokens->Array()->size()));
  }
  for (const auto& [kind, key] :
       {std::pair("bos", "bos_token_id"), std::pair("eos", "eos_token_id"),
        std::pair("padding", "pad_token_id")}) {
    if (const Json* id = gguf.metadata.Find(absl::StrCat("tokenizer.ggml.", kind, "_token_id"))) {
      config.object.emplace_back(key, *id);
    }
  }
  if (deepseek) {
    WriteDeepSeek(config, gguf);
  } else {
    config.Copy("attention.head_count_kv", "num_key_value_heads");
    config.Copy("attention.key_length", "head_dim");
    config.Copy("expert_count", "num_experts");
    config.Put("norm_topk_prob", true);  // ggml knows no Qwen3-MoE without
  }
  if (architecture == "modern-bert") WriteModernBert(config);
  if (!IsEncoder(architecture)) {
    WriteRope(config, deepseek);
    config.Put("tie_word_embeddings", FindTensor(gguf, "output.weight") == nullptr);
    config.Put("attention_bias",
               !deepseek && FindTensor(gguf, "blk.0.attn_output.bias") != nullptr);
    config.Put("mlp_bias", FindTensor(gguf, "blk.0.ffn_up.bias") != nullptr);
  } else if (const NamedTensor* types = FindTensor(gguf, "token_types.weight")) {
    config.Put("type_vocab_size",
               types->view.shape.size() == 1 ? std::int64_t{1} : types->view.shape[0]);
  }
  Json json;
  json.value = std::move(config.object);
  auto result = ModelConfigFromJson(json, name);
  if (!result.ok()) return result.status();
  result->max_positions += result->position_offset;  // the table starts with the first token's row
  result->position_offset = 0;
  if (const NamedTensor* divisors = FindTensor(gguf, "rope_freqs.weight");
      divisors != nullptr && divisors->view.dtype == DType::kF32) {
    result->rope.divisors.resize(divisors->view.bytes.size() / sizeof(float));
    std::memcpy(result->rope.divisors.data(), divisors->view.bytes.data(),
                divisors->view.bytes.size());
    if (std::any_of(result->rope.divisors.begin(), result->rope.divisors.end(),
                    [](float d) { return !(d > 0.0f); })) {
      return absl::InvalidArgumentError(absl::StrCat(
          std::string(name), ": rope_freqs.weight has a divisor that is not positive"));
    }
    result->local_rope = result->rope;
  }
  return result;
}

absl::StatusOr<GgufModel> OpenGguf(const std::string& path) {
  auto file = MappedFile::Open(path);
  if (!file.ok()) return file.status();
  auto gguf = ParseGguf(file->bytes(), path);
  if (!gguf.ok()) return gguf.status();
  auto config = GgufConfig(*gguf, path);
  if (!config.ok()) return config.status();
  WeightsWriter writer(*config, Architecture(gguf->metadata));
  for (NamedTensor& tensor : gguf->tensors) {
    if (tensor.name == "rope_freqs.weight") continue;
    const absl::Status status = writer.Add(std::move(tensor));
    if (!status.ok()) return status;
  }
  const absl::Status joined = writer.JoinKeysAndValues();
  if (!joined.ok()) return joined;
  std::vector<MappedFile> files;
  files.push_back(*std::move(file));
  auto weights = Weights::FromTensors(std::move(writer.tensors), std::move(files),
                                      std::move(writer.buffers), path);
  if (!weights.ok()) return weights.status();
  return GgufModel{*std::move(config), *std::move(weights), std::move(gguf->metadata)};
}

std::optional<PoolingConfig> GgufPooling(const Json& metadata) {
  const Json* type = metadata.Find(Architecture(metadata) + ".pooling_type");
  if (type == nullptr || type->Int() == nullptr) return std::nullopt;
  switch (*type->Int()) {  // ggml's numbers
    case 1:
      return PoolingConfig{.kind = PoolingConfig::Kind::kMean, .normalize = true};
    case 2:
      return PoolingConfig{.kind = PoolingConfig::Kind::kCls, .normalize = true};
    case 3:
      return PoolingConfig{.kind = PoolingConfig::Kind::kLastToken, .normalize = true};
    default:
      return std::nullopt;
  }
}

}  // namespace citeseek::inference
