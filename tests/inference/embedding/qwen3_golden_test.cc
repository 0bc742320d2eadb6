// Qwen3-Embedding and Qwen3-Reranker: folders as those are published, around golden decoders.
//
// The tokenizers make the goldens' ids of the texts, so that vectors and scores have a reference; a
// prompt that differs from the models' cards by one byte gives other ids.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "inference/embedder.h"
#include "inference/model/safetensors.h"
#include "inference/reranker.h"
#include "inference/utf8.h"
#include "tests/inference/model/golden.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/temp_directory.h"

namespace citeseek::inference {
namespace {

// Dense decoders in F32 with Qwen3's heads.
std::vector<Golden> Qwen3Goldens() {
  std::vector<Golden> goldens;
  for (Golden& golden : Goldens("decoder")) {
    const std::string config = ReadFile(golden.folder / "config.json");
    if (golden.folder.filename() != "f32" || config.find("Qwen3ForCausalLM") == std::string::npos)
      continue;
    goldens.push_back(std::move(golden));
  }
  return goldens;
}

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '\\';
    out += c == '\n' ? "\\n" : std::string(1, c);
  }
  return out + "\"";
}

// Each id but the added ones is one character of its own.
std::string Character(std::int32_t id) {
  std::string text;
  AppendUtf8(static_cast<char32_t>(0x4E00 + id), text);
  return text;
}
std::string Characters(std::span<const std::int32_t> ids) {
  std::string text;
  for (const std::int32_t id : ids) text += Character(id);
  return text;
}

// A tokenizer.json of those characters, of words with ids of their own, and with `end` behind each
// text where it is an id.
std::string TokenizerJson(int size, const std::vector<std::pair<std::string, std::int32_t>>& words,
                          std::int32_t end) {
  std::string vocabulary, added;
  for (std::int32_t id = 0; id < size; ++id) {
    absl::StrAppend(&vocabulary, id == 0 ? "" : ",", "\"", Character(id), "\":", id);
  }
  for (const auto& [text, id] : words) {
    absl::StrAppend(&added, added.empty() ? "" : ",", "{\"id\":", id, ",\"content\":", Quoted(text),
                    ",\"special\":false,\"normalized\":false}");
  }
  std::string json = absl::StrCat("{\"added_tokens\":[", added, "],\"model\":{\"type\":\"BPE\",",
                                  "\"vocab\":{", vocabulary, "},\"merges\":[]}");
  if (end >= 0) {
    absl::StrAppend(
        &json, R"(,"post_processor":{"type":"Sequence","processors":[{"type":"ByteLevel"},)",
        R"({"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}},)",
        R"({"SpecialToken":{"id":"<|endoftext|>","type_id":0}}],"pair":[],"special_tokens":)",
        R"({"<|endoftext|>":{"id":"<|endoftext|>","tokens":["<|endoftext|>"],"ids":[)", end,
        "]}}}]}");
  }
  return json + "}";
}

// The golden's weights with other names: without "model." and without lm_head, as embedders have
// it.
std::string BareWeights(const Golden& golden) {
  const std::string file = ReadFile(golden.folder / "model.safetensors");
  const auto tensors = ParseSafetensors(std::as_bytes(std::span(file)), "golden");
  std::vector<SafetensorsEntry> entries;
  for (const NamedTensor& tensor : *tensors) {
    if (tensor.name == "lm_head.weight") continue;
    const auto bytes = tensor.view.bytes;
    entries.push_back({tensor.name.starts_with("model.") ? tensor.name.substr(6) : tensor.name,
                       "F32",
                       ShapeString(tensor.view.shape),
                       {reinterpret_cast<const char*>(bytes.data()), bytes.size()}});
  }
  return SafetensorsFile(entries);
}

TEST(Qwen3GoldenTest, AnEmbedderGivesTheLastHiddenStateBehindItsPrompt) {
  const std::vector<Golden> goldens = Qwen3Goldens();
  if (goldens.empty()) GTEST_SKIP() << "no golden Qwen3 decoders: set CITESEEK_SHARED";
  for (const Golden& golden : goldens) {
    const TempDirectory folder;
    folder.Write("config.json", ReadFile(golden.folder / "config.json"));
    folder.Write("model.safetensors", BareWeights(golden));
    folder.Write("modules.json", R"([
      {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
      {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
      {"idx": 2, "name": "2", "path": "2_Normalize",
       "type": "sentence_transformers.models.Normalize"}])");
    folder.Write("1_Pooling/config.json", R"({"word_embedding_dimension": 64,
      "pooling_mode_cls_token": false, "pooling_mode_mean_tokens": false,
      "pooling_mode_max_tokens": false, "pooling_mode_mean_sqrt_len_tokens": false,
      "pooling_mode_weightedmean_tokens": false, "pooling_mode_lasttoken": true,
      "include_prompt": true})");
    for (const Json& c : List(At(golden.expected, "cases"))) {
      const auto ids = Ids(At(c, "input_ids"));
      if (ids.size() < 2) continue;
      const auto text = std::span(ids).first(ids.size() - 1);
      const std::size_t prompt = text.size() / 3;
      folder.Write("tokenizer.json", TokenizerJson(512, {}, ids.back()));
      folder.Write("config_sentence_transformers.json",
                   absl::StrCat(R"({"prompts": {"query": ")", Characters(text.first(prompt)),
                                R"(", "document": ""}, "similarity_fn_name": "cosine"})"));
      const auto embedder = OpenEmbedder(folder.path().string(), {});
      ASSERT_TRUE(embedder.ok()) << embedder.status();
      std::vector<float> whole(static_cast<std::size_t>((*embedder)->Dimension()));
      std::vector<float> prompted(whole.size());
      const std::vector<std::string> all = {Characters(text)};
      const std::vector<std::string> rest = {Characters(text.subspan(prompt))};
      ASSERT_TRUE((*embedder)->Embed({.texts = all, .kind = EmbedKind::kPassage}, whole).ok());
      ASSERT_TRUE((*embedder)->Embed({.texts = rest, .kind = EmbedKind::kQuery}, prompted).ok());
      EXPECT_EQ(whole, prompted);
      const Json& hidden = At(c, "hidden_last_pos");
      const double length = Number(List(At(hidden, "l2")).back());
      const auto expected = Floats(List(At(hidden, "first8")).back());
      for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_NEAR(whole[i], expected[i] / length, 2e-5) << ids.size() << " tokens, channel " << i;
      }
    }
  }
}

TEST(Qwen3GoldenTest, ARerankerGivesTheChanceOfYesBehindTheCardsPrompt) {
  const std::vector<Golden> goldens = Qwen3Goldens();
  if (goldens.empty()) GTEST_SKIP() << "no golden Qwen3 decoders: set CITESEEK_SHARED";
  for (const Golden& golden : goldens) {
    for (const Json& c : List(At(golden.expected, "cases"))) {
      const auto ids = Ids(At(c, "input_ids"));
      if (ids.size() < 7) continue;
      // before, what leads to the query, the query, what leads to the document, it, after
      const auto document = std::span(ids).subspan(4, ids.size() - 5);
      const std::vector<std::pair<std::string, std::int32_t>> words = {
          {"<|im_start|>system\nJudge whether the Document meets the requirements based on the "
           "Query and the Instruct provided. Note that the answer can only be \"yes\" or "
           "\"no\".<|im_end|>\n<|im_start|>user\n",
           ids[0]},
          {"<Instruct>: Given a web search query, retrieve relevant passages that answer the "
           "query\n<Query>: ",
           ids[1]},
          {"\n<Document>: ", ids[3]},
          {"<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n", ids.back()},
          {"yes", 7},
          {"no", 8}};
      const TempDirectory folder;
      folder.Write("config.json", ReadFile(golden.folder / "config.json"));
      folder.Write("model.safetensors", ReadFile(golden.folder / "model.safetensors"));
      folder.Write("tokenizer.json", TokenizerJson(512, words, -1));
      const auto reranker = OpenReranker(folder.path().string(), {});
      ASSERT_TRUE(reranker.ok()) << reranker.status();
      const std::string query = Character(ids[2]);
      const std::vector<std::string> passages = {Characters(document),
                                                 Characters(document) + Character(9)};
      std::vector<float> scores(2);
      ASSERT_TRUE((*reranker)->Score({.query = query, .passages = passages}, scores).ok());
      const auto logits = Floats(At(c, "last_logits"));
      EXPECT_NEAR(scores[0], 1 / (1 + std::exp(double{logits[8]} - double{logits[7]})), 5e-5);
      EXPECT_NE(scores[0], scores[1]);
    }
  }
}

}  // namespace
}  // namespace citeseek::inference
