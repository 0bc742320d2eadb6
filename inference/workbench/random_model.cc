#include "inference/workbench/random_model.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace citeseek::inference {
namespace {

struct Shape {
  std::string_view name;
  std::string_view config;  // as config.json
};

constexpr Shape kShapes[] = {
    {"qwen2.5-0.5b",
     R"({"architectures": ["Qwen2ForCausalLM"], "vocab_size": 151936, "hidden_size": 896,
         "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2,
         "intermediate_size": 4864, "max_position_embeddings": 32768, "rope_theta": 1000000.0,
         "tie_word_embeddings": true})"},
    {"qwen2.5-1.5b",
     R"({"architectures": ["Qwen2ForCausalLM"], "vocab_size": 151936, "hidden_size": 1536,
         "num_hidden_layers": 28, "num_attention_heads": 12, "num_key_value_heads": 2,
         "intermediate_size": 8960, "max_position_embeddings": 32768, "rope_theta": 1000000.0,
         "tie_word_embeddings": false})"},
    {"bge-small",
     R"({"architectures": ["BertModel"], "vocab_size": 30522, "hidden_size": 384,
         "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 1536,
         "max_position_embeddings": 512, "type_vocab_size": 2})"},
};

class RandomTensors {
 public:
  void Add(const std::string& name, std::vector<std::int64_t> shape) {
    most_ = std::max(most_, ElementCount(shape));
    tensors_.push_back({.name = name, .view = {.dtype = DType::kBF16, .shape = std::move(shape)}});
  }
  void AddDense(const std::string& name, int n, int k) {
    Add(name + ".weight", {n, k});
    Add(name + ".bias", {n});
  }

  absl::StatusOr<Weights> Take(std::string_view source) {
    std::vector<std::vector<std::byte>> buffers(1);
    std::vector<std::byte>& numbers = buffers[0];
    numbers.resize(static_cast<std::size_t>(most_) * 2);
    std::mt19937 random(1);
    for (std::size_t i = 0; i < numbers.size(); i += 2) {
      // +-[0.0156, 0.0312): sign, exponent 121, random mantissa.
      const auto bits = static_cast<std::uint32_t>(random());
      const auto value = static_cast<std::uint16_t>(0x3c80u | (bits & 0x807fu));
      std::memcpy(&numbers[i], &value, 2);
    }
    for (NamedTensor& tensor : tensors_) {
      tensor.view.bytes =
          std::span(numbers).first(static_cast<std::size_t>(ElementCount(tensor.view.shape)) * 2);
    }
    return Weights::FromTensors(std::move(tensors_), {}, std::move(buffers), source);
  }

 private:
  std::int64_t most_ = 0;
  std::vector<NamedTensor> tensors_;
};

void AddQwen2(const ModelConfig& c, RandomTensors& w) {
  w.Add("embed_tokens.weight", {c.vocabulary_size, c.hidden_size});
  if (!c.tied_embeddings) w.Add("lm_head.weight", {c.vocabulary_size, c.hidden_size});
  w.Add("norm.weight", {c.hidden_size});
  for (int i = 0; i < c.layers; ++i) {
    const std::string layer = absl::StrCat("layers.", i, ".");
    const int q = c.heads * c.head_size;
    const int kv = c.kv_heads * c.head_size;
    w.Add(layer + "input_layernorm.weight", {c.hidden_size});
    w.Add(layer + "post_attention_layernorm.weight", {c.hidden_size});
    w.AddDense(layer + "self_attn.q_proj", q, c.hidden_size);
    w.AddDense(layer + "self_attn.k_proj", kv, c.hidden_size);
    w.AddDense(layer + "self_attn.v_proj", kv, c.hidden_size);
    w.Add(layer + "self_attn.o_proj.weight", {c.hidden_size, q});
    w.Add(layer + "mlp.gate_proj.weight", {c.intermediate_size, c.hidden_size});
    w.Add(layer + "mlp.up_proj.weight", {c.intermediate_size, c.hidden_size});
    w.Add(layer + "mlp.down_proj.weight", {c.hidden_size, c.intermediate_size});
  }
}

void AddBert(const ModelConfig& c, RandomTensors& w) {
  const int h = c.hidden_size;
  w.Add("embeddings.word_embeddings.weight", {c.vocabulary_size, h});
  w.Add("embeddings.position_embeddings.weight", {c.max_positions, h});
  w.Add("embeddings.token_type_embeddings.weight", {c.token_types, h});
  const auto norm = [&](const std::string& name) {
    w.Add(name + ".weight", {h});
    w.Add(name + ".bias", {h});
  };
  norm("embeddings.LayerNorm");
  for (int i = 0; i < c.layers; ++i) {
    const std::string layer = absl::StrCat("encoder.layer.", i, ".");
    for (const char* name : {"query", "key", "value"}) {
      w.AddDense(layer + "attention.self." + name, h, h);
    }
    w.AddDense(layer + "attention.output.dense", h, h);
    norm(layer + "attention.output.LayerNorm");
    w.AddDense(layer + "intermediate.dense", c.intermediate_size, h);
    w.AddDense(layer + "output.dense", h, c.intermediate_size);
    norm(layer + "output.LayerNorm");
  }
}

}  // namespace

absl::StatusOr<ModelFiles> MakeRandomModel(std::string_view shape) {
  std::string known;
  for (const auto& [name, json] : kShapes) {
    absl::StrAppend(&known, known.empty() ? "" : ", ", std::string(name));
    if (name != shape) continue;
    auto config = ParseModelConfig(json, name);
    if (!config.ok()) return config.status();
    RandomTensors tensors;
    config->task == Task::kGenerate ? AddQwen2(*config, tensors) : AddBert(*config, tensors);
    auto weights = tensors.Take(name);
    if (!weights.ok()) return weights.status();
    return ModelFiles{.path = std::string(name),
                      .name = std::string(name),
                      .config = *std::move(config),
                      .weights = *std::move(weights)};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("shape ", std::string(shape), " is unknown; known are ", known));
}

}  // namespace citeseek::inference
