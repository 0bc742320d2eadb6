#include "tests/support/tiny_model.h"

#include <cstring>
#include <fstream>
#include <random>
#include <utility>
#include <vector>

#include "tests/support/safetensors_writer.h"

namespace citeseek {
namespace {

constexpr int kHidden = 64;
constexpr int kHeads = 4;
constexpr int kKvHeads = 2;
constexpr int kInner = 128;
constexpr int kLayers = 2;

// The character that byte-level BPE writes for a byte, as JSON wants it.
std::string ByteCharacter(int byte) {
  int point = byte;
  if (byte <= 32) point = 256 + byte;
  if (byte >= 127 && byte <= 160) point = 256 + 33 + byte - 127;
  if (byte == 173) point = 256 + 67;
  std::string out;
  if (point == '"' || point == '\\') out.push_back('\\');
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
  } else {
    out.push_back(static_cast<char>(0xc0 | point >> 6));
    out.push_back(static_cast<char>(0x80 | (point & 0x3f)));
  }
  return out;
}

void Write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream file;
  file.exceptions(std::ios::failbit | std::ios::badbit);
  file.open(path, std::ios::binary);
  file << bytes;
}

std::string Weights(std::uint32_t seed) {
  std::mt19937 random(seed);
  std::string header = "{", data;
  const auto add = [&](const std::string& name, int rows, int columns, double scale) {
    const std::size_t begin = data.size();
    for (int i = 0; i < rows * std::max(columns, 1); ++i) {
      const double uniform = static_cast<double>(random()) / 4294967296.0 * 2 - 1;
      const bool control = name.starts_with("embed") && i >= kTinyStart * kHidden;
      const auto value = static_cast<float>(control ? 0.0 : scale == 0 ? 1.0 : uniform * scale);
      data.append(reinterpret_cast<const char*>(&value), sizeof(value));
    }
    header += (header.size() > 1 ? ", \"model." : "\"model.") + name +
              R"(": {"dtype": "F32", "shape": [)" + std::to_string(rows) +
              (columns > 0 ? ", " + std::to_string(columns) : "") + R"(], "data_offsets": [)" +
              std::to_string(begin) + ", " + std::to_string(data.size()) + "]}";
  };
  add("embed_tokens.weight", kTinyVocabulary, kHidden, 1.0);
  add("norm.weight", kHidden, 0, 0);
  for (int i = 0; i < kLayers; ++i) {
    const std::string layer = "layers." + std::to_string(i) + ".";
    const int head = kHidden / kHeads;
    add(layer + "input_layernorm.weight", kHidden, 0, 0);
    add(layer + "post_attention_layernorm.weight", kHidden, 0, 0);
    for (const auto& [name, rows] : {std::pair("q", kHidden), std::pair("k", kKvHeads * head),
                                     std::pair("v", kKvHeads * head)}) {
      add(layer + "self_attn." + name + "_proj.weight", rows, kHidden, 0.4);
      add(layer + "self_attn." + name + "_proj.bias", rows, 0, 0.4);
    }
    add(layer + "self_attn.o_proj.weight", kHidden, kHidden, 0.4);
    add(layer + "mlp.gate_proj.weight", kInner, kHidden, 0.4);
    add(layer + "mlp.up_proj.weight", kInner, kHidden, 0.4);
    add(layer + "mlp.down_proj.weight", kHidden, kInner, 0.4);
  }
  return SafetensorsFile(header + "}", data);
}

}  // namespace

std::string TinyTokenizerJson() {
  std::string vocabulary;
  for (int byte = 0; byte < 256; ++byte) {
    vocabulary += (byte > 0 ? ", \"" : "\"") + ByteCharacter(byte) + "\": " + std::to_string(byte);
  }
  std::string added;
  for (const auto& [text, id] :
       {std::pair("<|im_start|>", kTinyStart), std::pair("<|im_end|>", kTinyEnd),
        std::pair("<think>", kTinyThink), std::pair("</think>", kTinyThinkEnd)}) {
    added += std::string(added.empty() ? "" : ", ") + R"({"id": )" + std::to_string(id) +
             R"(, "content": ")" + text + R"(", "special": )" +
             (id < kTinyThink ? "true}" : "false}");
  }
  return R"({"added_tokens": [)" + added +
         R"(], "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false,
           "use_regex": false}, "decoder": {"type": "ByteLevel"},
           "model": {"type": "BPE", "merges": [], "vocab": {)" +
         vocabulary + "}}}";
}

std::string TinyTokenizerConfigJson(TinyThinking thinking) {
  const std::string opening =
      thinking == TinyThinking::kAlways
          ? "<think>\\n"
          : "{% if enable_thinking is defined and not enable_thinking %}<think>\\n\\n</think>\\n\\n"
            "{% endif %}";
  return R"({"eos_token": "<|im_end|>", "chat_template": "{% for m in messages %})"
         R"({{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %})"
         R"({% if add_generation_prompt %}<|im_start|>assistant\n)" +
         opening + R"({% endif %}"})";
}

void WriteTinyModel(const std::filesystem::path& folder, std::uint32_t seed,
                    TinyThinking thinking) {
  std::filesystem::create_directories(folder);
  Write(folder / "config.json",
        R"({"architectures": ["Qwen2ForCausalLM"], "vocab_size": )" +
            std::to_string(kTinyVocabulary) + R"(, "hidden_size": )" + std::to_string(kHidden) +
            R"(, "intermediate_size": )" + std::to_string(kInner) + R"(, "num_hidden_layers": )" +
            std::to_string(kLayers) + R"(, "num_attention_heads": )" + std::to_string(kHeads) +
            R"(, "num_key_value_heads": )" + std::to_string(kKvHeads) +
            R"(, "max_position_embeddings": 32768, "tie_word_embeddings": true,
               "torch_dtype": "float32"})");
  Write(folder / "model.safetensors", Weights(seed));
  Write(folder / "tokenizer.json", TinyTokenizerJson());
  Write(folder / "tokenizer_config.json", TinyTokenizerConfigJson(thinking));
  Write(folder / "generation_config.json", R"({"eos_token_id": )" + std::to_string(kTinyEnd) + "}");
}

}  // namespace citeseek
