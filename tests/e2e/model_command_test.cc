// `citeseek model ...` as a script runs it, against the expected outputs of tiny models in the real
// architectures (shared/golden; see its README for the tolerances), and on folders of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/golden_tokenizers.h"
#include "tests/support/process.h"
#include "tests/support/shared.h"
#include "tests/support/temp_directory.h"
#include "tests/support/tiny_bert.h"

namespace citeseek::testing {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Output RunModel(std::vector<std::string> arguments, const std::string& input = "") {
  arguments.insert(arguments.begin(), "model");
  return RunCiteseek(arguments, input);
}

// The JSON objects that it prints.
std::vector<Json> Ask(std::vector<std::string> arguments, const std::string& input = "") {
  arguments.push_back("--json");
  const Output output = RunModel(arguments, input);
  EXPECT_EQ(output.exit_code, 0) << output.err;
  std::vector<Json> lines;
  std::istringstream text(output.out);
  for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
  return lines;
}

struct Golden {
  std::string folder;
  Json expected;
};

std::vector<Golden> Goldens(const std::string& kind) {
  std::vector<Golden> goldens;
  const auto shared = SharedDirectory();
  if (!shared || !fs::exists(*shared / "golden")) return goldens;
  for (const auto& entry : fs::recursive_directory_iterator(*shared / "golden")) {
    if (entry.path().filename() != "expected.json") continue;
    Json expected = Json::parse(ReadFile(entry.path()));
    if (expected["kind"] != kind) continue;
    goldens.push_back({entry.path().parent_path().string(), std::move(expected)});
  }
  return goldens;
}

// The largest difference of two lists of numbers, however deep.
double Difference(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) return std::abs(a.get<double>() - b.get<double>());
  if (!a.is_array() || !b.is_array() || a.size() != b.size()) return INFINITY;
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, Difference(a[i], b[i]));
  return worst;
}

TEST(ModelCommand, LogitsAndGreedyTokensAreThoseOfTheReference) {
  const auto goldens = Goldens("decoder");
  if (goldens.empty()) GTEST_SKIP() << "no golden models: set CITESEEK_SHARED";
  for (const Golden& golden : goldens) {
    SCOPED_TRACE(golden.folder);
    Json last_ids, all_ids, last, all;
    for (const Json& c : golden.expected["cases"]) {
      last_ids.push_back(c["input_ids"]);
      last.push_back(c["last_logits"]);
      if (!c.contains("all_logits")) continue;
      all_ids.push_back(c["input_ids"]);
      all.push_back(c["all_logits"]);
    }
    const auto lines = Ask({"logits", "--model", golden.folder, "--ids", last_ids.dump()});
    ASSERT_EQ(lines.size(), last.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_LE(Difference(lines[i]["logits"], last[i]), 3e-4) << "case " << i;
    }
    const auto rows = Ask({"logits", "--all", "--model", golden.folder, "--ids", all_ids.dump()});
    ASSERT_EQ(rows.size(), all.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_LE(Difference(rows[i]["logits"], all[i]), 3e-4) << "all of case " << i;
    }
    const Json& longest = golden.expected["cases"].back();
    const auto made =
        Ask({"generate", "--model", golden.folder, "--ids", longest["input_ids"].dump(),
             "--max-tokens", "32", "--temperature", "0", "--ignore-eos"});
    ASSERT_EQ(made.size(), 1u);
    EXPECT_EQ(made[0]["ids"], longest["greedy"]["tokens"]);
    EXPECT_EQ(made[0]["text"], "");
    EXPECT_EQ(made[0]["finish_reason"], "length");
    EXPECT_TRUE(made[0]["stats"].is_object());
  }
}

// The rows of a padded batch without their padding.
Json Unpadded(const Json& batch, const char* key) {
  Json rows = batch[key];
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Json& mask = batch["attention_mask"][i];
    const auto length = std::count(mask.begin(), mask.end(), 1);
    rows[i].erase(rows[i].begin() + length, rows[i].end());
  }
  return rows;
}

std::vector<std::string> WithBatch(std::vector<std::string> arguments, const Json& batch) {
  arguments.insert(arguments.end(), {"--ids", Unpadded(batch, "input_ids").dump()});
  if (batch.contains("token_type_ids")) {
    arguments.insert(arguments.end(), {"--type-ids", Unpadded(batch, "token_type_ids").dump()});
  }
  return arguments;
}

TEST(ModelCommand, VectorsAreThoseOfTheReference) {
  const auto goldens = Goldens("encoder");
  if (goldens.empty()) GTEST_SKIP() << "no golden models: set CITESEEK_SHARED";
  for (const Golden& golden : goldens) {
    SCOPED_TRACE(golden.folder);
    const Json& batches = golden.expected["cases"];
    const auto vectors = [&](const Json& batch, std::vector<std::string> more) {
      more.insert(more.begin(), {"embed", "--model", golden.folder});
      return Ask(WithBatch(more, batch)).at(0)["vectors"];
    };
    const Json& first = batches.front();
    EXPECT_LE(Difference(vectors(first, {"--pooling", "cls"}), first["cls_l2norm"]), 2e-5);
    EXPECT_LE(Difference(vectors(first, {"--pooling", "mean", "--raw"}), first["mean"]), 2e-4);
    const Json& last = batches.back();
    EXPECT_LE(Difference(vectors(last, {"--pooling", "mean"}), last["mean_l2norm"]), 2e-5);
    EXPECT_LE(Difference(vectors(last, {"--pooling", "default"}), last["mean_l2norm"]), 2e-5);
    EXPECT_LE(Difference(vectors(last, {"--pooling", "cls", "--raw"}), last["cls"]), 2e-4);
  }
}

TEST(ModelCommand, ClassLogitsAndScoresAreThoseOfTheReference) {
  const auto goldens = Goldens("reranker");
  if (goldens.empty()) GTEST_SKIP() << "no golden models: set CITESEEK_SHARED";
  for (const Golden& golden : goldens) {
    SCOPED_TRACE(golden.folder);
    for (const Json& batch : golden.expected["cases"]) {
      const Json got = Ask(WithBatch({"rerank", "--model", golden.folder}, batch)).at(0);
      EXPECT_LE(Difference(got["logits"], batch["logits"]), 5e-5);
      const char* scores = batch.contains("score_sigmoid") ? "score_sigmoid" : "score_softmax";
      EXPECT_LE(Difference(got["scores"], batch[scores]), 5e-5);
    }
    const Json& batch = golden.expected["cases"][0];
    const auto lines = Ask(WithBatch({"logits", "--model", golden.folder}, batch));
    ASSERT_EQ(lines.size(), batch["logits"].size());
    EXPECT_LE(Difference(lines[1]["logits"], batch["logits"][1]), 5e-5);
  }
}

TEST(ModelCommand, WholeFoldersAnswerTextsAsTheReferenceDoes) {
  const auto decoders = Goldens("e2e-decoder");
  if (decoders.empty()) GTEST_SKIP() << "no golden models: set CITESEEK_SHARED";
  const TempDirectory scratch;
  for (const Golden& golden : decoders) {
    SCOPED_TRACE(golden.folder);
    for (const Json& c : golden.expected["cases"]) {
      std::vector<std::string> arguments = {"generate", "--model", golden.folder, "--max-tokens",
                                            "40"};
      if (c["kind"] == "chat") {
        const std::string file = scratch.Write("messages.json", c["messages"].dump());
        arguments.insert(arguments.end(), {"--messages", file});
        EXPECT_EQ(RunModel({"render", "--model", golden.folder, "--messages", file}).out,
                  c["prompt_text"].get<std::string>());
      } else {
        arguments.insert(arguments.end(), {"--prompt", c["prompt_text"]});
      }
      const Json got = Ask(arguments).at(0);
      EXPECT_EQ(got["ids"], c["greedy_tokens"]);
      EXPECT_EQ(got["text"], c["greedy_text_skip_special"]);
      EXPECT_EQ(got["text_with_special"], c["greedy_text"]);
      EXPECT_EQ(got["finish_reason"], c["finish_reason"]);
    }
  }
  for (const Golden& golden : Goldens("e2e-embedding")) {
    std::vector<std::string> arguments = {"embed", "--model", golden.folder};
    Json expected;
    for (const Json& c : golden.expected["cases"]) {
      arguments.push_back(c["text"]);
      expected.push_back(c["cls_l2norm"]);
    }
    EXPECT_LE(Difference(Ask(arguments).at(0)["vectors"], expected), 2e-5);
  }
  for (const Golden& golden : Goldens("e2e-reranker")) {
    for (const Json& c : golden.expected["cases"]) {
      const Json got =
          Ask({"rerank", "--model", golden.folder, "--query", c["query"], c["document"]}).at(0);
      EXPECT_LE(Difference(got["logits"], Json{{c["logit"]}}), 5e-5);
      EXPECT_LE(Difference(got["scores"], Json{c["score_sigmoid"]}), 5e-5);
    }
  }
}

TEST(ModelCommand, TokenizersWithoutAModelAreExactBothWays) {
  const auto names = GoldenTokenizerNames();
  if (names.empty()) GTEST_SKIP() << "no golden tokenizers: set CITESEEK_SHARED";
  const fs::path goldens = *SharedDirectory() / "golden" / "tokenization";
  const Json strings = Json::parse(ReadFile(goldens / "strings.json"))["strings"];
  for (const std::string& name : names) {
    // The large ones take a second to load: one stands for all, the library's tests see the others.
    if (name.starts_with("deepseek") || name == "qwen3") continue;
    SCOPED_TRACE(name);
    const TempDirectory folder;
    const std::string file = folder.Write("tokenizer.json", GoldenTokenizerJson(name));
    const Json golden = Json::parse(ReadFile(goldens / (name + ".json")));
    std::string lines, id_lines;
    for (const Json& c : golden["cases"]) {
      lines += strings[c["id"].get<std::size_t>()]["text"].dump() + "\n";
      id_lines += c["ids"].dump() + "\n";
    }
    const auto ids = Ask({"tokenize", "--model", file}, lines);
    const auto special = Ask({"tokenize", "--special", "--model", folder.path().string()}, lines);
    const auto texts = Ask({"detokenize", "--skip-special", "--model", file}, id_lines);
    ASSERT_EQ(ids.size(), golden["cases"].size());
    ASSERT_EQ(special.size(), ids.size());
    ASSERT_EQ(texts.size(), ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const Json& c = golden["cases"][i];
      const Json& text = strings[c["id"].get<std::size_t>()]["text"];
      EXPECT_EQ(ids[i]["ids"], c["ids"]) << text;
      EXPECT_EQ(special[i]["ids"], c.value("ids_special", c["ids"])) << text;
      EXPECT_EQ(texts[i]["text"], c.value("decode_skip_special", c.value("decode", text))) << text;
    }
  }
}

TEST(ModelCommand, TemplatesWithoutAModelRenderAsTheReferenceDoes) {
  const auto shared = SharedDirectory();
  if (!shared) GTEST_SKIP() << "no golden templates: set CITESEEK_SHARED";
  for (const auto& entry : fs::directory_iterator(*shared / "golden" / "chat-templates")) {
    SCOPED_TRACE(entry.path());
    const Json golden = Json::parse(ReadFile(entry.path()));
    const TempDirectory folder;
    Json config = golden["context"];
    config["chat_template"] = golden["template_source"];
    folder.Write("tokenizer_config.json", config.dump());
    int left = 6;  // a process each; the library's test sees all
    for (const Json& c : golden["cases"]) {
      if (left-- == 0) break;
      const Output got =
          RunModel({"render", "--model", folder.path().string(), "--messages", "-"}, c.dump());
      if (c.contains("error")) {
        EXPECT_EQ(got.exit_code, 1) << c["id"];
      } else {
        EXPECT_EQ(got.exit_code, 0) << got.err;
        EXPECT_EQ(got.out, c["rendered"].get<std::string>()) << c["id"];
      }
    }
  }
}

TEST(ModelCommand, AFolderOfItsOwnIsDescribedAndUsed) {
  const TempDirectory folder;
  WriteTinyBert(folder, 1);
  const std::string path = folder.path().string();
  const Json info = Ask({"info", path}).at(0);
  EXPECT_EQ(info["architecture"], "BertForSequenceClassification");
  EXPECT_EQ(info["task"], "classify");
  EXPECT_EQ(info["quantization"], "F32");
  EXPECT_EQ(info["context"], 32);
  EXPECT_EQ(info["bytes"], info["parameters"].get<int>() * 4);
  EXPECT_EQ(info["license"], "");
  EXPECT_THAT(RunModel({"info", "--model", path}).out, HasSubstr("context            32\n"));
  EXPECT_EQ(RunModel({"tokenize", "--special", "--model", path}, "red green\nblue\n").out,
            "[2,4,5,3]\n[2,6,3]\n");
  EXPECT_EQ(RunModel({"detokenize", "--model", path}, "{\"ids\":[2,4,5,3]}\n").out,
            "[CLS] red green [SEP]\n");
  const Json pair = Ask({"rerank", "--model", path, "--query", "red", "not red", "blue"}).at(0);
  const Json same = Ask({"rerank", "--model", path, "--ids", "[[2,4,3,8,4,3],[2,4,3,6,3]]",
                         "--type-ids", "[[0,0,0,1,1,1],[0,0,0,1,1]]"})
                        .at(0);
  EXPECT_EQ(pair, same);
  const double logit = pair["logits"][0][0];
  EXPECT_NEAR(pair["scores"][0], 1 / (1 + std::exp(-logit)), 1e-6);
  const Json eight =
      Ask({"rerank", "--quantize", "q8", "--model", path, "--query", "red", "not red", "blue"})
          .at(0);
  EXPECT_NE(eight, pair);
  EXPECT_LE(Difference(eight["scores"], pair["scores"]), 0.05);
}

TEST(ModelCommand, WrongUsageIsTwoAndBadModelsAreNamed) {
  const TempDirectory folder;
  WriteTinyBert(folder);
  const std::string path = folder.path().string();
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {},
           {"logits", "--model", path},
           {"logits", "--ids", "1"},
           {"logits", "--model", path, "--ids", "1,x"},
           {"logits", "--model", path, "--ids", "-3,1"},
           {"generate", "--model", path},
           {"generate", "--model", path, "--ids", "1", "--prompt", "red"},
           {"generate", "--model", path, "--ids", "1", "--temperature", "-1"},
           {"embed", "--model", path},
           {"embed", "--model", path, "red", "--pooling", "max"},
           {"embed", "--model", path, "--ids", "[[1,2]]", "--type-ids", "[[0]]"},
           {"rerank", "--model", path, "red"},
           {"render", "--model", path}}) {
    const Output output = RunModel(wrong);
    EXPECT_EQ(output.exit_code, 2) << ::testing::PrintToString(wrong) << output.err;
    EXPECT_THAT(output.err, StartsWith("citeseek: "));
  }
  for (const char* command :
       {"info", "tokenize", "detokenize", "render", "logits", "generate", "embed", "rerank"}) {
    EXPECT_EQ(RunModel({command, "--help"}).exit_code, 0);
  }
  const auto fails = [&](const std::vector<std::string>& arguments, const std::string& message,
                         const std::string& input = "") {
    const Output output = RunModel(arguments, input);
    EXPECT_EQ(output.exit_code, 1) << output.err;
    EXPECT_THAT(output.err, HasSubstr(message));
  };
  fails({"info", "--model", "/nowhere"}, "/nowhere");
  fails({"embed", "--model", path, "--ids", "9"}, "token 9 of text 0 is not in [0, 8]");
  fails({"embed", "--model", path, "--ids", "1", "--type-ids", "2"}, "is not in [0, 1]");
  fails({"generate", "--model", path, "--ids", "1"}, "BertModel generates no text");
  fails({"rerank", "--model", path, "--query", "red", "blue"}, "BertModel is no reranker");
  fails({"tokenize", "--json", "--model", path}, "line 2: not a JSON string", "\"red\"\nred\n");
  fails({"render", "--model", path, "--messages", "/nowhere.json"}, "/nowhere.json");
  folder.Write("model.safetensors", "");
  fails({"embed", "--model", path, "red"}, path + "/model.safetensors");
  folder.Write("config.json", R"({"architectures":["NovelForCausalLM"]})");
  fails({"info", "--model", path}, "NovelForCausalLM");
}

}  // namespace
}  // namespace citeseek::testing
