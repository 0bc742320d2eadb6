#include "inference/workbench/info.h"

#include <algorithm>
#include <map>

#include "inference/model/decoder.h"

namespace citeseek::inference {
namespace {

std::string_view TaskName(Task task) {
  switch (task) {
    case Task::kGenerate:
      return "generate";
    case Task::kEncode:
      return "embed";
    case Task::kClassify:
      return "classify";
  }
  return "";
}

std::string_view RopeName(RopeConfig::Kind kind) {
  switch (kind) {
    case RopeConfig::Kind::kNone:
      return "";
    case RopeConfig::Kind::kDefault:
      return "default";
    case RopeConfig::Kind::kLinear:
      return "linear";
    case RopeConfig::Kind::kDynamic:
      return "dynamic";
    case RopeConfig::Kind::kLlama3:
      return "llama3";
    case RopeConfig::Kind::kYarn:
      return "yarn";
  }
  return "";
}

std::string_view PoolingName(PoolingConfig::Kind kind) {
  switch (kind) {
    case PoolingConfig::Kind::kCls:
      return "cls";
    case PoolingConfig::Kind::kMean:
      return "mean";
    case PoolingConfig::Kind::kLastToken:
      return "last";
  }
  return "";
}

}  // namespace

ModelInfo DescribeModel(const ModelFiles& files) {
  const ModelConfig& config = files.config;
  ModelInfo info = {.name = files.name,
                    .format = files.path.ends_with(".gguf") ? "gguf" : "huggingface",
                    .architecture = config.architecture,
                    .family = std::string(FamilyName(config.family)),
                    .task = std::string(TaskName(config.task)),
                    .context = config.max_positions,
                    .layers = config.layers,
                    .hidden = config.hidden_size,
                    .heads = config.heads,
                    .kv_heads = config.kv_heads,
                    .vocabulary = config.vocabulary_size,
                    .experts = config.moe.experts,
                    .experts_per_token = config.moe.experts_per_token,
                    .labels = config.label_names,
                    .rope = std::string(RopeName(config.rope.kind)),
                    .chat_template = files.chat_template.has_value(),
                    .license = files.license};
  std::map<std::string, std::int64_t> types;
  for (const auto& [name, tensor] : files.weights.tensors()) {
    if (tensor.view.dtype == DType::kOther) continue;  // buffers, no weights
    const auto bytes = static_cast<std::int64_t>(tensor.view.bytes.size());
    info.parameters += ElementCount(tensor.view.shape);
    info.bytes += bytes;
    ++info.tensors;
    types[std::string(DTypeName(tensor.view.dtype))] += bytes;
  }
  info.type_bytes.assign(types.begin(), types.end());
  std::stable_sort(info.type_bytes.begin(), info.type_bytes.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (!info.type_bytes.empty()) info.quantization = info.type_bytes.front().first;
  if (config.task == Task::kGenerate) {
    info.kv_bytes_per_token = Decoder::BlockBytes(config) / kKvBlock;
  }
  if (files.tokenizer != nullptr) info.tokenizer_ids = files.tokenizer->VocabularySize();
  if (files.pooling) info.pooling = PoolingName(files.pooling->kind);
  return info;
}

}  // namespace citeseek::inference
