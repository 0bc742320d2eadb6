#include "tests/support/tiny_bert.h"

#include <cstdint>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "tests/support/safetensors_writer.h"

namespace citeseek {
namespace {

constexpr int kHidden = 16;
constexpr int kInner = 32;
constexpr int kWords = 9;

class TensorFile {
 public:
  void Add(const std::string& name, const std::vector<int>& shape) {
    std::size_t count = 1;
    std::string sizes;
    for (const int size : shape) {
      count *= static_cast<std::size_t>(size);
      sizes += (sizes.empty() ? "" : ",") + std::to_string(size);
    }
    const std::size_t begin = data_.size();
    for (std::size_t i = 0; i < count; ++i) {
      const float value = static_cast<float>(random_() % 2001) / 1000.0f - 1.0f;
      data_.append(reinterpret_cast<const char*>(&value), sizeof(value));
    }
    header_ += (header_.empty() ? "{" : ",") + ("\"" + name) + R"(":{"dtype":"F32","shape":[)" +
               sizes + R"(],"data_offsets":[)" + std::to_string(begin) + "," +
               std::to_string(data_.size()) + "]}";
  }
  void AddDense(const std::string& name, int n, int k) {
    Add(name + ".weight", {n, k});
    Add(name + ".bias", {n});
  }
  void AddNorm(const std::string& name) {
    Add(name + ".weight", {kHidden});
    Add(name + ".bias", {kHidden});
  }
  std::string Bytes() const { return SafetensorsFile(header_ + "}", data_); }

 private:
  std::mt19937 random_{7};
  std::string header_, data_;
};

constexpr std::string_view kTokenizer = R"({
  "added_tokens": [{"id": 0, "content": "[PAD]", "special": true},
                   {"id": 1, "content": "[UNK]", "special": true},
                   {"id": 2, "content": "[CLS]", "special": true},
                   {"id": 3, "content": "[SEP]", "special": true}],
  "pre_tokenizer": {"type": "WhitespaceSplit"},
  "post_processor": {"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
               {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
    "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
             {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
             {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
    "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                       "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
  "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": false},
  "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
    "max_input_chars_per_word": 100,
    "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "red": 4, "green": 5, "blue": 6,
              "and": 7, "not": 8}}})";

}  // namespace

void WriteTinyBert(const TempDirectory& folder, int labels) {
  std::string classes;
  for (int i = 0; i < labels; ++i) {
    classes += (i == 0 ? R"(,"id2label":{")" : ",\"") + std::to_string(i) + R"(":"L)" +
               std::to_string(i) + "\"";
  }
  folder.Write("config.json",
               std::string(R"({"architectures":[")") +
                   (labels > 0 ? "BertForSequenceClassification" : "BertModel") +
                   R"("],"vocab_size":9,"hidden_size":16,"intermediate_size":32,)"
                   R"("num_hidden_layers":1,"num_attention_heads":1,"type_vocab_size":2,)"
                   R"("max_position_embeddings":32)" +
                   classes + (labels > 0 ? "}}" : "}"));
  folder.Write("tokenizer.json", kTokenizer);
  TensorFile file;
  file.Add("embeddings.word_embeddings.weight", {kWords, kHidden});
  file.Add("embeddings.position_embeddings.weight", {32, kHidden});
  file.Add("embeddings.token_type_embeddings.weight", {2, kHidden});
  file.AddNorm("embeddings.LayerNorm");
  const std::string layer = "encoder.layer.0.";
  for (const char* name : {"query", "key", "value"}) {
    file.AddDense(layer + "attention.self." + name, kHidden, kHidden);
  }
  file.AddDense(layer + "attention.output.dense", kHidden, kHidden);
  file.AddNorm(layer + "attention.output.LayerNorm");
  file.AddDense(layer + "intermediate.dense", kInner, kHidden);
  file.AddDense(layer + "output.dense", kHidden, kInner);
  file.AddNorm(layer + "output.LayerNorm");
  file.AddDense("pooler.dense", kHidden, kHidden);
  if (labels > 0) file.AddDense("classifier", labels, kHidden);
  folder.Write("model.safetensors", file.Bytes());
}

}  // namespace citeseek
