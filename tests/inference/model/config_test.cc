#include "inference/model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/shared.h"
#include "tests/support/temp_directory.h"

namespace citeseek::inference {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ModelConfig MustParse(std::string_view json) {
  auto config = ParseModelConfig(json, "config.json");
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? *config : ModelConfig{};
}

std::string ErrorOf(std::string_view json) {
  const auto config = ParseModelConfig(json, "config.json");
  return config.ok() ? "no error" : std::string(config.status().message());
}

TEST(ConfigTest, MissingKeysHaveTheDefaultsOfTheFamily) {
  const ModelConfig qwen3 = MustParse(R"({"architectures": ["Qwen3ForCausalLM"]})");
  EXPECT_EQ(qwen3.head_size, 128);
  EXPECT_TRUE(qwen3.qk_norm);
  EXPECT_FALSE(qwen3.qkv_bias);
  const ModelConfig llama = MustParse(R"({"model_type": "llama", "num_attention_heads": 8})");
  EXPECT_EQ(llama.kv_heads, 8);
  EXPECT_EQ(llama.head_size, 512);
  EXPECT_EQ(llama.rope.kind, RopeConfig::Kind::kDefault);
  EXPECT_TRUE(MustParse(R"({"model_type": "qwen2"})").qkv_bias);
  EXPECT_FALSE(MustParse(R"({"model_type": "qwen2"})").output_bias);
  EXPECT_EQ(MustParse(R"({"model_type": "qwen2"})").kv_heads, 32);
}

TEST(ConfigTest, NullMeansNoneWhereTheDefaultIsSome) {
  EXPECT_EQ(MustParse(R"({"model_type": "qwen2", "num_attention_heads": 16,
                          "num_key_value_heads": null})")
                .kv_heads,
            16);
  EXPECT_EQ(
      MustParse(R"({"model_type": "deepseek_v3", "n_shared_experts": null})").moe.shared_experts,
      0);
  EXPECT_THAT(MustParse(R"({"model_type": "qwen2", "num_hidden_layers": 1, "max_window_layers": 0,
                            "use_sliding_window": true, "sliding_window": null})")
                  .layer_window,
              ElementsAre(0));
}

TEST(ConfigTest, AnUnknownArchitectureIsNamedWithTheKnownOnes) {
  const std::string error = ErrorOf(R"({"architectures": ["MambaForCausalLM"]})");
  EXPECT_THAT(error, HasSubstr("\"MambaForCausalLM\" is unknown"));
  EXPECT_THAT(error, HasSubstr("Qwen3MoeForCausalLM"));
  EXPECT_THAT(error, HasSubstr("ModernBertModel"));
}

TEST(ConfigTest, AnUnknownQuantisationIsNamedWithTheKnownOnes) {
  EXPECT_THAT(
      ErrorOf(R"({"model_type": "llama", "quantization_config": {"quant_method": "gptq"}})"),
      HasSubstr("quant_method \"gptq\" is unknown; known are weights in F32"));
}

TEST(ConfigTest, WrongTypesAndAbsurdValuesAreErrorsThatNameTheKey) {
  EXPECT_THAT(ErrorOf(R"({"model_type": "llama", "hidden_size": "64"})"),
              HasSubstr("hidden_size is not an integer"));
  EXPECT_THAT(ErrorOf(R"({"model_type": "llama", "num_hidden_layers": 1e9})"),
              HasSubstr("num_hidden_layers 1000000000 is not in [1, 1024]"));
  EXPECT_THAT(ErrorOf(R"({"model_type": "llama", "num_attention_heads": 0})"),
              HasSubstr("num_attention_heads 0"));
  EXPECT_THAT(ErrorOf(R"({"model_type": "llama", "num_key_value_heads": 5})"),
              HasSubstr("num_key_value_heads 5 does not divide 32"));
  EXPECT_THAT(ErrorOf(R"({"model_type": "llama", "hidden_act": "mish"})"),
              HasSubstr("\"mish\" is unknown"));
  EXPECT_THAT(ErrorOf(R"({"model_type": "llama", "rope_scaling": {"type": "su", "factor": 2}})"),
              HasSubstr("\"su\" is unknown"));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(ErrorOf("{"), HasSubstr("not JSON"));
}

TEST(ConfigTest, ExtraKeysAreIgnored) {
  EXPECT_EQ(MustParse(R"({"model_type": "bert", "auto_map": {"x": [1]}, "zzz": null})").layers, 12);
}

TEST(ConfigTest, YarnOfDeepSeekScalesTheSoftmaxAndLeavesCosAlone) {
  const ModelConfig config = MustParse(R"({"model_type": "deepseek_v3", "rope_scaling": {
      "type": "yarn", "factor": 40, "mscale": 1.0, "mscale_all_dim": 1.0,
      "original_max_position_embeddings": 4096}, "max_position_embeddings": 163840})");
  EXPECT_EQ(config.rope.kind, RopeConfig::Kind::kYarn);
  EXPECT_TRUE(config.rope.interleaved);
  EXPECT_EQ(config.rope.dimension, 64);
  EXPECT_DOUBLE_EQ(config.rope.cos_sin_scale, 1.0);
  const double mscale = 0.1 * std::log(40.0) + 1.0;
  EXPECT_DOUBLE_EQ(config.rope.softmax_scale, mscale * mscale);
  EXPECT_EQ(config.max_positions, 163840);
}

TEST(ConfigTest, YarnOfQwenScalesCosAndReachesFactorTimesTheTrainedLength) {
  const ModelConfig config = MustParse(R"({"model_type": "qwen2", "rope_scaling": {
      "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}})");
  EXPECT_DOUBLE_EQ(config.rope.cos_sin_scale, 0.1 * std::log(4.0) + 1.0);
  EXPECT_DOUBLE_EQ(config.rope.softmax_scale, 1.0);
  EXPECT_EQ(config.max_positions, 131072);
}

TEST(ConfigTest, DeepSeekSaysWhichLayersHaveExpertsAndHowTheyAreChosen) {
  const ModelConfig config = MustParse(R"({"model_type": "deepseek_v3", "num_hidden_layers": 4,
      "first_k_dense_replace": 1, "num_nextn_predict_layers": 1})");
  EXPECT_THAT(config.layer_moe, ElementsAre(false, true, true, true));
  EXPECT_EQ(config.moe.group_score, MoeConfig::GroupScore::kTopTwoBias);
  EXPECT_EQ(config.moe.scoring, MoeConfig::Scoring::kSigmoid);
  EXPECT_EQ(config.prediction_layers, 1);
  EXPECT_EQ(config.head_size, 192);
  const ModelConfig v2 = MustParse(R"({"model_type": "deepseek_v2", "q_lora_rank": null,
      "n_routed_experts": 64, "num_experts_per_tok": 6, "topk_method": "greedy", "n_group": 8})");
  EXPECT_EQ(v2.mla.q_lora_rank, 0);
  EXPECT_EQ(v2.moe.groups, 1);
  EXPECT_THAT(ErrorOf(R"({"model_type": "deepseek_v3", "n_group": 7})"), HasSubstr("7 groups"));
}

TEST(ConfigTest, ModernBertAlternatesWindowsOfHalfTheWidthToEachSide) {
  const ModelConfig config =
      MustParse(R"({"model_type": "modernbert", "num_hidden_layers": 4, "local_attention": 32})");
  EXPECT_THAT(config.layer_window, ElementsAre(0, 17, 17, 0));
  EXPECT_DOUBLE_EQ(config.rope.theta, 160000.0);
  EXPECT_DOUBLE_EQ(config.local_rope.theta, 10000.0);
}

TEST(ConfigTest, ModernBertWithoutALocalThetaHasTheGlobalOneEverywhere) {
  const ModelConfig config = MustParse(R"({"model_type": "modernbert", "local_rope_theta": null,
                                           "global_rope_theta": 5000})");
  EXPECT_DOUBLE_EQ(config.local_rope.theta, 5000);
}

TEST(ConfigTest, NewerFilesNameTheTypeOfEachLayerAndTheRopeOfEachType) {
  const ModelConfig modern = MustParse(R"({"model_type": "modernbert", "num_hidden_layers": 3,
      "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
      "rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 80000},
                          "sliding_attention": {"rope_type": "default", "rope_theta": 500}}})");
  EXPECT_THAT(modern.layer_window, ElementsAre(65, 0, 65));
  EXPECT_DOUBLE_EQ(modern.rope.theta, 80000);
  EXPECT_DOUBLE_EQ(modern.local_rope.theta, 500);
  EXPECT_THAT(ErrorOf(R"({"model_type": "modernbert", "layer_types": ["full_attention"]})"),
              HasSubstr("layer_types is not a list of 22 names"));
  EXPECT_THAT(ErrorOf(R"({"model_type": "qwen2", "num_hidden_layers": 1, "layer_types": ["linear"],
                          "use_sliding_window": true})"),
              HasSubstr("\"linear\" is unknown; known are full_attention"));
}

TEST(ConfigTest, DynamicRopeTakesPromptsFarBeyondTheTrainedLength) {
  EXPECT_GE(MustParse(R"({"model_type": "llama", "max_position_embeddings": 64,
                          "rope_scaling": {"type": "dynamic", "factor": 2.0}})")
                .max_positions,
            1024);
}

TEST(ConfigTest, ClassifiersCountTheirLabelNames) {
  const ModelConfig config = MustParse(R"({"architectures": ["XLMRobertaForSequenceClassification"],
      "id2label": {"0": "no", "1": "maybe", "2": "yes"}, "pad_token_id": 1,
      "max_position_embeddings": 514})");
  EXPECT_EQ(config.task, Task::kClassify);
  EXPECT_THAT(config.label_names, ElementsAre("no", "maybe", "yes"));
  EXPECT_EQ(config.position_offset, 2);
  EXPECT_EQ(config.max_positions, 512);
}

TEST(ConfigTest, GenerationConfigReplacesTheEndOfSequence) {
  const TempDirectory folder;
  folder.Write("config.json", R"({"model_type": "llama", "eos_token_id": 2})");
  EXPECT_THAT(ReadModelConfig(folder.path().string())->eos_token_ids, ElementsAre(2));
  folder.Write("generation_config.json", R"({"eos_token_id": [7, 9]})");
  EXPECT_THAT(ReadModelConfig(folder.path().string())->eos_token_ids, ElementsAre(7, 9));
  EXPECT_TRUE(absl::IsNotFound(ReadModelConfig("/nonexistent").status()));
}

TEST(ConfigTest, EveryGoldenModelIsUnderstood) {
  const auto shared = SharedDirectory();
  if (!shared) GTEST_SKIP() << "no shared directory with golden models";
  int seen = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*shared / "golden")) {
    const auto folder = entry.path().parent_path();
    if (entry.path().filename() != "config.json" || folder.filename() == "1_Pooling") continue;
    const auto config = ReadModelConfig(folder.string());
    EXPECT_TRUE(config.ok()) << config.status();
    ++seen;
  }
  EXPECT_GT(seen, 20);
}

}  // namespace
}  // namespace citeseek::inference
