// Golden encoders as llama.cpp's converter writes them: the same outputs as from their folders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "inference/embedder.h"
#include "inference/model/gguf_model.h"
#include "inference/model/tokenizer.h"
#include "inference/model/weights.h"
#include "inference/reranker.h"
#include "inference/workbench.h"
#include "tests/inference/model/golden.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temp_directory.h"

namespace citeseek::inference {
namespace {

using ::testing::HasSubstr;
using std::string_view_literals::operator""sv;

constexpr std::uint32_t kInt32 = 5, kFloat32 = 6, kInt8 = 1;  // ggml's types of metadata

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

std::string GgmlName(std::string name) {
  for (const auto& [from, to] : {std::pair("embeddings.word_embeddings"sv, "token_embd"sv),
                                 {"embeddings.position_embeddings"sv, "position_embd"sv},
                                 {"embeddings.token_type_embeddings"sv, "token_types"sv},
                                 {"embeddings.LayerNorm"sv, "token_embd_norm"sv},
                                 {"encoder.layer"sv, "blk"sv},
                                 {"attention.self.query"sv, "attn_q"sv},
                                 {"attention.self.key"sv, "attn_k"sv},
                                 {"attention.self.value"sv, "attn_v"sv},
                                 {"attention.output.dense"sv, "attn_output"sv},
                                 {"attention.output.LayerNorm"sv, "attn_output_norm"sv},
                                 {"intermediate.dense"sv, "ffn_up"sv},
                                 {"output.dense"sv, "ffn_down"sv},
                                 {"output.LayerNorm"sv, "layer_output_norm"sv},
                                 {"classifier.dense"sv, "cls"sv},
                                 {"classifier.out_proj"sv, "cls.output"sv}}) {
    name = Replaced(std::move(name), from, to);
  }
  return name;
}

// Weights and sizes; the table of positions from row `offset` on.
void PutNetwork(const Golden& golden, std::int64_t offset, GgufWriter& gguf) {
  const Json config = *ParseJson(ReadFile(golden.folder / "config.json"), "config.json");
  const auto number = [&](const char* key) { return *At(config, key).Int(); };
  gguf.Put("general.architecture", "bert"sv);
  const auto put = [&](const char* key, std::int64_t value) {
    gguf.Put(std::string("bert.") + key, static_cast<std::uint32_t>(value));
  };
  put("context_length", number("max_position_embeddings") - offset);
  put("embedding_length", number("hidden_size"));
  put("feed_forward_length", number("intermediate_size"));
  put("block_count", number("num_hidden_layers"));
  put("attention.head_count", number("num_attention_heads"));
  gguf.Put("bert.attention.layer_norm_epsilon",
           static_cast<float>(Number(At(config, "layer_norm_eps"))));
  gguf.Put("bert.attention.causal", false);
  const auto weights = Weights::OpenFolder(golden.folder.string());
  ASSERT_TRUE(weights.ok()) << weights.status();
  for (const auto& [name, tensor] : weights->tensors()) {
    if (name.starts_with("pooler.") || name == "embeddings.position_ids") continue;
    ASSERT_EQ(tensor.view.dtype, DType::kF32);
    auto bytes = tensor.view.bytes;
    auto shape = tensor.view.shape;
    if (name.starts_with("embeddings.position_embeddings")) {
      bytes = bytes.subspan(static_cast<std::size_t>(offset * shape[1]) * sizeof(float));
      shape[0] -= offset;
    }
    gguf.Tensor(GgmlName(name), {shape.rbegin(), shape.rend()}, 0,
                {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
}

std::string Base64Decoded(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<std::uint32_t>(kDigits.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count));
  }
  return out;
}

void PutXlmrTokenizer(const Golden& golden, GgufWriter& gguf) {
  const Json json = *ParseJson(ReadFile(golden.folder / "tokenizer.json"), "tokenizer.json");
  std::vector<std::string> tokens;
  std::vector<float> scores;
  for (const Json& entry : List(At(At(json, "model"), "vocab"))) {
    tokens.push_back(*List(entry)[0].String());
    scores.push_back(static_cast<float>(Number(List(entry)[1])));
  }
  std::vector<std::int32_t> types(tokens.size(), 1);
  for (const Json& token : List(At(json, "added_tokens"))) {
    types[static_cast<std::size_t>(*At(token, "id").Int())] =
        *At(token, "content").String() == "<unk>" ? 2 : 3;
  }
  const std::string map =
      Base64Decoded(*At(At(json, "normalizer"), "precompiled_charsmap").String());
  gguf.Put("tokenizer.ggml.model", "t5"sv);
  gguf.Put("tokenizer.ggml.pre", "default"sv);
  gguf.PutTexts("tokenizer.ggml.tokens", tokens);
  gguf.PutNumbers("tokenizer.ggml.scores", kFloat32, scores);
  gguf.PutNumbers("tokenizer.ggml.token_type", kInt32, types);
  gguf.Put("tokenizer.ggml.add_space_prefix", true);
  gguf.Put("tokenizer.ggml.remove_extra_whitespaces", true);
  gguf.PutNumbers("tokenizer.ggml.precompiled_charsmap", kInt8,
                  std::vector<std::int8_t>(map.begin(), map.end()));
  gguf.Put("tokenizer.ggml.bos_token_id", 0u);
  gguf.Put("tokenizer.ggml.eos_token_id", 2u);
  gguf.Put("tokenizer.ggml.unknown_token_id", 3u);
  gguf.Put("tokenizer.ggml.seperator_token_id", 2u);
  gguf.Put("tokenizer.ggml.padding_token_id", 1u);
  gguf.Put("tokenizer.ggml.add_bos_token", true);
  gguf.Put("tokenizer.ggml.add_eos_token", true);
}

// Pieces inside a word lose their "##", pieces at its start get SentencePiece's mark.
void PutBertTokenizer(const Golden& golden, GgufWriter& gguf) {
  const Json json = *ParseJson(ReadFile(golden.folder / "tokenizer.json"), "tokenizer.json");
  const JsonObject& vocabulary = *At(At(json, "model"), "vocab").Object();
  std::vector<std::string> tokens(vocabulary.size());
  std::vector<std::int32_t> types(vocabulary.size(), 1);
  for (const auto& [text, id] : vocabulary) {
    const auto at = static_cast<std::size_t>(*id.Int());
    const bool control = text.starts_with('[') && text.ends_with(']') && text.size() > 2;
    types[at] = control ? 3 : 1;
    tokens[at] = control ? text : text.starts_with("##") ? text.substr(2) : "\u2581" + text;
  }
  gguf.Put("tokenizer.ggml.model", "bert"sv);
  gguf.PutTexts("tokenizer.ggml.tokens", tokens);
  gguf.PutNumbers("tokenizer.ggml.token_type", kInt32, types);
  for (const auto& [kind, text] : {std::pair("padding", "[PAD]"), std::pair("unknown", "[UNK]"),
                                   std::pair("cls", "[CLS]"), std::pair("seperator", "[SEP]")}) {
    gguf.Put("tokenizer.ggml." + std::string(kind) + "_token_id",
             static_cast<std::uint32_t>(*At(At(At(json, "model"), "vocab"), text).Int()));
  }
}

TEST(GgufEncoderTest, AnXlmrRerankerScoresAsItsFolder) {
  const std::vector<Golden> goldens = Goldens("e2e-reranker");
  if (goldens.empty()) GTEST_SKIP() << "no golden rerankers: set CITESEEK_SHARED";
  for (const Golden& golden : goldens) {
    if (golden.folder.filename().string().find("xlmr") == std::string::npos) continue;
    GgufWriter gguf;
    PutNetwork(golden, 2, gguf);
    PutXlmrTokenizer(golden, gguf);
    gguf.Put("bert.pooling_type", 4u);
    const TempDirectory folder;
    const auto reranker = OpenReranker(folder.Write("m.gguf", gguf.Finish()), {});
    ASSERT_TRUE(reranker.ok()) << reranker.status();
    for (const Json& c : List(At(golden.expected, "cases"))) {
      const std::vector<std::string> passages = {*At(c, "document").String()};
      std::vector<float> score(1);
      ASSERT_TRUE((*reranker)
                      ->Score({.query = *At(c, "query").String(), .passages = passages}, score)
                      .ok());
      EXPECT_NEAR(score[0], Number(At(c, "score_sigmoid")), 5e-5) << passages[0];
    }
  }
}

TEST(GgufEncoderTest, ABertEmbedderEmbedsAsItsFolder) {
  const std::vector<Golden> goldens = Goldens("e2e-embedding");
  if (goldens.empty()) GTEST_SKIP() << "no golden embedders: set CITESEEK_SHARED";
  for (const Golden& golden : goldens) {
    if (golden.folder.filename().string().find("bert") == std::string::npos) continue;
    GgufWriter gguf;
    PutNetwork(golden, 0, gguf);
    PutBertTokenizer(golden, gguf);
    gguf.Put("bert.pooling_type", 2u);
    const TempDirectory folder;
    const auto embedder = OpenEmbedder(folder.Write("m.gguf", gguf.Finish()), {});
    ASSERT_TRUE(embedder.ok()) << embedder.status();
    std::vector<std::string> texts;
    std::vector<float> expected;
    for (const Json& c : List(At(golden.expected, "cases"))) {
      texts.push_back(*At(c, "text").String());
      for (const float x : Floats(At(c, "cls_l2norm"))) expected.push_back(x);
    }
    std::vector<float> out(expected.size());
    ASSERT_TRUE((*embedder)->Embed({.texts = texts}, out).ok());
    EXPECT_THAT(out, testing::Pointwise(testing::FloatNear(2e-5f), expected));
  }
}

TEST(GgufEncoderTest, AModernBertEmbedsAsItsFolder) {
  const auto shared = SharedDirectory();
  if (!shared.has_value()) GTEST_SKIP() << "no golden embedders: set CITESEEK_SHARED";
  const std::filesystem::path folder = *shared / "golden/modernbert-embed/f32";
  const Json config = *ParseJson(ReadFile(folder / "config.json"), "config.json");
  const Json expected = *ParseJson(ReadFile(folder / "expected.json"), "expected.json");
  GgufWriter gguf;
  gguf.Put("general.architecture", "modern-bert"sv);
  for (const auto& [key, name] :
       {std::pair("context_length", "max_position_embeddings"),
        {"embedding_length", "hidden_size"},
        {"feed_forward_length", "intermediate_size"},
        {"block_count", "num_hidden_layers"},
        {"attention.head_count", "num_attention_heads"},
        {"vocab_size", "vocab_size"},
        {"attention.sliding_window", "local_attention"},
        {"attention.sliding_window_pattern", "global_attn_every_n_layers"}}) {
    gguf.Put(std::string("modern-bert.") + key,
             static_cast<std::uint32_t>(*At(config, name).Int()));
  }
  for (const auto& [key, name] : {std::pair("attention.layer_norm_epsilon", "norm_eps"),
                                  {"rope.freq_base", "global_rope_theta"},
                                  {"rope.freq_base_swa", "local_rope_theta"}}) {
    gguf.Put(std::string("modern-bert.") + key, static_cast<float>(Number(At(config, name))));
  }
  const auto weights = Weights::OpenFolder(folder.string());
  ASSERT_TRUE(weights.ok()) << weights.status();
  for (const auto& [source, tensor] : weights->tensors()) {
    std::string name = source;
    for (const auto& [from, to] : {std::pair("embeddings.tok_embeddings"sv, "token_embd"sv),
                                   {"embeddings.norm"sv, "token_embd_norm"sv},
                                   {"final_norm"sv, "output_norm"sv},
                                   {"layers."sv, "blk."sv},
                                   {"attn.Wqkv"sv, "attn_qkv"sv},
                                   {"attn.Wo"sv, "attn_output"sv},
                                   {"mlp_norm"sv, "ffn_norm"sv},
                                   {"mlp.Wi"sv, "ffn_up"sv},
                                   {"mlp.Wo"sv, "ffn_down"sv}}) {
      name = Replaced(std::move(name), from, to);
    }
    const auto& shape = tensor.view.shape;
    gguf.Tensor(
        name, {shape.rbegin(), shape.rend()}, 0,
        {reinterpret_cast<const char*>(tensor.view.bytes.data()), tensor.view.bytes.size()});
  }
  const TempDirectory made;
  Workbench bench(made.Write("m.gguf", gguf.Finish()), {});
  for (const Json& batch : List(At(expected, "cases"))) {
    for (std::size_t i = 0; i < List(At(batch, "input_ids")).size(); ++i) {
      const std::vector<std::int32_t> mask = Ids(List(At(batch, "attention_mask"))[i]);
      TokenText text = {.ids = Ids(List(At(batch, "input_ids"))[i])};
      text.ids.resize(static_cast<std::size_t>(std::count(mask.begin(), mask.end(), 1)));
      const auto vectors = bench.Embed({&text, 1}, Pool::kMean, true);
      ASSERT_TRUE(vectors.ok()) << vectors.status();
      const std::vector<float> mean = Floats(List(At(batch, "mean_l2norm"))[i]);
      EXPECT_THAT(vectors->values, testing::Pointwise(testing::FloatNear(2e-5f), mean));
    }
  }
}

TEST(GgufEncoderTest, ACasedBertIsNotMadeLower) {
  GgufWriter gguf;
  gguf.Put("tokenizer.ggml.model", "bert"sv);
  gguf.PutTexts("tokenizer.ggml.tokens", {"[UNK]", "\u2581Straße", "\u2581straße", "\u2581cafe"});
  gguf.PutNumbers("tokenizer.ggml.token_type", kInt32, std::vector<std::int32_t>{3, 1, 1, 1});
  gguf.Put("tokenizer.ggml.unknown_token_id", 0u);
  const auto ids = [](const GgufWriter& writer, std::string_view text) {
    const std::string file = writer.Finish();
    auto gguf_file = ParseGguf(std::as_bytes(std::span(file)), "x.gguf");
    auto spec = GgufTokenizer(gguf_file->metadata, "x.gguf");
    EXPECT_TRUE(spec.ok()) << spec.status();
    return (*Tokenizer::Make(*std::move(spec)))->Encode(text);
  };
  EXPECT_THAT(ids(gguf, "Café"), testing::ElementsAre(3));
  gguf.Put("tokenizer.ggml.normalizer.lowercase", false);
  EXPECT_THAT(ids(gguf, "Straße Café"), testing::ElementsAre(1, 0));
}

TEST(GgufEncoderTest, AClassifierWithoutItsPoolerIsRefusedByName) {
  GgufWriter gguf;
  gguf.Put("general.architecture", "bert"sv);
  gguf.Tensor("cls.output.weight", {1, 1}, 0, std::string(4, '\0'));
  const TempDirectory folder;
  EXPECT_THAT(OpenReranker(folder.Write("m.gguf", gguf.Finish()), {}).status().message(),
              HasSubstr("has cls.output without cls: a classifier on BERT's pooler"));
}

}  // namespace
}  // namespace citeseek::inference
