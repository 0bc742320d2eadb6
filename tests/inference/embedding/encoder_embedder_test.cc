#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "inference/embedder.h"
#include "tests/inference/model/golden.h"
#include "tests/support/temp_directory.h"
#include "tests/support/tiny_bert.h"
#include "tests/support/tiny_model.h"

namespace citeseek::inference {
namespace {

using ::testing::HasSubstr;
using Texts = std::vector<std::string>;

std::unique_ptr<Embedder> Open(const std::filesystem::path& path,
                               const EmbedderOptions& options = {}) {
  auto embedder = OpenEmbedder(path.string(), options);
  EXPECT_TRUE(embedder.ok()) << embedder.status();
  return embedder.ok() ? *std::move(embedder) : nullptr;
}

std::vector<float> Embed(Embedder& embedder, const Texts& texts,
                         EmbedKind kind = EmbedKind::kPassage) {
  std::vector<float> out(texts.size() * static_cast<std::size_t>(embedder.Dimension()));
  const absl::Status status = embedder.Embed({.texts = texts, .kind = kind}, out);
  EXPECT_TRUE(status.ok()) << status;
  return out;
}

TEST(EncoderEmbedderTest, VectorsOfTextsAreThoseOfTheReference) {
  const std::vector<Golden> goldens = Goldens("e2e-embedding");
  if (goldens.empty()) GTEST_SKIP() << "no golden embedders: set CITESEEK_SHARED";
  for (const Golden& golden : goldens) {
    const auto embedder = Open(golden.folder);
    Texts texts;
    std::vector<float> expected;
    for (const Json& c : List(At(golden.expected, "cases"))) {
      texts.push_back(*At(c, "text").String());
      for (const float x : Floats(At(c, "cls_l2norm"))) expected.push_back(x);
    }
    EXPECT_THAT(Embed(*embedder, texts), testing::Pointwise(testing::FloatNear(2e-5f), expected));
  }
}

TEST(EncoderEmbedderTest, RowsAreUnitVectorsWhateverTheOrderAndTheOthers) {
  const TempDirectory folder;
  WriteTinyBert(folder);
  const auto embedder = Open(folder.path());
  ASSERT_EQ(embedder->Dimension(), 16);
  Texts texts;
  for (int i = 0; i < 300; ++i) texts.push_back(i % 3 == 0 ? "red" : "green and blue");
  const auto all = Embed(*embedder, texts);
  double squares = 0;
  for (std::size_t i = 0; i < 16; ++i) squares += double{all[i]} * double{all[i]};
  EXPECT_NEAR(squares, 1, 1e-6);
  for (std::size_t i = 3; i < texts.size(); ++i) {
    EXPECT_TRUE(std::equal(all.begin() + static_cast<std::ptrdiff_t>(i * 16),
                           all.begin() + static_cast<std::ptrdiff_t>(i * 16 + 16),
                           all.begin() + static_cast<std::ptrdiff_t>(i % 3 * 16)))
        << i;
  }
}

TEST(EncoderEmbedderTest, LongTextsAreCutWhereTheFilesSay) {
  const TempDirectory folder;
  WriteTinyBert(folder);
  folder.Write("tokenizer_config.json", R"({"model_max_length": 5})");
  const auto embedder = Open(folder.path());
  EXPECT_EQ(Embed(*embedder, {"red green blue and not"}), Embed(*embedder, {"red green blue"}));
  EXPECT_NE(Embed(*embedder, {"red green blue"}), Embed(*embedder, {"red green"}));
  folder.Write("tokenizer_config.json", R"({"model_max_length": 1e30})");
  std::string endless = "red";
  for (int i = 0; i < 100; ++i) endless += " blue";
  Embed(*Open(folder.path()), {endless});
}

TEST(EncoderEmbedderTest, PromptsAndPoolingComeFromTheFolderOrTheCaller) {
  const TempDirectory folder;
  WriteTinyBert(folder);
  const auto bare = Open(folder.path());
  folder.Write("modules.json", R"([{"type": "sentence_transformers.models.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])");
  folder.Write("1_Pooling/config.json", R"({"pooling_mode_cls_token": true})");
  folder.Write("config_sentence_transformers.json", R"({"prompts": {"query": "red "}})");
  const auto prompted = Open(folder.path());
  const Texts plain = {"blue"}, written_out = {"red blue"};
  EXPECT_EQ(Embed(*prompted, plain, EmbedKind::kQuery), Embed(*prompted, written_out));
  EXPECT_NE(Embed(*prompted, plain), Embed(*bare, plain));
  const auto told = Open(folder.path(), {.query_prompt = "", .passage_prompt = "red "});
  EXPECT_EQ(Embed(*told, plain), Embed(*prompted, written_out));
  EXPECT_EQ(Embed(*told, plain, EmbedKind::kQuery), Embed(*prompted, plain));
  // Vectors that must not be compared have embedders of different names.
  EXPECT_THAT(bare->Name(), HasSubstr(folder.path().filename().string() + "#"));
  EXPECT_NE(prompted->Name(), bare->Name());
  EXPECT_NE(told->Name(), prompted->Name());
  EXPECT_EQ(Open(folder.path())->Name(), prompted->Name());
  EXPECT_NE(Open(folder.path(), {.model = {.storage = Storage::kQ8}})->Name(), prompted->Name());
}

TEST(EncoderEmbedderTest, ADecoderIsPooledAtItsLastTokenWhateverTheOthers) {
  const TempDirectory folder;
  WriteTinyModel(folder.path(), 1);
  const auto embedder = Open(folder.path());
  const Texts texts = {"red", "green and blue", std::string(100, 'x')};
  const auto width = static_cast<std::size_t>(embedder->Dimension());
  const auto all = Embed(*embedder, texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(std::vector<float>(all.begin() + static_cast<std::ptrdiff_t>(i * width),
                                 all.begin() + static_cast<std::ptrdiff_t>((i + 1) * width)),
              Embed(*embedder, {texts[i]}));
  }
  EXPECT_EQ(Embed(*embedder, {""}), std::vector<float>(width));  // no token, no vector
}

TEST(EncoderEmbedderTest, BadCallsAndFoldersAreNamed) {
  const TempDirectory folder;
  WriteTinyBert(folder);
  const auto embedder = Open(folder.path());
  std::vector<float> out(16);
  const Texts one = {"red"}, bad = {"caf\xe9"};
  const auto embed = [&](const EmbedRequest& request) { return embedder->Embed(request, out); };
  EXPECT_THAT(embed({.texts = bad}).message(), HasSubstr("text 0 is not UTF-8"));
  EXPECT_EQ(embedder->Embed({.texts = one}, {}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(embed({.texts = one, .deadline = absl::InfinitePast()}).code(),
            absl::StatusCode::kDeadlineExceeded);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(embed({.texts = one, .stop = stop.get_token()}).code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(embed({.texts = one}).ok());
  std::filesystem::remove(folder.path() / "tokenizer.json");
  EXPECT_THAT(OpenEmbedder(folder.path().string(), {}).status().message(),
              HasSubstr("has no tokenizer"));
  EXPECT_EQ(OpenEmbedder("/nowhere", {}).status().code(), absl::StatusCode::kNotFound);
}

TEST(EncoderEmbedderTest, CallsFromManyThreadsTakeTurns) {
  const TempDirectory folder;
  WriteTinyBert(folder);
  const auto embedder = Open(folder.path());
  const Texts texts(200, "green and blue");
  const auto expected = Embed(*embedder, texts);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] { EXPECT_EQ(Embed(*embedder, texts), expected); });
  }
}

}  // namespace
}  // namespace citeseek::inference
