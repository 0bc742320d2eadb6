// Whole models through the door: folders in, streamed text out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "inference/engine.h"
#include "inference/model/model_files.h"
#include "inference/model/safetensors.h"
#include "tests/inference/model/golden.h"
#include "tests/support/safetensors_writer.h"
#include "tests/support/temp_directory.h"
#include "tests/support/tiny_model.h"

namespace citeseek::inference {
namespace {

using testing::HasSubstr;

struct Said {
  absl::StatusOr<Finish> finish;
  std::string text;  // thoughts and text
  std::vector<std::string> prefixes;
};

Said Ask(Generator& generator, const std::vector<Message>& messages, const Sampling& sampling,
         bool thinking = true) {
  Said said;
  said.finish = generator.Generate(
      {.messages = messages, .sampling = sampling, .thinking = thinking}, [&](const Piece& piece) {
        said.text += piece.text;
        said.prefixes.push_back(said.text);
        return true;
      });
  return said;
}

std::vector<Message> Messages(const Json& json) {
  std::vector<Message> out;
  for (const Json& one : List(json)) {
    const std::string& role = *At(one, "role").String();
    out.push_back({role == "system"      ? Role::kSystem
                   : role == "assistant" ? Role::kAssistant
                                         : Role::kUser,
                   *At(one, "content").String()});
  }
  return out;
}

TEST(GoldenEngineTest, AnswersAndTheirPrefixesAreTheReferences) {
  if (!SharedDirectory()) GTEST_SKIP() << "no shared directory with golden models";
  for (const char* name : {"e2e-qwen2", "e2e-llama3", "e2e-deepseek3"}) {
    SCOPED_TRACE(name);
    const std::string folder = (*SharedDirectory() / "golden" / name).string();
    const auto expected = ParseJson(ReadFile(folder + "/expected.json"), name);
    const auto engine = OpenEngine(folder, {.model = {.threads = 1}, .kv_bytes = 32 << 20});
    ASSERT_TRUE(engine.ok()) << engine.status();
    EXPECT_EQ((*engine)->Name(), name);
    int cases = 0;
    for (const Json& one : List(At(*expected, "cases"))) {
      if (*At(one, "kind").String() != "chat") continue;
      ++cases;
      const auto tokens = Ids(At(one, "greedy_tokens"));
      const JsonArray& prefixes = List(At(one, "greedy_text_prefixes_skip_special"));
      const Said said =
          Ask(**engine, Messages(At(one, "messages")), {.temperature = 0, .max_tokens = 40});
      ASSERT_TRUE(said.finish.ok()) << said.finish.status();
      EXPECT_EQ(said.text, *prefixes.back().String());
      EXPECT_EQ(said.finish->prompt_tokens,
                static_cast<std::int64_t>(Ids(At(one, "prompt_ids")).size()));
      EXPECT_EQ(said.finish->completion_tokens, static_cast<std::int64_t>(tokens.size()));
      EXPECT_EQ(said.finish->reason, *At(one, "finish_reason").String() == "stop"
                                         ? FinishReason::kStop
                                         : FinishReason::kLength);
      // Nothing that was sent has to be taken back: it is a prefix of what was known by then.
      std::size_t k = 0;
      for (const std::string& sent : said.prefixes) {
        while (k < prefixes.size() && !prefixes[k].String()->starts_with(sent)) ++k;
        ASSERT_LT(k, prefixes.size()) << sent;
      }
    }
    EXPECT_GE(cases, 3);
  }
}

class EngineTest : public testing::Test {
 protected:
  void SetUp() override { WriteTinyModel(folder_.path(), 1); }

  std::unique_ptr<Engine> Open(const EngineOptions& options) {
    auto engine = OpenEngine(folder_.path().string(), options);
    EXPECT_TRUE(engine.ok()) << engine.status();
    return engine.ok() ? *std::move(engine) : nullptr;
  }

  TempDirectory folder_;
  const EngineOptions small_ = {.model = {.threads = 1}, .kv_bytes = 4 << 20};
  const std::vector<Message> hello_ = {{Role::kUser, "Hello"}};
};

TEST_F(EngineTest, ConcurrentCallsGetWhatEachGetsAlone) {
  const auto engine = Open(small_);
  std::vector<std::future<Said>> calls;
  const auto call = [&](int i) {
    return Ask(*engine, {{Role::kUser, "Question " + std::to_string(i)}},
               {.temperature = i % 2 == 0 ? 0.0 : 1.0, .seed = 7, .max_tokens = 20 + i});
  };
  for (int i = 0; i < 6; ++i) {
    calls.push_back(std::async(std::launch::async, [&call, i] { return call(i); }));
  }
  for (int i = 0; i < 6; ++i) {
    const Said together = calls[static_cast<std::size_t>(i)].get();
    ASSERT_TRUE(together.finish.ok()) << together.finish.status();
    EXPECT_EQ(together.text, call(i).text) << i;
  }
  EXPECT_EQ(engine->Stats().finished, 12);
  EXPECT_EQ(engine->Stats().running, 0);
}

TEST_F(EngineTest, QuantisedWeightsAnswerToo) {
  EngineOptions options = small_;
  for (const Storage storage : {Storage::kQ8, Storage::kQ5, Storage::kQ4}) {
    options.model.storage = storage;
    const auto engine = Open(options);
    EXPECT_TRUE(Ask(*engine, hello_, {.max_tokens = 8}).finish.ok());
  }
}

TEST_F(EngineTest, AModelThatDoesNotFitIsRefusedWithNumbers) {
  const auto refusal = [&](const EngineOptions& options) {
    const auto engine = OpenEngine(folder_.path().string(), options);
    EXPECT_EQ(engine.status().code(), absl::StatusCode::kResourceExhausted);
    return std::string(engine.status().message());
  };
  EXPECT_THAT(refusal({.kv_bytes = std::int64_t{1} << 50}),
              testing::AllOf(HasSubstr("does not fit the memory: weights 384.0 KiB, "),
                             HasSubstr("keys and values 1.0 PiB"), HasSubstr("is free")));
  EXPECT_THAT(
      refusal({.kv_bytes = 4 << 20, .memory_bytes = 1 << 20}),
      testing::AllOf(HasSubstr("tokenizer 1.1 MiB"), HasSubstr("but only 1.0 MiB is free")));
  EXPECT_THAT(refusal({.kv_bytes = 1 << 14}),
              HasSubstr("16.0 KiB of memory for keys and values holds 32 tokens of this model, "
                        "fewer than 256: that takes 128.0 KiB"));
}

TEST_F(EngineTest, TheContextIsWhatTheCacheHolds) {
  EngineOptions options = small_;
  options.kv_bytes = 512 * 512;  // 512 bytes a token
  const auto engine = Open(options);
  const Said said = Ask(*engine, {{Role::kUser, std::string(512, 'x')}}, {});
  EXPECT_THAT(said.finish.status().message(), HasSubstr("the context holds only 512"));
}

TEST_F(EngineTest, WhatCannotAnswerIsRefused) {
  const TempDirectory& folder = folder_;
  std::filesystem::remove(folder.path() / "tokenizer_config.json");
  EXPECT_THAT(OpenEngine(folder.path().string(), small_).status().message(),
              HasSubstr("is no model that can answer: it has no chat template"));
  std::filesystem::remove(folder.path() / "tokenizer.json");
  EXPECT_THAT(OpenEngine(folder.path().string(), small_).status().message(),
              HasSubstr("it has no tokenizer"));
  std::filesystem::resize_file(folder.path() / "model.safetensors", 1000);
  EXPECT_EQ(OpenEngine(folder.path().string(), small_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(EngineTest, ATensorThatIsMissingOrOfAnotherShapeIsNamed) {
  const std::string file = ReadFile(folder_.path() / "model.safetensors");
  const auto tensors = ParseSafetensors(std::as_bytes(std::span(file)), "tiny");
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  std::vector<SafetensorsEntry> all;
  for (const NamedTensor& tensor : *tensors) {
    const auto bytes = tensor.view.bytes;
    all.push_back({tensor.name,
                   std::string(DTypeName(tensor.view.dtype)),
                   ShapeString(tensor.view.shape),
                   {reinterpret_cast<const char*>(bytes.data()), bytes.size()}});
  }
  const auto refusal = [&](const std::vector<SafetensorsEntry>& entries) {
    folder_.Write("model.safetensors", SafetensorsFile(entries));
    const absl::Status status = OpenEngine(folder_.path().string(), small_).status();
    return std::string(status.message());
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string name = all[i].name.substr(all[i].name.starts_with("model.") ? 6 : 0);
    auto bad = all;
    bad[i].shape = "[1, " + bad[i].shape.substr(1);
    EXPECT_THAT(refusal(bad), testing::AllOf(HasSubstr(name), HasSubstr(bad[i].shape)));
    bad.erase(bad.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_THAT(refusal(bad), HasSubstr(name));
  }
}

TEST_F(EngineTest, FilesThatEndTooEarlyAreNamed) {
  for (const char* name :
       {"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"}) {
    const std::string whole = ReadFile(folder_.path() / name);
    for (std::size_t part = 0; part < 16; ++part) {
      folder_.Write(name, whole.substr(0, whole.size() * part / 16));
      const absl::Status status = OpenEngine(folder_.path().string(), small_).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name << " " << status;
      EXPECT_THAT(status.message(), HasSubstr(name));
    }
    folder_.Write(name, whole);
  }
  EXPECT_TRUE(OpenEngine(folder_.path().string(), small_).ok());
}

}  // namespace
}  // namespace citeseek::inference
