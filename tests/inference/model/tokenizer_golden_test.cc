// The tokenizer against the ids and texts that huggingface/tokenizers itself gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "inference/model/json.h"
#include "inference/model/tokenizer.h"
#include "tests/support/golden_tokenizers.h"
#include "tests/support/shared.h"

namespace citeseek::inference {
namespace {

using Ids = std::vector<std::int32_t>;

Ids IdsOf(const Json& json) {
  Ids ids;
  for (const Json& id : *json.Array()) ids.push_back(static_cast<std::int32_t>(*id.Int()));
  return ids;
}

class TokenizerGoldenTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const auto shared = SharedDirectory();
    if (!shared) GTEST_SKIP() << "no shared directory with golden tokenizers";
    const auto folder = *shared / "golden" / "tokenization";
    const auto json = GoldenTokenizerJson(GetParam());
    auto parsed = Tokenizer::Parse(json, "", GetParam());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    tokenizer_ = *std::move(parsed);
    golden_ = *ParseJson(ReadFile(folder / (GetParam() + ".json")), "golden");
    strings_ = *ParseJson(ReadFile(folder / "strings.json"), "strings");
  }

  const std::string& TextOf(const Json& id) const {
    return *(*strings_.Find("strings")->Array())[static_cast<std::size_t>(*id.Int())]
                .Find("text")
                ->String();
  }

  void EveryStringHasTheReferencesIdsAndTheirTexts();
  void PairsAreTemplatedAndTruncatedAsByTheReference();
  void PrefixesDecodeAsByTheReferenceAndStreamsAddUpToTheWhole();
  void BytesThatAreNotUtf8AreReplaced();
  void TextNeverBecomesAControlToken();

  std::unique_ptr<Tokenizer> tokenizer_;
  Json golden_;
  Json strings_;
};

void TokenizerGoldenTest::EveryStringHasTheReferencesIdsAndTheirTexts() {
  int seen = 0;
  for (const Json& c : *golden_.Find("cases")->Array()) {
    const std::string& text = TextOf(*c.Find("id"));
    SCOPED_TRACE(testing::Message() << "string " << *c.Find("id")->Int() << ": " << text);
    const Ids ids = IdsOf(*c.Find("ids"));
    EXPECT_EQ(tokenizer_->Encode(text, {.parse_special = true}), ids);
    const Json* special = c.Find("ids_special");
    EXPECT_EQ(tokenizer_->Encode(text, {.add_special = true, .parse_special = true}),
              special == nullptr ? ids : IdsOf(*special));
    const Json* decode = c.Find("decode");
    const std::string& decoded = decode == nullptr ? text : *decode->String();
    EXPECT_EQ(tokenizer_->Decode(ids, false), decoded);
    const Json* skipped = c.Find("decode_skip_special");
    EXPECT_EQ(tokenizer_->Decode(ids, true), skipped == nullptr ? decoded : *skipped->String());
    ++seen;
  }
  EXPECT_GT(seen, 400);
}

void TokenizerGoldenTest::PairsAreTemplatedAndTruncatedAsByTheReference() {
  for (const std::string_view key : {"pairs", "truncation"}) {
    if (golden_.Find(key) == nullptr) continue;
    for (const Json& c : *golden_.Find(key)->Array()) {
      TemplateOptions options = {.parse_special = true};
      if (c.Find("max_length") != nullptr) options.max_tokens = *c.Find("max_length")->Int();
      if (c.Find("strategy") != nullptr && *c.Find("strategy")->String() == "only_second") {
        options.truncation = Truncation::kOnlySecond;
      }
      if (c.Find("b") == nullptr) {
        EXPECT_EQ(tokenizer_->EncodeSingle(TextOf(*c.Find("a")), options).ids,
                  IdsOf(*c.Find("ids")));
        continue;
      }
      const auto encoding =
          tokenizer_->EncodePair(TextOf(*c.Find("a")), TextOf(*c.Find("b")), options);
      if (c.Find("error") != nullptr) {
        EXPECT_FALSE(encoding.ok());
        continue;
      }
      ASSERT_TRUE(encoding.ok()) << encoding.status();
      EXPECT_EQ(encoding->ids, IdsOf(*c.Find("ids")));
      EXPECT_EQ(encoding->type_ids, IdsOf(*c.Find("type_ids")));
    }
  }
}

void TokenizerGoldenTest::PrefixesDecodeAsByTheReferenceAndStreamsAddUpToTheWhole() {
  std::map<std::int64_t, Ids> ids;
  for (const Json& c : *golden_.Find("cases")->Array()) {
    ids[*c.Find("id")->Int()] = IdsOf(*c.Find("ids"));
  }
  for (const Json& c : *golden_.Find("prefix_decode")->Array()) {
    const Ids& all = ids[*c.Find("id")->Int()];
    const JsonArray& decodes = *c.Find("decodes")->Array();
    StreamDecoder stream = tokenizer_->Stream(false);
    std::string streamed;
    for (std::size_t n = 1; n <= decodes.size(); ++n) {
      EXPECT_EQ(tokenizer_->Decode(std::span(all).first(n), false), *decodes[n - 1].String());
      streamed += stream.Push(all[n - 1]);
    }
    if (decodes.size() == all.size()) {
      EXPECT_EQ(streamed + stream.Finish(), *decodes.back().String());
    }
  }
}

void TokenizerGoldenTest::BytesThatAreNotUtf8AreReplaced() {
  for (const Json& c : *golden_.Find("invalid_utf8")->Array()) {
    const Json& entry =
        (*strings_.Find("invalid_utf8")->Array())[static_cast<std::size_t>(*c.Find("id")->Int())];
    std::string bytes;
    const std::string& hex = *entry.Find("bytes_hex")->String();
    for (std::size_t i = 0; i < hex.size(); i += 2) {
      bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    }
    EXPECT_EQ(ReplaceInvalidUtf8(bytes), *entry.Find("utf8_replace")->String());
    EXPECT_EQ(tokenizer_->Encode(bytes, {.parse_special = true}), IdsOf(*c.Find("ids")));
  }
}

void TokenizerGoldenTest::TextNeverBecomesAControlToken() {
  for (const Json& c : *strings_.Find("strings")->Array()) {
    for (const std::int32_t id : tokenizer_->Encode(*c.Find("text")->String())) {
      // The unknown token is how WordPiece and Unigram say that they do not know a word.
      EXPECT_TRUE(!tokenizer_->IsControl(id) || tokenizer_->TokenText(id) == "[UNK]" ||
                  tokenizer_->TokenText(id) == "<unk>")
          << tokenizer_->TokenText(id) << " in " << *c.Find("text")->String();
    }
  }
}

// One test, since loading a tokenizer takes longer than all of its checks.
TEST_P(TokenizerGoldenTest, AgreesWithTheReference) {
  EveryStringHasTheReferencesIdsAndTheirTexts();
  PairsAreTemplatedAndTruncatedAsByTheReference();
  PrefixesDecodeAsByTheReferenceAndStreamsAddUpToTheWhole();
  BytesThatAreNotUtf8AreReplaced();
  TextNeverBecomesAControlToken();
}

INSTANTIATE_TEST_SUITE_P(All, TokenizerGoldenTest, testing::ValuesIn(GoldenTokenizerNames()),
                         [](const auto& param_info) {
                           std::string name = param_info.param;
                           for (char& c : name) {
                             if (c == '-' || c == '.') c = '_';
                           }
                           return name;
                         });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TokenizerGoldenTest);

}  // namespace
}  // namespace citeseek::inference
