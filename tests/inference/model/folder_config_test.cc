#include "inference/model/folder_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/shared.h"
#include "tests/support/temp_directory.h"

namespace citeseek::inference {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kModules = R"([
    {"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}])";

TEST(FolderConfigTest, TheTokenizersLimitIsANumberOfTokensOrNone) {
  const TempDirectory folder;
  EXPECT_EQ(*ReadTokenLimit(folder.path().string()), 0);
  for (const auto& [written, limit] :
       {std::pair("512", 512), std::pair("1000000000000000019884624838656", 0),
        std::pair("1e30", 0), std::pair("-1", 0), std::pair("null", 0)}) {
    folder.Write("tokenizer_config.json", std::string("{\"model_max_length\":") + written + "}");
    EXPECT_EQ(*ReadTokenLimit(folder.path().string()), limit) << written;
  }
}

TEST(FolderConfigTest, ModulesSayHowToPoolAndPrompt) {
  const TempDirectory folder;
  const std::string path = folder.path().string();
  EXPECT_FALSE(ReadPoolingConfig(path)->has_value());
  folder.Write("modules.json", kModules);
  folder.Write("1_Pooling/config.json", R"({"pooling_mode_cls_token": true})");
  folder.Write("sentence_bert_config.json", R"({"max_seq_length": 512})");
  folder.Write("config_sentence_transformers.json", R"({"prompts": {"query": "query: "}})");
  const auto config = ReadPoolingConfig(path);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ((*config)->kind, PoolingConfig::Kind::kCls);
  EXPECT_TRUE((*config)->normalize);
  EXPECT_EQ((*config)->max_tokens, 512);
  EXPECT_EQ((*config)->query_prompt, "query: ");
  EXPECT_EQ((*config)->passage_prompt, "");
}

TEST(FolderConfigTest, UnknownModulesAndPoolingsAreNamed) {
  const TempDirectory folder;
  const std::string path = folder.path().string();
  folder.Write("modules.json", R"([{"type": "sentence_transformers.models.Dense", "path": "x"}])");
  EXPECT_THAT(std::string(ReadPoolingConfig(path).status().message()), HasSubstr("models.Dense"));
  folder.Write("modules.json", kModules);
  EXPECT_THAT(std::string(ReadPoolingConfig(path).status().message()),
              HasSubstr("lacks 1_Pooling/config.json"));
  folder.Write("1_Pooling/config.json", R"({"pooling_mode_max_tokens": true})");
  EXPECT_THAT(std::string(ReadPoolingConfig(path).status().message()),
              HasSubstr("pooling_mode_max_tokens is unknown"));
}

TEST(FolderConfigTest, GenerationDefaultsComeFromTheFolderWhereItHasThem) {
  const TempDirectory folder;
  EXPECT_FALSE(ReadGenerationDefaults(folder.path().string())->temperature.has_value());
  folder.Write("generation_config.json",
               R"({"do_sample": true, "temperature": 0.6, "top_p": 0.95, "eos_token_id": [1]})");
  const auto defaults = ReadGenerationDefaults(folder.path().string());
  ASSERT_TRUE(defaults.ok()) << defaults.status();
  EXPECT_EQ(defaults->temperature, 0.6);
  EXPECT_EQ(defaults->top_p, 0.95);
  EXPECT_EQ(defaults->top_k, std::nullopt);
  folder.Write("generation_config.json",
               R"({"do_sample": false, "temperature": 0.6, "top_k": -1, "min_p": null,
                   "repetition_penalty": 1.1})");
  const auto greedy = ReadGenerationDefaults(folder.path().string());
  ASSERT_TRUE(greedy.ok()) << greedy.status();
  EXPECT_EQ(greedy->temperature, 0);
  EXPECT_EQ(greedy->top_k, 0);
  EXPECT_EQ(greedy->min_p, std::nullopt);
  EXPECT_EQ(greedy->repetition_penalty, 1.1);
  folder.Write("generation_config.json", R"({"temperature": "hot"})");
  EXPECT_THAT(std::string(ReadGenerationDefaults(folder.path().string()).status().message()),
              HasSubstr("temperature is not a number"));
}

TEST(FolderConfigTest, TheGoldenEmbedderPoolsItsFirstToken) {
  const auto shared = SharedDirectory();
  if (!shared) GTEST_SKIP() << "no shared directory with golden models";
  const auto config = ReadPoolingConfig((*shared / "golden" / "e2e-bert-embed").string());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ((*config)->kind, PoolingConfig::Kind::kCls);
  EXPECT_TRUE((*config)->normalize);
}

}  // namespace
}  // namespace citeseek::inference
