#include "indexer/parse/jsonl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace citeseek::indexer::parse {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

struct Parsed {
  std::vector<Document> documents;
  std::vector<std::string> errors;
  std::vector<absl::StatusCode> codes;
};

// Feeds the bytes in pieces of the given size.
Parsed Parse(std::string_view bytes, std::size_t piece = 1 << 20) {
  Parsed parsed;
  const DocumentSink sink = [&](absl::StatusOr<Document> document) {
    if (document.ok()) {
      parsed.documents.push_back(*std::move(document));
    } else {
      parsed.errors.emplace_back(document.status().message());
      parsed.codes.push_back(document.status().code());
    }
    return true;
  };
  JsonlParser parser("f.jsonl", sink);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    EXPECT_TRUE(parser.Push(bytes.substr(at, piece)));
  }
  EXPECT_TRUE(parser.Finish());
  return parsed;
}

TEST(Jsonl, ALineIsADocument) {
  const Parsed parsed = Parse(
      "\xEF\xBB\xBF{\"_id\":\"a\",\"title\":\"T\",\"text\":\"caf\\u00e9 \\ud83c\\udf75\"}\r\n"
      "\n   \n"
      "{\"_id\": 12, \"text\": \"last line\"}");
  ASSERT_EQ(parsed.documents.size(), 2);
  EXPECT_EQ(parsed.documents[0].id, "a");
  EXPECT_EQ(parsed.documents[0].title, "T");
  EXPECT_EQ(parsed.documents[0].text, "café 🍵");
  EXPECT_EQ(parsed.documents[0].uri, "f.jsonl");
  EXPECT_EQ(parsed.documents[1].id, "12");
  EXPECT_EQ(parsed.documents[1].title, "");
  EXPECT_THAT(parsed.errors, ElementsAre());
}

TEST(Jsonl, OtherMembersBecomeMetadata) {
  const Parsed parsed = Parse(
      R"({"_id":"a","text":"t","s":"v","n":1.10,"i":-3,"b":true,"z":null,"l":[1,"x\"",{"k":[]},[]],)"
      R"("o":{"a":{},"b":["c", null]},"metadata":{"url":"u","deep":{"x":[1, 2]}}})");
  ASSERT_EQ(parsed.documents.size(), 1) << parsed.errors[0];
  EXPECT_THAT(
      parsed.documents[0].metadata,
      ElementsAre(Pair("b", "true"), Pair("deep", R"({"x":[1,2]})"), Pair("i", "-3"),
                  Pair("l", R"([1,"x\"",{"k":[]},[]])"), Pair("n", "1.10"),
                  Pair("o", R"({"a":{},"b":["c",null]})"), Pair("s", "v"), Pair("url", "u")));
}

TEST(Jsonl, ATitleAloneIsTheText) {
  const Parsed parsed = Parse(R"({"_id":"a","title":"Only this","text":""})");
  ASSERT_EQ(parsed.documents.size(), 1);
  EXPECT_EQ(parsed.documents[0].text, "Only this");
}

// BEIR corpora hold such lines; leaving them out would change what is counted and judged.
TEST(Jsonl, ALineWithoutTextIsADocumentAllTheSame) {
  const Parsed parsed = Parse("{\"_id\":\"a\",\"title\":null,\"text\":\" \\n\"}\n{\"_id\":\"b\"}");
  EXPECT_THAT(parsed.errors, ElementsAre());
  ASSERT_EQ(parsed.documents.size(), 2);
  EXPECT_EQ(parsed.documents[1].text, "");
}

TEST(Jsonl, BrokenLinesAreNamedAndTheRestGoOn) {
  const Parsed parsed = Parse(
      "[1]\n"
      "\"text\"\n"
      "{\"text\":\"no id\"}\n"
      "{\"_id\":1.5,\"text\":\"t\"}\n"
      "{\"_id\":\"a\",\"text\":7}\n"
      "{\"_id\":\"a\",\"_id\":\"b\",\"text\":\"t\"}\n"
      "{\"_id\":\"a\",\"text\":\"\\ud800\"}\n"
      "{\"_id\":\"a\",\"text\":\"\xFF\"}\n"
      "{\"_id\":\"a\",\"text\":\"t\"} trailing\n"
      "{\"_id\":\"a\",\n"
      "{\"_id\":\"\",\"text\":\"t\"}\n"
      "{\"_id\":\"good\",\"text\":\"t\"}\n");
  EXPECT_EQ(parsed.documents.size(), 1);
  ASSERT_EQ(parsed.errors.size(), 11);
  EXPECT_EQ(parsed.errors[0], "f.jsonl:1: is not a JSON object");
  EXPECT_EQ(parsed.errors[1], "f.jsonl:2: is not a JSON object");
  EXPECT_EQ(parsed.errors[2], "f.jsonl:3: _id is missing");
  EXPECT_EQ(parsed.errors[3], "f.jsonl:4: _id is neither a string nor a whole number");
  EXPECT_EQ(parsed.errors[4], "f.jsonl:5: text is not a string");
  EXPECT_EQ(parsed.errors[5], "f.jsonl:6: _id is there twice");
  EXPECT_THAT(parsed.errors[6], ::testing::StartsWith("f.jsonl:7: is not JSON at byte 26: "));
  EXPECT_THAT(parsed.errors[6], ::testing::HasSubstr("surrogate"));
  EXPECT_EQ(parsed.errors[7], "f.jsonl:8: not UTF-8 at byte 19 of the line");
  EXPECT_THAT(parsed.errors[8], ::testing::StartsWith("f.jsonl:9: is not JSON at byte "));
  EXPECT_THAT(parsed.errors[9], ::testing::StartsWith("f.jsonl:10: is not JSON at byte "));
  EXPECT_EQ(parsed.errors[10], "f.jsonl:11: document id is empty");
}

TEST(Jsonl, NulBytesAreNotJson) {
  EXPECT_EQ(Parse(std::string_view("{\"_id\":\"a\",\"text\":\"\0\"}", 23)).errors.size(), 1);
  EXPECT_EQ(Parse(std::string_view("\0\0\n", 3)).errors.size(), 1);
}

TEST(Jsonl, AnyCutOfTheBytesGivesTheSame) {
  const std::string_view bytes =
      "{\"_id\":\"1\",\"text\":\"云岭\"}\n\nbroken\r\n{\"_id\":\"2\",\"text\":\"t\"}";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    const Parsed parsed = Parse(bytes, piece);
    ASSERT_EQ(parsed.documents.size(), 2) << piece;
    EXPECT_EQ(parsed.documents[0].text, "云岭");
    ASSERT_EQ(parsed.errors.size(), 1);
    EXPECT_THAT(parsed.errors[0], ::testing::StartsWith("f.jsonl:3: "));
  }
}

TEST(Jsonl, LinesBeyondTheLimitAreSkippedWithTheirSize) {
  std::vector<std::string> seen;
  const DocumentSink sink = [&](absl::StatusOr<Document> document) {
    seen.push_back(document.ok() ? document->id : std::string(document.status().message()));
    return true;
  };
  JsonlParser parser("f.jsonl", sink);
  const std::string megabyte(1 << 20, 'x');
  parser.Push("{\"_id\":\"a\",\"text\":\"t\"}\n");
  for (int i = 0; i < 100; ++i) parser.Push(megabyte);
  parser.Push("\n{\"_id\":\"b\",\"text\":\"t\"}\n");
  for (int i = 0; i < 33; ++i) parser.Push(megabyte);
  EXPECT_TRUE(parser.Finish());
  EXPECT_THAT(
      seen,
      ElementsAre("a", "f.jsonl:2: line of 104857600 bytes is longer than the limit of 33554432",
                  "b", "f.jsonl:4: line of 34603008 bytes is longer than the limit of 33554432"));
}

TEST(Jsonl, DeepNestingIsAnError) {
  const std::string deep(1 << 20, '[');
  EXPECT_THAT(Parse("{\"_id\":\"a\",\"x\":" + deep + "\n").errors,
              ElementsAre("f.jsonl:1: is nested deeper than 64"));
  std::string fits = "{\"_id\":\"a\",\"text\":\"t\",\"x\":";
  fits += std::string(63, '[') + std::string(63, ']') + "}";
  EXPECT_EQ(Parse(fits).documents.size(), 1);
}

TEST(Jsonl, TheSinkCanStop) {
  int calls = 0;
  const DocumentSink sink = [&](const absl::StatusOr<Document>&) { return ++calls < 2; };
  JsonlParser parser("f.jsonl", sink);
  EXPECT_FALSE(parser.Push("x\ny\nz\n"));
  EXPECT_FALSE(parser.Push("z\n"));
  EXPECT_FALSE(parser.Finish());
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace citeseek::indexer::parse
