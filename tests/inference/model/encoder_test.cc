#include "inference/model/encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/inference/model/golden.h"
#include "tests/inference/test_backend.h"

namespace citeseek::inference {
namespace {

struct Model {
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Encoder> encoder;
};

Model LoadModel(const std::filesystem::path& folder) {
  Model model;
  const auto config = ReadModelConfig(folder.string());
  EXPECT_TRUE(config.ok()) << config.status();
  const auto weights = Weights::OpenFolder(folder.string());
  EXPECT_TRUE(weights.ok()) << weights.status();
  auto backend = MakeTestBackend(1);
  EXPECT_TRUE(backend.ok()) << backend.status();
  if (!backend.ok()) return model;
  model.backend = *std::move(backend);
  auto encoder = Encoder::Load(*config, *weights, *model.backend, {.max_tokens = 4096});
  EXPECT_TRUE(encoder.ok()) << encoder.status();
  model.encoder = *std::move(encoder);
  return model;
}

struct Text {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> types;
  EncoderInput Input() const { return {ids, types}; }
};

// The rows of a padded batch without their padding.
std::vector<Text> Texts(const Json& batch) {
  std::vector<Text> out;
  const JsonArray& ids = List(At(batch, "input_ids"));
  const JsonArray& masks = List(At(batch, "attention_mask"));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    Text text = {.ids = Ids(ids[i])};
    if (const Json* types = batch.Find("token_type_ids"); types != nullptr) {
      text.types = Ids(List(*types)[i]);
    }
    const std::vector<std::int32_t> mask = Ids(masks[i]);
    const auto length = static_cast<std::size_t>(std::count(mask.begin(), mask.end(), 1));
    text.ids.resize(length);
    if (!text.types.empty()) text.types.resize(length);
    out.push_back(text);
  }
  return out;
}

std::vector<std::vector<float>> Encode(Encoder& encoder, const std::vector<Text>& texts,
                                       EncoderOutput output) {
  std::vector<EncoderInput> inputs;
  for (const Text& text : texts) inputs.push_back(text.Input());
  const auto width = static_cast<std::size_t>(encoder.Width(output));
  std::vector<float> out(texts.size() * width);
  encoder.Run(inputs, output, out);
  std::vector<std::vector<float>> rows;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    rows.emplace_back(out.begin() + static_cast<std::ptrdiff_t>(i * width),
                      out.begin() + static_cast<std::ptrdiff_t>((i + 1) * width));
  }
  return rows;
}

std::vector<float> Normalized(std::vector<float> row) {
  double square = 0;
  for (const float v : row) square += double{v} * double{v};
  for (float& v : row) v = static_cast<float>(v / std::sqrt(square));
  return row;
}

void ExpectNear(const std::vector<float>& actual, const std::vector<float>& expected,
                float tolerance, const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], tolerance) << what << " at " << i;
  }
}

class EncoderTest : public testing::Test {
 protected:
  void SetUp() override {
    if (auto backend = MakeTestBackend(1); !backend.ok()) GTEST_SKIP() << backend.status();
  }
};

TEST_F(EncoderTest, VectorsAreThoseOfTheReference) {
  const std::vector<Golden> goldens = Goldens("encoder");
  if (goldens.empty()) GTEST_SKIP() << "no golden encoders: set CITESEEK_SHARED";
  for (const Golden& golden : goldens) {
    SCOPED_TRACE(golden.folder);
    const Model model = LoadModel(golden.folder);
    ASSERT_NE(model.encoder, nullptr);
    for (const Json& batch : List(At(golden.expected, "cases"))) {
      const std::vector<Text> texts = Texts(batch);
      const auto first = Encode(*model.encoder, texts, EncoderOutput::kFirst);
      const auto mean = Encode(*model.encoder, texts, EncoderOutput::kMean);
      for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto row = [&](std::string_view key) { return Floats(List(At(batch, key))[i]); };
        ExpectNear(first[i], row("cls"), 2e-4f, "cls");
        ExpectNear(Normalized(first[i]), row("cls_l2norm"), 2e-5f, "cls normalised");
        ExpectNear(mean[i], row("mean"), 2e-4f, "mean");
        ExpectNear(Normalized(mean[i]), row("mean_l2norm"), 2e-5f, "mean normalised");
        // Alone and among others: the same bits.
        EXPECT_EQ(Encode(*model.encoder, {texts[i]}, EncoderOutput::kMean)[0], mean[i]);
      }
      if (batch.Find("pooler_output") != nullptr) {
        ASSERT_TRUE(model.encoder->Has(EncoderOutput::kPooler));
        const auto pooled = Encode(*model.encoder, texts, EncoderOutput::kPooler);
        for (std::size_t i = 0; i < texts.size(); ++i) {
          ExpectNear(pooled[i], Floats(List(At(batch, "pooler_output"))[i]), 2e-4f, "pooler");
        }
      }
    }
  }
}

TEST_F(EncoderTest, HiddenStatesAreThoseOfTheReference) {
  const std::vector<Golden> goldens = Goldens("encoder");
  if (goldens.empty()) GTEST_SKIP() << "no golden encoders: set CITESEEK_SHARED";
  for (const Golden& golden : goldens) {
    SCOPED_TRACE(golden.folder);
    const Model model = LoadModel(golden.folder);
    ASSERT_NE(model.encoder, nullptr);
    for (const Json& batch : List(At(golden.expected, "cases"))) {
      const Text text = Texts(batch)[0];
      std::vector<double> norms;
      std::vector<std::vector<float>> last;
      const EncoderInput input = text.Input();
      std::vector<float> out(static_cast<std::size_t>(model.encoder->Width(EncoderOutput::kFirst)));
      model.encoder->Run({&input, 1}, EncoderOutput::kFirst, out, [&](int, Tensor state) {
        last.clear();
        for (int t = 0; t < state.rows; ++t) last.push_back(ReadRow(*model.backend, state, t));
        double square = 0;
        for (const float v : last[0]) square += double{v} * double{v};
        norms.push_back(std::sqrt(square));
      });
      const std::vector<float> expected = Floats(At(batch, "hidden_l2_cls_row0"));
      // All before ModernBERT's final norm.
      const std::size_t layers = static_cast<std::size_t>(model.encoder->config().layers) + 1;
      ASSERT_EQ(expected.size(), layers);
      for (std::size_t s = 0; s < layers; ++s) {
        EXPECT_NEAR(norms[s], expected[s], 1e-4) << "stage " << s;
      }
      const JsonArray& states = List(At(batch, "token_hidden_row0"));
      for (std::size_t t = 0; t < states.size(); ++t) {
        ExpectNear(last[t], Floats(states[t]), 2e-4f, "token " + std::to_string(t));
      }
    }
  }
}

TEST_F(EncoderTest, RerankerLogitsAreThoseOfTheReference) {
  const std::vector<Golden> goldens = Goldens("reranker");
  if (goldens.empty()) GTEST_SKIP() << "no golden rerankers: set CITESEEK_SHARED";
  for (const Golden& golden : goldens) {
    SCOPED_TRACE(golden.folder);
    const Model model = LoadModel(golden.folder);
    ASSERT_NE(model.encoder, nullptr);
    ASSERT_TRUE(model.encoder->Has(EncoderOutput::kLogits));
    for (const Json& batch : List(At(golden.expected, "cases"))) {
      const auto logits = Encode(*model.encoder, Texts(batch), EncoderOutput::kLogits);
      for (std::size_t i = 0; i < logits.size(); ++i) {
        ExpectNear(logits[i], Floats(List(At(batch, "logits"))[i]), 5e-5f, "logits");
      }
    }
  }
}

TEST_F(EncoderTest, EndToEndFoldersGiveTheirVectorsAndScores) {
  const std::vector<Golden> embedders = Goldens("e2e-embedding");
  const std::vector<Golden> rerankers = Goldens("e2e-reranker");
  if (embedders.empty() && rerankers.empty()) {
    GTEST_SKIP() << "no golden folders: set CITESEEK_SHARED";
  }
  for (const Golden& golden : embedders) {
    const Model model = LoadModel(golden.folder);
    ASSERT_NE(model.encoder, nullptr);
    for (const Json& one : List(At(golden.expected, "cases"))) {
      const Text text = {Ids(At(one, "ids")), Ids(At(one, "type_ids"))};
      ExpectNear(Normalized(Encode(*model.encoder, {text}, EncoderOutput::kFirst)[0]),
                 Floats(At(one, "cls_l2norm")), 2e-5f, "cls");
      ExpectNear(Normalized(Encode(*model.encoder, {text}, EncoderOutput::kMean)[0]),
                 Floats(At(one, "mean_l2norm")), 2e-5f, "mean");
    }
  }
  for (const Golden& golden : rerankers) {
    const Model model = LoadModel(golden.folder);
    ASSERT_NE(model.encoder, nullptr);
    for (const Json& one : List(At(golden.expected, "cases"))) {
      const Text text = {Ids(At(one, "ids")), Ids(At(one, "type_ids"))};
      EXPECT_NEAR(Encode(*model.encoder, {text}, EncoderOutput::kLogits)[0][0],
                  Number(At(one, "logit")), 5e-5);
    }
  }
}

}  // namespace
}  // namespace citeseek::inference
