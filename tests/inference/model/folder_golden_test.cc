// Whole model folders: from messages and texts to ids and back, as the reference does it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inference/model/chat_template.h"
#include "inference/model/tokenizer.h"
#include "tests/support/shared.h"

namespace citeseek::inference {
namespace {

using Ids = std::vector<std::int32_t>;

Ids IdsOf(const Json* json) {
  Ids ids;
  for (const Json& id : *json->Array()) ids.push_back(static_cast<std::int32_t>(*id.Int()));
  return ids;
}

struct Golden {
  std::unique_ptr<Tokenizer> tokenizer;
  Json expected;
  std::string folder;
};

void Open(const std::string& name, Golden& golden) {
  golden.folder = (*SharedDirectory() / "golden" / name).string();
  auto tokenizer = Tokenizer::OpenFolder(golden.folder);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  golden.tokenizer = *std::move(tokenizer);
  golden.expected = *ParseJson(ReadFile(golden.folder + "/expected.json"), name);
}

TEST(FolderGoldenTest, PromptsOfGeneratorsHaveTheReferencesIdsAndTheirAnswersItsTexts) {
  if (!SharedDirectory()) GTEST_SKIP() << "no shared directory with golden models";
  for (const char* name : {"e2e-qwen2", "e2e-llama3", "e2e-deepseek3"}) {
    SCOPED_TRACE(name);
    Golden golden;
    ASSERT_NO_FATAL_FAILURE(Open(name, golden));
    const auto chat = ChatTemplate::OpenFolder(golden.folder);
    ASSERT_TRUE(chat.ok()) << chat.status();
    for (const Json& c : *golden.expected.Find("cases")->Array()) {
      const Ids prompt_ids = IdsOf(c.Find("prompt_ids"));
      if (*c.Find("kind")->String() == "chat") {
        const auto prompt = chat->Render({.messages = *c.Find("messages")});
        ASSERT_TRUE(prompt.ok()) << prompt.status();
        EXPECT_EQ(prompt->text, *c.Find("prompt_text")->String());
        EXPECT_EQ(golden.tokenizer->EncodePrompt(prompt->text, prompt->user), prompt_ids);
      } else {
        EXPECT_EQ(golden.tokenizer->Encode(*c.Find("prompt_text")->String(), {.add_special = true}),
                  prompt_ids);
      }
      const Ids tokens = IdsOf(c.Find("greedy_tokens"));
      EXPECT_EQ(golden.tokenizer->Decode(tokens, false), *c.Find("greedy_text")->String());
      const JsonArray& prefixes = *c.Find("greedy_text_prefixes_skip_special")->Array();
      StreamDecoder stream = golden.tokenizer->Stream(true);
      std::string streamed;
      for (std::size_t k = 0; k < tokens.size(); ++k) {
        EXPECT_EQ(golden.tokenizer->Decode(std::span(tokens).first(k + 1), true),
                  *prefixes[k].String());
        streamed += stream.Push(tokens[k]);
        // What was streamed never has to be taken back.
        EXPECT_TRUE(prefixes[k].String()->starts_with(streamed));
      }
      EXPECT_EQ(streamed + stream.Finish(), *prefixes.back().String());
    }
  }
}

TEST(FolderGoldenTest, TextsOfEmbeddersAndPairsOfRerankersHaveTheReferencesIds) {
  if (!SharedDirectory()) GTEST_SKIP() << "no shared directory with golden models";
  for (const char* name : {"e2e-bert-embed", "e2e-xlmr-rerank"}) {
    SCOPED_TRACE(name);
    Golden golden;
    ASSERT_NO_FATAL_FAILURE(Open(name, golden));
    for (const Json& c : *golden.expected.Find("cases")->Array()) {
      Encoding encoding;
      if (c.Find("text") != nullptr) {
        encoding = golden.tokenizer->EncodeSingle(*c.Find("text")->String());
      } else {
        encoding = *golden.tokenizer->EncodePair(*c.Find("query")->String(),
                                                 *c.Find("document")->String());
      }
      EXPECT_EQ(encoding.ids, IdsOf(c.Find("ids")));
      EXPECT_EQ(encoding.type_ids, IdsOf(c.Find("type_ids")));
    }
  }
}

}  // namespace
}  // namespace citeseek::inference
