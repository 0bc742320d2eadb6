#include "inference/model/model_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inference/model/decoder.h"
#include "tests/inference/model/golden.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/temp_directory.h"

namespace citeseek::inference {
namespace {

using std::string_view_literals::operator""sv;  // a char* would be taken for a bool

constexpr const char* kConfig = R"({"architectures": ["LlamaForCausalLM"], "vocab_size": 4,
  "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1,
  "max_position_embeddings": 64, "eos_token_id": 1})";
constexpr const char* kTokenizer = R"({"added_tokens": [
  {"id": 2, "content": "<s>", "special": true}, {"id": 3, "content": "<end>", "special": true}],
  "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}})";

// A folder with one tensor that nobody reads.
void WriteFolder(const TempDirectory& folder, std::string_view config) {
  folder.Write("config.json", config);
  folder.Write("tokenizer.json", kTokenizer);
  folder.Write("model.safetensors",
               SafetensorsFile(R"({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})",
                               std::string(4, '\0')));
}

TEST(OpenModelTest, AFoldersEosAndTheTokenBehindAnAnswerEndOne) {
  const TempDirectory folder;
  WriteFolder(folder, kConfig);
  folder.Write("tokenizer_config.json", R"({"bos_token": "<s>", "chat_template":
    "{% for m in messages %}{{ bos_token + m.content + '<end>' }}{% endfor %}"})");
  folder.Write("README.md", "---\nlanguage: en\nlicense: apache-2.0\n---\n# license: none\n");
  const auto files = OpenModel(folder.path().string() + "/");
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_THAT(files->stop_ids, testing::ElementsAre(1, 3));
  EXPECT_EQ(files->name, folder.path().filename().string());
  EXPECT_EQ(files->license, "apache-2.0");
  EXPECT_FALSE(files->pooling.has_value());
}

TEST(OpenModelTest, ATokenizerWithIdsThatTheNetworkLacksIsRefused) {
  const TempDirectory folder;
  std::string config = kConfig;
  WriteFolder(folder, config.replace(config.find("\"vocab_size\": 4"), 15, "\"vocab_size\": 3"));
  const auto files = OpenModel(folder.path().string());
  EXPECT_EQ(files.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(files.status().message(),
              testing::HasSubstr("the tokenizer has ids up to 3, the network only 3 tokens"));
}

TEST(OpenModelTest, AnEosOutsideTheVocabularyIsRefused) {
  const TempDirectory folder;
  WriteFolder(folder, kConfig);
  folder.Write("generation_config.json", R"({"eos_token_id": [1, 9]})");
  EXPECT_THAT(OpenModel(folder.path().string()).status().message(),
              testing::HasSubstr("eos_token_id 9 is not in [0, 3]"));
}

TEST(OpenModelTest, WithoutTokenizerAndTemplateAModelOpens) {
  const TempDirectory folder;
  WriteFolder(folder, kConfig);
  std::filesystem::remove(folder.path() / "tokenizer.json");
  const auto files = OpenModel(folder.path().string());
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(files->tokenizer, nullptr);
  EXPECT_FALSE(files->chat_template.has_value());
}

GgufWriter SmallLlama(std::string_view pre_tokenizer) {
  GgufWriter gguf;
  gguf.Put("general.architecture", "llama"sv);
  for (const auto& [key, value] :
       {std::pair("embedding_length", 16u), std::pair("feed_forward_length", 16u),
        std::pair("block_count", 1u), std::pair("attention.head_count", 1u),
        std::pair("context_length", 64u)}) {
    gguf.Put(std::string("llama.") + key, value);
  }
  gguf.Put("tokenizer.ggml.model", "gpt2"sv);
  gguf.Put("tokenizer.ggml.pre", pre_tokenizer);
  return gguf;
}

TEST(OpenModelTest, AGgufFileGivesTheSame) {
  GgufWriter gguf = SmallLlama("qwen2");
  gguf.Put("general.license", "mit"sv);
  gguf.PutTexts("tokenizer.ggml.tokens", {"a", "b", "<s>", "<end>"});
  gguf.PutNumbers<std::int32_t>("tokenizer.ggml.token_type", 5, {1, 1, 3, 3});
  gguf.PutTexts("tokenizer.ggml.merges", {});
  gguf.Put("tokenizer.ggml.bos_token_id", 2u);
  gguf.Put("tokenizer.ggml.eos_token_id", 1u);
  gguf.Put("tokenizer.chat_template",
           "{% for m in messages %}{{ bos_token + m.content + '<end>' }}{% endfor %}"sv);
  const TempDirectory folder;
  const auto files = OpenModel(folder.Write("small.gguf", gguf.Finish()));
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(files->name, "small");
  EXPECT_EQ(files->license, "mit");
  EXPECT_THAT(files->stop_ids, testing::ElementsAre(1, 3));
  EXPECT_NE(files->tokenizer, nullptr);
}

TEST(OpenModelTest, AGgufFileNamesWhatEndsAWord) {
  const TempDirectory folder;
  const auto ids = [&](std::string_view pre, std::string_view text) {
    GgufWriter gguf = SmallLlama(pre);
    gguf.PutTexts("tokenizer.ggml.tokens",
                  {"a", "-", "1", "\u0120", "-a", "11", "\u0120-", "\u010a", "\u010a-", "\u0120a"});
    gguf.PutTexts("tokenizer.ggml.merges", {"- a", "1 1", "\u0120 -", "\u010a -", "\u0120 a"});
    const auto files = OpenModel(folder.Write("small.gguf", gguf.Finish()));
    EXPECT_TRUE(files.ok()) << files.status();
    return files.ok() ? files->tokenizer->Encode(text) : std::vector<std::int32_t>();
  };
  EXPECT_THAT(ids("qwen2", "-a a11 -"), testing::ElementsAre(4, 9, 2, 2, 6));
  EXPECT_THAT(ids("llama-bpe", "-a a11 -"), testing::ElementsAre(4, 9, 5, 6));
  EXPECT_THAT(ids("gpt-2", "-a a11 -"), testing::ElementsAre(1, 0, 9, 5, 6));
  for (const char* pre : {"deepseek-llm", "deepseek-coder"}) {
    EXPECT_THAT(ids(pre, "-a a11 -"), testing::ElementsAre(1, 0, 9, 2, 2, 6)) << pre;
    EXPECT_THAT(ids(pre, "a\n-"), testing::ElementsAre(0, 7, 1)) << pre;
  }
}

TEST(OpenModelTest, WhatIsNotThereIsNamed) {
  EXPECT_EQ(OpenModel("/nonexistent/model").status().code(), absl::StatusCode::kNotFound);
  const TempDirectory folder;
  EXPECT_THAT(OpenModel(folder.path().string()).status().message(),
              testing::HasSubstr("config.json"));
}

TEST(OpenModelTest, GoldenFoldersOpen) {
  if (!SharedDirectory()) GTEST_SKIP() << "no shared directory with golden models";
  const std::string golden = (*SharedDirectory() / "golden").string();
  for (const auto& [name, eos] :
       {std::pair("e2e-qwen2", 658), std::pair("e2e-llama3", 667), std::pair("e2e-deepseek3", 1)}) {
    SCOPED_TRACE(name);
    const auto files = OpenModel(golden + "/" + name);
    ASSERT_TRUE(files.ok()) << files.status();
    EXPECT_NE(files->tokenizer, nullptr);
    EXPECT_TRUE(files->chat_template.has_value());
    EXPECT_THAT(files->stop_ids, testing::ElementsAre(eos));
  }
}

}  // namespace
}  // namespace citeseek::inference
