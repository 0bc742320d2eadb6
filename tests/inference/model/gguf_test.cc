#include "inference/model/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>

#include "inference/model/gguf_model.h"
#include "inference/model/model_files.h"
#include "inference/model/tokenizer.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temp_directory.h"

namespace citeseek::inference {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<Gguf> Parse(const std::string& file) {
  return ParseGguf(std::as_bytes(std::span(file)), "x.gguf");
}

std::string ErrorOf(const std::string& file) {
  const auto gguf = Parse(file);
  return gguf.ok() ? "no error" : std::string(gguf.status().message());
}

std::string Floats(std::size_t count, float first = 0) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) {
    bytes += GgufWriter::Number(first + static_cast<float>(i));
  }
  return bytes;
}

// A llama of one layer with two heads of four channels.
GgufWriter TinyLlama() {
  GgufWriter writer;
  writer.Put("general.architecture", std::string_view("llama"));
  writer.Put("llama.block_count", 1u);
  writer.Put("llama.embedding_length", 8u);
  writer.Put("llama.feed_forward_length", 16u);
  writer.Put("llama.context_length", 128u);
  writer.Put("llama.attention.head_count", 2u);
  writer.Put("llama.attention.head_count_kv", 1u);
  writer.Put("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  writer.Put("llama.rope.freq_base", 500000.0f);
  writer.Put("llama.vocab_size", 3u);
  writer.Tensor("token_embd.weight", {8, 3}, 0, Floats(24));
  writer.Tensor("blk.0.attn_q.weight", {1, 8}, 0, Floats(8));
  writer.Tensor("rope_freqs.weight", {2}, 0, Floats(2, 1));
  return writer;
}

TEST(GgufTest, MetadataOfAllKindsAndTensorsAreRead) {
  GgufWriter writer;
  writer.Put("number", 7u);
  writer.Put("share", 0.5f);
  writer.Put("flag", true);
  writer.Put("text", std::string_view("hello"));
  writer.PutTexts("list", {"a", "b"});
  writer.Raw("big", 10, GgufWriter::Number(std::uint64_t{1} << 40));
  writer.Tensor("w", {32, 2}, 8, std::string(68, 'x'));
  for (const std::uint32_t version : {2u, 3u}) {
    const std::string file = writer.Finish(version);
    const auto gguf = Parse(file);
    ASSERT_TRUE(gguf.ok()) << gguf.status();
    EXPECT_EQ(*gguf->metadata.Find("number")->Int(), 7);
    EXPECT_EQ(*gguf->metadata.Find("share")->Double(), 0.5);
    EXPECT_EQ(*gguf->metadata.Find("text")->String(), "hello");
    EXPECT_EQ(gguf->metadata.Find("list")->Array()->size(), 2u);
    EXPECT_EQ(*gguf->metadata.Find("big")->Int(), std::int64_t{1} << 40);
    EXPECT_EQ(gguf->tensors[0].view.dtype, DType::kQ8_0);
    EXPECT_THAT(gguf->tensors[0].view.shape, ElementsAre(2, 32));
  }
}

TEST(GgufTest, DamagedFilesAreErrorsThatSayWhat) {
  EXPECT_THAT(ErrorOf("GG"), HasSubstr("is no GGUF file"));
  EXPECT_THAT(ErrorOf(TinyLlama().Finish(1)), HasSubstr("version 1"));
  const std::string whole = TinyLlama().Finish();
  for (const std::size_t size : {20ul, 60ul, 300ul, whole.size() - 60}) {
    EXPECT_NE(ErrorOf(whole.substr(0, size)), "no error") << size;
  }
  GgufWriter unknown;
  unknown.Tensor("w", {256}, 16, std::string(66, 'x'));
  EXPECT_THAT(ErrorOf(unknown.Finish()), HasSubstr("type 16 of ggml; known are F32, F16, BF16"));
  GgufWriter odd;
  odd.Tensor("w", {33}, 8, std::string(68, 'x'));
  EXPECT_THAT(ErrorOf(odd.Finish()), HasSubstr("impossible shape [33]"));
  GgufWriter huge;
  huge.Tensor("w", {1ull << 40, 1ull << 40}, 0, "x");
  EXPECT_THAT(ErrorOf(huge.Finish()), HasSubstr("impossible shape"));
  GgufWriter twice;
  twice.Tensor("w", {1}, 0, Floats(1));
  twice.Tensor("w", {1}, 0, Floats(1));
  EXPECT_THAT(ErrorOf(twice.Finish()), HasSubstr("names tensor w twice"));
  GgufWriter two;
  two.Tensor("first", {1}, 0, Floats(1));
  two.Tensor("second", {1}, 0, Floats(1));
  std::string overlapping = two.Finish();
  // Behind the name lie dimensions (4 + 8 bytes), the type (4) and the offset, which is 32.
  overlapping.at(overlapping.find("second") + 6 + 16) = 0;
  EXPECT_THAT(ErrorOf(overlapping), HasSubstr("second overlaps another"));
}

TEST(GgufTest, AModelHasHuggingFacesNamesAndRowOrder) {
  const TempDirectory folder;
  const auto model = OpenGguf(folder.Write("m.gguf", TinyLlama().Finish()));
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->config.family, Family::kLlama);
  EXPECT_EQ(model->config.head_size, 4);
  EXPECT_TRUE(model->config.tied_embeddings);
  EXPECT_THAT(model->config.rope.divisors, ElementsAre(1.0f, 2.0f));
  EXPECT_TRUE(model->weights.Find("embed_tokens.weight", {3, 8}).ok());
  const auto query = model->weights.Find("layers.0.self_attn.q_proj.weight", {8, 1});
  ASSERT_TRUE(query.ok()) << query.status();
  // The file has (0, 2), (1, 3) as neighbours; the model wants (0, 1 | 2, 3) halves.
  std::vector<float> rows(8);
  std::memcpy(rows.data(), query->bytes.data(), 32);
  EXPECT_THAT(rows, ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
}

TEST(GgufTest, AModelWithoutATokenizerIsOneOfIds) {
  GgufWriter writer = TinyLlama();
  writer.Put("tokenizer.ggml.model", std::string_view("none"));
  const TempDirectory folder;
  const auto model = OpenModel(folder.Write("m.gguf", writer.Finish()));
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->tokenizer, nullptr);
}

TEST(GgufTest, AnUnknownArchitectureIsNamedWithTheKnownOnes) {
  GgufWriter writer;
  writer.Put("general.architecture", std::string_view("mamba"));
  const std::string file = writer.Finish();
  const auto config = GgufConfig(*Parse(file), "x.gguf");
  EXPECT_THAT(std::string(config.status().message()),
              HasSubstr("architecture \"mamba\" is unknown; known are llama, qwen2"));
}

TEST(GgufTest, ExpertsBecomeOneMatrixEach) {
  GgufWriter writer = TinyLlama();
  writer.Tensor("blk.0.ffn_up_exps.weight", {8, 2, 3}, 0, Floats(48));
  const TempDirectory folder;
  const auto model = OpenGguf(folder.Write("m.gguf", writer.Finish()));
  ASSERT_TRUE(model.ok()) << model.status();
  const auto last = model->weights.Find("layers.0.mlp.experts.2.up_proj.weight", {2, 8});
  ASSERT_TRUE(last.ok()) << last.status();
  float first = 0;
  std::memcpy(&first, last->bytes.data(), 4);
  EXPECT_EQ(first, 32.0f);
}

TEST(GgufTest, DeepSeeksKeysAndValuesInTwoPartsBecomeOneMatrix) {
  GgufWriter writer;
  writer.Put("general.architecture", std::string_view("deepseek2"));
  writer.Put("deepseek2.block_count", 1u);
  writer.Put("deepseek2.embedding_length", 8u);
  writer.Put("deepseek2.feed_forward_length", 16u);
  writer.Put("deepseek2.attention.head_count", 1u);
  writer.Put("deepseek2.attention.key_length_mla", 4u);
  writer.Put("deepseek2.attention.value_length_mla", 1u);
  writer.Put("deepseek2.rope.dimension_count", 2u);
  writer.Put("deepseek2.attention.kv_lora_rank", 3u);
  writer.Put("deepseek2.vocab_size", 3u);
  writer.Tensor("blk.0.attn_k_b.weight", {2, 3, 1}, 0, Floats(6));     // [1, 3, 2]
  writer.Tensor("blk.0.attn_v_b.weight", {3, 1, 1}, 0, Floats(3, 6));  // [1, 1, 3]
  const TempDirectory folder;
  const auto model = OpenGguf(folder.Write("m.gguf", writer.Finish()));
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->config.mla.qk_nope_head_size, 2);
  EXPECT_EQ(model->config.mla.q_lora_rank, 0);
  const auto joined = model->weights.Find("layers.0.self_attn.kv_b_proj.weight", {3, 3});
  ASSERT_TRUE(joined.ok()) << joined.status();
  std::vector<float> values(9);
  std::memcpy(values.data(), joined->bytes.data(), 36);
  EXPECT_THAT(values, ElementsAre(0, 2, 4, 1, 3, 5, 6, 7, 8));
}

TEST(GgufTest, ASentencePieceTokenizerMergesByScoreAndFallsBackToBytes) {
  GgufWriter writer;
  writer.Put("tokenizer.ggml.model", std::string_view("llama"));
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>", "\u2581", "a", "b", "\u2581a", "ab"};
  for (int i = 0; i < 256; ++i) {
    char text[8];
    std::snprintf(text, sizeof(text), "<0x%02X>", i);
    tokens.push_back(text);
  }
  std::vector<float> scores(tokens.size());
  std::vector<std::int32_t> types(tokens.size(), 6);
  for (std::size_t i = 0; i < 8; ++i) {
    scores[i] = -static_cast<float>(i);
    types[i] = i == 0 ? 2 : i < 3 ? 3 : 1;
  }
  writer.PutTexts("tokenizer.ggml.tokens", tokens);
  writer.PutNumbers("tokenizer.ggml.scores", 6, scores);
  writer.PutNumbers("tokenizer.ggml.token_type", 5, types);
  writer.Put("tokenizer.ggml.unknown_token_id", 0u);
  writer.Put("tokenizer.ggml.bos_token_id", 1u);
  const std::string file = writer.Finish();
  auto spec = GgufTokenizer(Parse(file)->metadata, "x.gguf");
  ASSERT_TRUE(spec.ok()) << spec.status();
  const auto tokenizer = Tokenizer::Make(*std::move(spec));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  // The mark and a are of a better score than ab.
  EXPECT_THAT((*tokenizer)->Encode("ab", {.add_special = true}), ElementsAre(1, 6, 5));
  const auto ids = (*tokenizer)->Encode("a\u00e9");
  EXPECT_THAT(ids, ElementsAre(6, 8 + 0xC3, 8 + 0xA9));
  EXPECT_EQ((*tokenizer)->Decode(ids, true), "a\u00e9");
  EXPECT_EQ(GgufTokenText(Parse(file)->metadata, "bos"), "<s>");
}

}  // namespace
}  // namespace citeseek::inference
