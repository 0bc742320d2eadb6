#include "inference/model/config.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/model/json.h"
#include "inference/model/mapped_file.h"
#include "inference/model/rope_config.h"

namespace citeseek::inference {
namespace {

constexpr std::int64_t kMaxVocabulary = 1 << 24;
constexpr std::int64_t kMaxWidth = 1 << 20;
constexpr std::int64_t kMaxLayers = 1024;
constexpr std::int64_t kMaxHeads = 4096;
constexpr std::int64_t kMaxPositions = std::int64_t{1} << 30;

struct Architecture {
  std::string_view name;
  Family family;
  Task task;
};
constexpr Architecture kArchitectures[] = {
    {"LlamaForCausalLM", Family::kLlama, Task::kGenerate},
    {"LlamaModel", Family::kLlama, Task::kEncode},
    {"LlamaForSequenceClassification", Family::kLlama, Task::kClassify},
    {"Qwen2ForCausalLM", Family::kQwen2, Task::kGenerate},
    {"Qwen2Model", Family::kQwen2, Task::kEncode},
    {"Qwen2ForSequenceClassification", Family::kQwen2, Task::kClassify},
    {"Qwen3ForCausalLM", Family::kQwen3, Task::kGenerate},
    {"Qwen3Model", Family::kQwen3, Task::kEncode},
    {"Qwen3ForSequenceClassification", Family::kQwen3, Task::kClassify},
    {"Qwen3MoeForCausalLM", Family::kQwen3Moe, Task::kGenerate},
    {"DeepseekV2ForCausalLM", Family::kDeepSeekV2, Task::kGenerate},
    {"DeepseekV3ForCausalLM", Family::kDeepSeekV3, Task::kGenerate},
    {"BertModel", Family::kBert, Task::kEncode},
    {"BertForMaskedLM", Family::kBert, Task::kEncode},
    {"BertForSequenceClassification", Family::kBert, Task::kClassify},
    {"XLMRobertaModel", Family::kXlmRoberta, Task::kEncode},
    {"XLMRobertaForMaskedLM", Family::kXlmRoberta, Task::kEncode},
    {"XLMRobertaForSequenceClassification", Family::kXlmRoberta, Task::kClassify},
    {"RobertaModel", Family::kXlmRoberta, Task::kEncode},
    {"RobertaForMaskedLM", Family::kXlmRoberta, Task::kEncode},
    {"RobertaForSequenceClassification", Family::kXlmRoberta, Task::kClassify},
    {"ModernBertModel", Family::kModernBert, Task::kEncode},
    {"ModernBertForMaskedLM", Family::kModernBert, Task::kEncode},
    {"ModernBertForSequenceClassification", Family::kModernBert, Task::kClassify},
};

// For a config.json without "architectures": the plain class of its model_type.
constexpr std::pair<std::string_view, std::string_view> kModelTypes[] = {
    {"llama", "LlamaForCausalLM"},
    {"qwen2", "Qwen2ForCausalLM"},
    {"qwen3", "Qwen3ForCausalLM"},
    {"qwen3_moe", "Qwen3MoeForCausalLM"},
    {"deepseek_v2", "DeepseekV2ForCausalLM"},
    {"deepseek_v3", "DeepseekV3ForCausalLM"},
    {"bert", "BertModel"},
    {"xlm-roberta", "XLMRobertaModel"},
    {"roberta", "RobertaModel"},
    {"modernbert", "ModernBertModel"},
};

// The defaults that differ between families (transformers 4.52; DeepSeek-V2: its own code).
struct Shape {
  int vocabulary, hidden, intermediate, layers, heads, positions;
};
Shape DefaultShape(Family family) {
  switch (family) {
    case Family::kLlama:
      return {32000, 4096, 11008, 32, 32, 2048};
    case Family::kQwen2:
    case Family::kQwen3:
      return {151936, 4096, 22016, 32, 32, 32768};
    case Family::kQwen3Moe:
      return {151936, 2048, 6144, 24, 32, 32768};
    case Family::kDeepSeekV2:
      return {102400, 4096, 11008, 30, 32, 2048};
    case Family::kDeepSeekV3:
      return {129280, 7168, 18432, 61, 128, 4096};
    case Family::kBert:
    case Family::kXlmRoberta:
      return {30522, 768, 3072, 12, 12, 512};
    case Family::kModernBert:
      return {50368, 768, 1152, 22, 12, 8192};
  }
  return {};
}

int IntOf(JsonReader& reader, std::string_view key, std::int64_t fallback, std::int64_t min,
          std::int64_t max) {
  return static_cast<int>(reader.Int(key, fallback, min, max));
}

std::optional<std::int64_t> OptionalId(JsonReader& reader, std::string_view key) {
  // Some files write -1 for "none".
  const std::int64_t id = reader.Int(key, -1, -1, kMaxVocabulary);
  return id < 0 ? std::nullopt : std::optional(id);
}

Activation ReadActivation(JsonReader& reader, std::string_view key, std::string_view fallback) {
  const std::string name = reader.String(key, fallback);
  if (name == "silu" || name == "swish") return Activation::kSilu;
  if (name == "gelu") return Activation::kGelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_fast") {
    return Activation::kGeluTanh;
  }
  if (name == "relu") return Activation::kRelu;
  reader.Fail(key, absl::StrCat("\"", name, "\" is unknown; known are silu, gelu, gelu_new, ",
                                "gelu_pytorch_tanh, relu"));
  return Activation::kSilu;
}

const Architecture* FindArchitecture(JsonReader& reader) {
  std::string name;
  const Json* list = reader.Find("architectures");
  if (list != nullptr && (list->Array() == nullptr || list->Array()->empty() ||
                          list->Array()->front().String() == nullptr)) {
    reader.Fail("architectures", "is not a list of names");
    return nullptr;
  }
  if (list != nullptr) {
    name = *list->Array()->front().String();
  } else {
    name = reader.String("model_type", "");
    for (const auto& [type, architecture] : kModelTypes) {
      if (type == name) name = std::string(architecture);
    }
  }
  std::string known;
  for (const Architecture& architecture : kArchitectures) {
    if (architecture.name == name) return &architecture;
    absl::StrAppend(&known, known.empty() ? "" : ", ", std::string(architecture.name));
  }
  reader.Fail("architectures", absl::StrCat("\"", name, "\" is unknown; known are ", known));
  return nullptr;
}

void ReadAttention(JsonReader& reader, ModelConfig& config) {
  const bool qwen3 = config.family == Family::kQwen3 || config.family == Family::kQwen3Moe;
  int default_kv_heads = config.heads;
  if (!reader.Contains("num_key_value_heads")) {  // null means one for each query head
    if (config.family == Family::kQwen2 || config.family == Family::kQwen3) default_kv_heads = 32;
    if (config.family == Family::kQwen3Moe) default_kv_heads = 4;
  }
  config.kv_heads = IntOf(reader, "num_key_value_heads", default_kv_heads, 1, kMaxHeads);
  if (config.heads % config.kv_heads != 0) {
    reader.Fail("num_key_value_heads", absl::StrCat(config.kv_heads, " does not divide ",
                                                    config.heads, " attention heads"));
  }
  const int default_head_size =
      config.family == Family::kQwen3 ? 128 : config.hidden_size / config.heads;
  config.head_size = IntOf(reader, "head_dim", default_head_size, 1, 1 << 14);
  const bool bias = reader.Bool("attention_bias", false);
  config.qkv_bias = bias || config.family == Family::kQwen2;
  config.output_bias = bias && config.family != Family::kQwen2;
  config.mlp_bias = config.family == Family::kLlama && reader.Bool("mlp_bias", false);
  config.qk_norm = qwen3;
}

void ReadLatentAttention(JsonReader& reader, ModelConfig& config) {
  MlaConfig& mla = config.mla;
  // A file that says null means a full q_proj, one that says nothing means the default.
  const bool has_q_rank = reader.Find("q_lora_rank") != nullptr;
  const bool says_null = reader.Contains("q_lora_rank") && !has_q_rank;
  mla.q_lora_rank = says_null ? 0 : IntOf(reader, "q_lora_rank", 1536, 1, kMaxWidth);
  mla.kv_lora_rank = IntOf(reader, "kv_lora_rank", 512, 1, kMaxWidth);
  mla.qk_nope_head_size = IntOf(reader, "qk_nope_head_dim", 128, 1, 1 << 14);
  mla.qk_rope_head_size = IntOf(reader, "qk_rope_head_dim", 64, 2, 1 << 14);
  mla.v_head_size = IntOf(reader, "v_head_dim", 128, 1, 1 << 14);
  config.kv_heads = config.heads;
  config.head_size = mla.qk_nope_head_size + mla.qk_rope_head_size;
  config.qkv_bias = config.output_bias = reader.Bool("attention_bias", false);
}

void ReadQwenExperts(JsonReader& reader, ModelConfig& config) {
  MoeConfig& moe = config.moe;
  moe.experts = IntOf(reader, "num_experts", 128, 1, 1 << 16);
  moe.experts_per_token = IntOf(reader, "num_experts_per_tok", 8, 1, moe.experts);
  moe.intermediate_size = IntOf(reader, "moe_intermediate_size", 768, 1, kMaxWidth);
  moe.normalize = reader.Bool("norm_topk_prob", false);
  const int step = IntOf(reader, "decoder_sparse_step", 1, 1, kMaxLayers);
  const auto dense = reader.Ints("mlp_only_layers", kMaxLayers);
  for (int i = 0; i < config.layers; ++i) {
    config.layer_moe[static_cast<std::size_t>(i)] =
        (i + 1) % step == 0 && std::find(dense.begin(), dense.end(), i) == dense.end();
  }
}

void ReadDeepSeekExperts(JsonReader& reader, ModelConfig& config) {
  const bool v3 = config.family == Family::kDeepSeekV3;
  MoeConfig& moe = config.moe;
  moe.experts = IntOf(reader, "n_routed_experts", v3 ? 256 : 0, 0, 1 << 16);
  if (moe.experts == 0) return;
  moe.experts_per_token = IntOf(reader, "num_experts_per_tok", v3 ? 8 : 1, 1, moe.experts);
  const bool shares = v3 && !reader.Contains("n_shared_experts");  // null: none
  moe.shared_experts = IntOf(reader, "n_shared_experts", shares ? 1 : 0, 0, 1 << 10);
  moe.groups = IntOf(reader, "n_group", v3 ? 8 : 1, 1, moe.experts);
  moe.groups_per_token = IntOf(reader, "topk_group", v3 ? 4 : 1, 1, moe.groups);
  moe.intermediate_size = IntOf(reader, "moe_intermediate_size", v3 ? 2048 : 1407, 1, kMaxWidth);
  moe.normalize = reader.Bool("norm_topk_prob", v3);
  moe.routed_scale = reader.Number("routed_scaling_factor", v3 ? 2.5 : 1.0, 1e-6, 1e6);
  if (!v3 && moe.normalize && moe.experts_per_token > 1) {
    moe.routed_scale = 1.0;  // V2 scales only weights that it does not normalise
  } else if (!v3 && moe.experts_per_token == 1) {
    moe.normalize = false;
  }

  const std::string scoring = reader.String("scoring_func", v3 ? "sigmoid" : "softmax");
  if (scoring != "sigmoid" && scoring != "softmax") {
    reader.Fail("scoring_func",
                absl::StrCat("\"", scoring, "\" is unknown; known are softmax, sigmoid"));
  }
  moe.scoring = scoring == "sigmoid" ? MoeConfig::Scoring::kSigmoid : MoeConfig::Scoring::kSoftmax;

  const std::string method = reader.String("topk_method", v3 ? "noaux_tc" : "greedy");
  if (method == "noaux_tc") {
    moe.group_score = MoeConfig::GroupScore::kTopTwoBias;
    moe.correction_bias = true;
  } else if (method == "group_limited_greedy") {
    moe.group_score = MoeConfig::GroupScore::kMax;
  } else if (method != "greedy" && method != "gready") {  // sic: DeepSeek's own default
    reader.Fail("topk_method", absl::StrCat("\"", method, "\" is unknown; known are greedy, ",
                                            "group_limited_greedy, noaux_tc"));
  }
  if (moe.group_score == MoeConfig::GroupScore::kNone) moe.groups = moe.groups_per_token = 1;
  const int per_group = moe.experts / moe.groups;
  if (moe.experts % moe.groups != 0 || moe.groups_per_token * per_group < moe.experts_per_token ||
      (moe.group_score == MoeConfig::GroupScore::kTopTwoBias && per_group < 2)) {
    reader.Fail("n_group",
                absl::StrCat(moe.groups, " groups, ", moe.groups_per_token, " a token, do not fit ",
                             moe.experts, " experts, ", moe.experts_per_token, " a token"));
  }

  const int first = IntOf(reader, "first_k_dense_replace", v3 ? 3 : 0, 0, kMaxLayers);
  const int step = IntOf(reader, "moe_layer_freq", 1, 1, kMaxLayers);
  for (int i = 0; i < config.layers; ++i) {
    config.layer_moe[static_cast<std::size_t>(i)] = i >= first && i % step == 0;
  }
}

// layer_types of newer files: whether each layer has a window; empty if the file does not say.
std::vector<bool> ReadLayerTypes(JsonReader& reader, int layers) {
  std::vector<bool> windows;
  const Json* types = reader.Find("layer_types");
  if (types == nullptr) return windows;
  if (types->Array() == nullptr || types->Array()->size() != static_cast<std::size_t>(layers)) {
    reader.Fail("layer_types", absl::StrCat("is not a list of ", layers, " names"));
    return windows;
  }
  for (const Json& type : *types->Array()) {
    const std::string name = type.String() == nullptr ? "" : *type.String();
    if (name != "full_attention" && name != "sliding_attention") {
      reader.Fail("layer_types", absl::StrCat("\"", name, "\" is unknown; known are ",
                                              "full_attention, sliding_attention"));
    }
    windows.push_back(name == "sliding_attention");
  }
  return windows;
}

void ReadQwenWindows(JsonReader& reader, ModelConfig& config) {
  const bool everything =
      reader.Contains("sliding_window") && reader.Find("sliding_window") == nullptr;
  if (!reader.Bool("use_sliding_window", false) || everything) return;
  const int window = IntOf(reader, "sliding_window", 4096, 1, kMaxPositions);
  const int first = IntOf(reader, "max_window_layers", 28, 0, kMaxLayers);
  const std::vector<bool> types = ReadLayerTypes(reader, config.layers);
  for (int i = 0; i < config.layers; ++i) {
    const auto layer = static_cast<std::size_t>(i);
    if (types.empty() ? i >= first : types[layer]) config.layer_window[layer] = window;
  }
}

void ReadDecoder(JsonReader& reader, ModelConfig& config) {
  const bool deepseek =
      config.family == Family::kDeepSeekV2 || config.family == Family::kDeepSeekV3;
  config.norm_epsilon = reader.Number("rms_norm_eps", 1e-6, 0.0, 1.0);
  config.activation = ReadActivation(reader, "hidden_act", "silu");
  config.tied_embeddings = reader.Bool("tie_word_embeddings", false);
  if (deepseek) {
    ReadLatentAttention(reader, config);
    ReadDeepSeekExperts(reader, config);
    config.prediction_layers = IntOf(reader, "num_nextn_predict_layers", 0, 0, 16);
  } else {
    ReadAttention(reader, config);
    if (config.family == Family::kQwen3Moe) ReadQwenExperts(reader, config);
  }
  ReadRope(reader, config);
  if (!deepseek && config.family != Family::kLlama) ReadQwenWindows(reader, config);
  config.local_rope = config.rope;
}

void ReadBert(JsonReader& reader, ModelConfig& config) {
  config.norm_epsilon = reader.Number("layer_norm_eps", 1e-12, 0.0, 1.0);
  config.activation = ReadActivation(reader, "hidden_act", "gelu");
  config.tied_embeddings = true;
  config.kv_heads = config.heads;
  config.head_size = config.hidden_size / config.heads;
  config.qkv_bias = config.output_bias = config.mlp_bias = config.norm_bias = true;
  config.token_types = IntOf(reader, "type_vocab_size", 2, 1, 1 << 16);
  const std::string positions = reader.String("position_embedding_type", "absolute");
  if (positions != "absolute") {
    reader.Fail("position_embedding_type",
                absl::StrCat("\"", positions, "\" is unknown; known is absolute"));
  }
  if (config.family == Family::kXlmRoberta) {
    const auto pad = config.pad_token_id.value_or(1);
    config.position_offset = static_cast<int>(pad) + 1;
    config.max_positions -= config.position_offset;
    if (config.max_positions < 1) reader.Fail("max_position_embeddings", "leaves no position");
  }
}

void ReadModernBert(JsonReader& reader, ModelConfig& config) {
  config.norm_epsilon = reader.Number("norm_eps", 1e-5, 0.0, 1.0);
  config.activation = ReadActivation(reader, "hidden_activation", "gelu");
  config.tied_embeddings = reader.Bool("tie_word_embeddings", true);
  config.kv_heads = config.heads;
  config.head_size = config.hidden_size / config.heads;
  config.qkv_bias = config.output_bias = reader.Bool("attention_bias", false);
  config.mlp_bias = reader.Bool("mlp_bias", false);
  config.norm_bias = reader.Bool("norm_bias", false);
  config.rope = {.kind = RopeConfig::Kind::kDefault,
                 .theta = reader.Number("global_rope_theta", 160000.0, 1.0, 1e12),
                 .dimension = config.head_size,
                 .original_positions = config.max_positions};
  config.local_rope = config.rope;
  if (!reader.Contains("local_rope_theta")) config.local_rope.theta = 10000.0;  // null: as global
  config.local_rope.theta = reader.Number("local_rope_theta", config.local_rope.theta, 1.0, 1e12);
  if (const Json* ropes = reader.Find("rope_parameters"); ropes != nullptr) {  // transformers 5
    const auto read = [&](const char* layers, RopeConfig& rope) {
      const Json* member = ropes->Find(layers);
      if (member == nullptr || member->IsNull()) return;
      JsonReader parameters(*member, absl::StrCat("rope_parameters.", layers));
      rope.theta = parameters.Number("rope_theta", rope.theta, 1.0, 1e12);
      const std::string type = parameters.String("rope_type", "default");
      if (type != "default") {
        parameters.Fail("rope_type", absl::StrCat("\"", type, "\" is unknown; known is default"));
      }
      const absl::Status& status = parameters.status();
      if (!status.ok()) reader.Fail("rope_parameters", std::string(status.message()));
    };
    read("full_attention", config.rope);
    read("sliding_attention", config.local_rope);
  }
  const int every = IntOf(reader, "global_attn_every_n_layers", 3, 1, kMaxLayers);
  const int window = IntOf(reader, "local_attention", 128, 0, kMaxPositions);
  const std::vector<bool> types = ReadLayerTypes(reader, config.layers);
  for (int i = 0; i < config.layers; ++i) {
    const auto layer = static_cast<std::size_t>(i);
    // Half the window lies to each side, its edge included.
    if (types.empty() ? i % every != 0 : types[layer]) config.layer_window[layer] = window / 2 + 1;
  }
  const std::string pooling = reader.String("classifier_pooling", "cls");
  if (pooling != "cls" && pooling != "mean") {
    reader.Fail("classifier_pooling",
                absl::StrCat("\"", pooling, "\" is unknown; known are cls, mean"));
  }
  config.classifier_mean = pooling == "mean";
  config.classifier_bias = reader.Bool("classifier_bias", false);
  config.classifier_activation = ReadActivation(reader, "classifier_activation", "gelu");
}

void ReadLabels(JsonReader& reader, ModelConfig& config) {
  config.labels = IntOf(reader, "num_labels", 2, 1, 1 << 20);
  const Json* names = reader.Find("id2label");
  if (names == nullptr) return;
  if (names->Object() == nullptr || names->Object()->empty()) {
    reader.Fail("id2label", "is not an object of names by number");
    return;
  }
  config.labels = static_cast<int>(names->Object()->size());
  config.label_names.resize(names->Object()->size());
  for (int i = 0; i < config.labels; ++i) {
    const Json* name = names->Find(absl::StrCat(i));
    if (name == nullptr || name->String() == nullptr) {
      reader.Fail("id2label", absl::StrCat("has no name for label ", i));
      return;
    }
    config.label_names[static_cast<std::size_t>(i)] = *name->String();
  }
}

bool IsEncoder(Family family) {
  return family == Family::kBert || family == Family::kXlmRoberta || family == Family::kModernBert;
}

std::string Join(const std::string& folder, std::string_view file) {
  return (std::filesystem::path(folder) / file).string();
}

}  // namespace

std::string_view FamilyName(Family family) {
  switch (family) {
    case Family::kLlama:
      return "llama";
    case Family::kQwen2:
      return "qwen2";
    case Family::kQwen3:
      return "qwen3";
    case Family::kQwen3Moe:
      return "qwen3_moe";
    case Family::kDeepSeekV2:
      return "deepseek_v2";
    case Family::kDeepSeekV3:
      return "deepseek_v3";
    case Family::kBert:
      return "bert";
    case Family::kXlmRoberta:
      return "xlm-roberta";
    case Family::kModernBert:
      return "modernbert";
  }
  return "unknown";
}

absl::StatusOr<ModelConfig> ParseModelConfig(std::string_view json, std::string_view name) {
  const auto parsed = ParseJson(json, name);
  if (!parsed.ok()) return parsed.status();
  return ModelConfigFromJson(*parsed, name);
}

absl::StatusOr<ModelConfig> ModelConfigFromJson(const Json& json, std::string_view name) {
  JsonReader reader(json, name);
  if (!reader.status().ok()) return reader.status();
  const Architecture* architecture = FindArchitecture(reader);
  if (architecture == nullptr) return reader.status();
  if (const Json* quantized = reader.Find("quantization_config"); quantized != nullptr) {
    const Json* method = quantized->Find("quant_method");
    const bool named = method != nullptr && method->String() != nullptr;
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(name), ": quantization_config of quant_method \"",
                     named ? *method->String() : "",
                     "\" is unknown; known are weights in F32, F16 or BF16, and "
                     "GGUF files"));
  }

  ModelConfig config;
  config.family = architecture->family;
  config.task = architecture->task;
  config.architecture = std::string(architecture->name);
  config.dtype = reader.String("torch_dtype", reader.String("dtype", ""));
  const Shape shape = DefaultShape(config.family);
  config.vocabulary_size = IntOf(reader, "vocab_size", shape.vocabulary, 1, kMaxVocabulary);
  config.hidden_size = IntOf(reader, "hidden_size", shape.hidden, 1, 1 << 17);
  config.intermediate_size = IntOf(reader, "intermediate_size", shape.intermediate, 1, kMaxWidth);
  config.layers = IntOf(reader, "num_hidden_layers", shape.layers, 1, kMaxLayers);
  config.heads = IntOf(reader, "num_attention_heads", shape.heads, 1, kMaxHeads);
  config.max_positions = reader.Int("max_position_embeddings", shape.positions, 1, kMaxPositions);
  config.pad_token_id = OptionalId(reader, "pad_token_id");
  config.bos_token_id = OptionalId(reader, "bos_token_id");
  config.eos_token_ids = reader.Ints("eos_token_id", kMaxVocabulary);
  config.layer_window.resize(static_cast<std::size_t>(config.layers));
  config.layer_moe.resize(static_cast<std::size_t>(config.layers));

  if (config.family == Family::kModernBert) {
    ReadModernBert(reader, config);
  } else if (IsEncoder(config.family)) {
    ReadBert(reader, config);
  } else {
    ReadDecoder(reader, config);
  }
  if (IsEncoder(config.family) && config.hidden_size % config.heads != 0) {
    reader.Fail("hidden_size", absl::StrCat(config.hidden_size, " is no multiple of ", config.heads,
                                            " attention heads"));
  }
  if (config.rope.kind != RopeConfig::Kind::kNone && config.rope.dimension % 2 != 0) {
    reader.Fail("head_dim",
                absl::StrCat("rotates an odd number of channels, ", config.rope.dimension));
  }
  if (config.task == Task::kClassify) ReadLabels(reader, config);
  if (!reader.status().ok()) return reader.status();
  return config;
}

absl::StatusOr<ModelConfig> ReadModelConfig(const std::string& folder) {
  const std::string path = Join(folder, "config.json");
  const auto file = MappedFile::Open(path);
  if (!file.ok()) return file.status();
  auto config = ParseModelConfig(file->text(), path);
  if (!config.ok()) return config.status();

  const std::string generation_path = Join(folder, "generation_config.json");
  const auto generation_file = MappedFile::Open(generation_path);
  if (absl::IsNotFound(generation_file.status())) return config;
  if (!generation_file.ok()) return generation_file.status();
  const auto generation = ParseJson(generation_file->text(), generation_path);
  if (!generation.ok()) return generation.status();
  JsonReader reader(*generation, generation_path);
  const auto eos = reader.Ints("eos_token_id", kMaxVocabulary);
  if (!reader.status().ok()) return reader.status();
  if (!eos.empty()) config->eos_token_ids = eos;
  return config;
}

}  // namespace citeseek::inference
