#include "inference/model/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "inference/model/config.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/shared.h"
#include "tests/support/temp_directory.h"

namespace citeseek::inference {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kOne =
    R"({"model.norm.weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})";

float FirstFloat(const TensorView& view) {
  float value = 0;
  std::memcpy(&value, view.bytes.data(), sizeof(value));
  return value;
}

std::string Floats(std::initializer_list<float> values) {
  return {reinterpret_cast<const char*>(values.begin()), 4 * values.size()};
}

TEST(WeightsTest, NamesLoseTheBaseModelsPrefix) {
  const TempDirectory folder;
  folder.Write("model.safetensors", SafetensorsFile(kOne, Floats({1.5f, 2.0f})));
  const auto weights = Weights::OpenFolder(folder.path().string());
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_TRUE(weights->Contains("norm.weight"));
  const auto view = weights->Find("norm.weight", {2});
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(FirstFloat(*view), 1.5f);
}

TEST(WeightsTest, NormsOfTheFirstBertHaveTheNamesOfLaterOnes) {
  const TempDirectory folder;
  folder.Write(
      "model.safetensors",
      SafetensorsFile(
          R"({"bert.a.LayerNorm.gamma": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
              "bert.a.LayerNorm.beta": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}})",
          Floats({1.5f, 2.0f})));
  const auto weights = Weights::OpenFolder(folder.path().string());
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_EQ(FirstFloat(*weights->Find("a.LayerNorm.weight", {1})), 1.5f);
  EXPECT_EQ(FirstFloat(*weights->Find("a.LayerNorm.bias", {1})), 2.0f);
}

TEST(WeightsTest, MissingTensorsWrongShapesAndUselessTypesAreNamed) {
  const TempDirectory folder;
  folder.Write("model.safetensors",
               SafetensorsFile(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                                   "i": {"dtype": "I64", "shape": [1], "data_offsets": [8, 16]}})",
                               std::string(16, 'x')));
  const auto weights = Weights::OpenFolder(folder.path().string());
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_EQ(weights->Find("b", {2}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(weights->Find("a", {2, 1}).status().message()),
              HasSubstr("tensor a has shape [2], the model needs [2, 1]"));
  EXPECT_THAT(std::string(weights->Find("i", {1}).status().message()), HasSubstr("type I64"));
}

TEST(WeightsTest, DataOfAnOddHeaderIsAligned) {
  const TempDirectory folder;
  for (std::size_t padding = 0; padding < 4; ++padding) {
    folder.Write("model.safetensors", SafetensorsFile(std::string(kOne) + std::string(padding, ' '),
                                                      Floats({1.5f, 2.0f})));
    const auto weights = Weights::OpenFolder(folder.path().string());
    const auto view = weights->Find("norm.weight", {2});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view->bytes.data()) % 4, 0u);
    EXPECT_EQ(FirstFloat(*view), 1.5f);
  }
}

TEST(WeightsTest, ShardsAreReadAsTheIndexSays) {
  const TempDirectory folder;
  folder.Write("1.safetensors",
               SafetensorsFile(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})",
                               Floats({1.0f})));
  folder.Write("2.safetensors",
               SafetensorsFile(R"({"b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})",
                               Floats({2.0f})));
  folder.Write("model.safetensors.index.json",
               R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}})");
  const auto weights = Weights::OpenFolder(folder.path().string());
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_EQ(FirstFloat(*weights->Find("b", {1})), 2.0f);

  folder.Write("model.safetensors.index.json",
               R"({"weight_map": {"a": "1.safetensors", "c": "2.safetensors"}})");
  EXPECT_THAT(std::string(Weights::OpenFolder(folder.path().string()).status().message()),
              HasSubstr("2.safetensors lacks tensor c"));
  folder.Write("model.safetensors.index.json", R"({"weight_map": {"a": "../1.safetensors"}})");
  EXPECT_THAT(std::string(Weights::OpenFolder(folder.path().string()).status().message()),
              HasSubstr("tensor a has no shard"));
}

TEST(WeightsTest, AFolderWithoutWeightsIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(Weights::OpenFolder(TempDirectory().path().string()).status()));
}

TEST(WeightsTest, EveryGoldenModelOpens) {
  const auto shared = SharedDirectory();
  if (!shared) GTEST_SKIP() << "no shared directory with golden models";
  int sharded = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*shared / "golden")) {
    const std::string name = entry.path().filename().string();
    if (name != "model.safetensors" && name != "model.safetensors.index.json") continue;
    const auto weights = Weights::OpenFolder(entry.path().parent_path().string());
    EXPECT_TRUE(weights.ok()) << weights.status();
    sharded += name != "model.safetensors" ? 1 : 0;
  }
  EXPECT_GT(sharded, 0);
}

}  // namespace
}  // namespace citeseek::inference
