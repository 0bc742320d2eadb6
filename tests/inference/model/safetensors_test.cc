#include "inference/model/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/safetensors_writer.h"

namespace citeseek::inference {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<std::vector<NamedTensor>> Parse(const std::string& file) {
  return ParseSafetensors(std::as_bytes(std::span(file)), "x.safetensors");
}

std::string ErrorOf(const std::string& file) {
  const auto tensors = Parse(file);
  return tensors.ok() ? "no error" : std::string(tensors.status().message());
}

TEST(SafetensorsTest, TensorsComeInTheOrderOfTheirData) {
  const auto tensors = Parse(SafetensorsFile(
      R"({"__metadata__": {"format": "pt"},
          "b": {"dtype": "F16", "shape": [2], "data_offsets": [8, 12]},
          "a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
          "ids": {"dtype": "I64", "shape": [], "data_offsets": [12, 20]}})",
      std::string(20, 'x')));
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  ASSERT_EQ(tensors->size(), 3u);
  EXPECT_EQ((*tensors)[0].name, "a");
  EXPECT_THAT((*tensors)[0].view.shape, ElementsAre(2, 1));
  EXPECT_EQ((*tensors)[1].view.dtype, DType::kF16);
  EXPECT_EQ((*tensors)[2].view.dtype, DType::kOther);
  EXPECT_EQ((*tensors)[2].source_type, "I64");
}

TEST(SafetensorsTest, AnEmptyTensorMaySitBetweenOthers) {
  EXPECT_TRUE(Parse(SafetensorsFile(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
      "none": {"dtype": "F32", "shape": [0, 5], "data_offsets": [4, 4]},
      "b": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}})",
                                    std::string(8, 'x')))
                  .ok());
}

TEST(SafetensorsTest, DamagedHeadersAreErrorsThatSayWhat) {
  EXPECT_THAT(ErrorOf("abc"), HasSubstr("too short"));
  EXPECT_THAT(ErrorOf(std::string(8, '\xff')), HasSubstr("has a header of 18446744073709551615"));
  EXPECT_THAT(ErrorOf(SafetensorsFile("[1]", "")), HasSubstr("no JSON object"));
  EXPECT_THAT(ErrorOf(SafetensorsFile("{\"a\":", "")), HasSubstr("not JSON"));
  const auto one = [](std::string_view entry) {
    return ErrorOf(SafetensorsFile("{\"a\": " + std::string(entry) + "}", std::string(8, 'x')));
  };
  EXPECT_THAT(one(R"({"dtype": "F33", "shape": [2], "data_offsets": [0, 8]})"),
              HasSubstr("unknown dtype F33"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]})"),
              HasSubstr("no shape"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [3], "data_offsets": [0, 8]})"),
              HasSubstr("of shape [3] and dtype F32 has 8 bytes"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [3], "data_offsets": [0, 12]})"),
              HasSubstr("lies at bytes [0, 12) of 8"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [1], "data_offsets": [4, 8]})"),
              HasSubstr("leaves a gap at byte 4"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [1], "data_offsets": [0, 4]})"),
              HasSubstr("end at byte 4 of 8"));
  EXPECT_THAT(one(R"({"dtype": "F32", "shape": [4611686018427387904, 4, 2],
                      "data_offsets": [0, 8]})"),
              HasSubstr("of shape [4611686018427387904, 4, 2]"));
}

TEST(SafetensorsTest, OverlapsAndDuplicatesAreErrors) {
  EXPECT_THAT(ErrorOf(SafetensorsFile(
                  R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                      "b": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}})",
                  std::string(8, 'x'))),
              HasSubstr("tensor b overlaps at byte 4"));
  EXPECT_THAT(ErrorOf(SafetensorsFile(
                  R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
                      "a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}})",
                  std::string(8, 'x'))),
              HasSubstr("names tensor a twice"));
}

}  // namespace
}  // namespace citeseek::inference
