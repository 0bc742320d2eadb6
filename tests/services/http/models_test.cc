// POST /v1/embeddings and /v1/rerank over a real socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "tests/support/http_harness.h"

namespace citeseek::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

TEST(HttpModels, EmbeddingsComeAsNumbersOrAsBase64) {
  HttpHarness http;
  const Json numbers = Json::parse(
      http.Post("/v1/embeddings",
                R"({"model":"citeseek-embed","input":["ab","abc"],"input_type":"query"})")
          .body);
  EXPECT_EQ(numbers["object"], "list");
  EXPECT_EQ(numbers["model"], "citeseek-embed");
  ASSERT_EQ(numbers["data"].size(), 2u);
  EXPECT_EQ(numbers["data"][1]["index"], 1);
  EXPECT_EQ(numbers["data"][1]["object"], "embedding");
  const std::vector<float> expected = {3, 1, 1.0f / 3};
  EXPECT_EQ(numbers["data"][1]["embedding"].get<std::vector<float>>(), expected);
  EXPECT_EQ(numbers["usage"]["total_tokens"], 2);

  const Json packed =
      Json::parse(http.Post("/v1/embeddings", R"({"model":"fake-embedder","input":"abc",
                                      "encoding_format":"base64","dimensions":3})")
                      .body);
  std::string bytes;
  ASSERT_TRUE(absl::Base64Unescape(packed["data"][0]["embedding"].get<std::string>(), &bytes));
  std::vector<float> vector(3);
  ASSERT_EQ(bytes.size(), 12u);
  std::memcpy(vector.data(), bytes.data(), bytes.size());
  EXPECT_EQ(vector, (std::vector<float>{3, 0.5f, 1.0f / 3}));
}

TEST(HttpModels, RerankingOrdersDocuments) {
  HttpHarness http;
  const Json json =
      Json::parse(http.Post("/v1/rerank", R"({"model":"citeseek-rerank","query":"q","top_n":2,
          "documents":["long text","b",{"text":"mid"}],"return_documents":true})")
                      .body);
  ASSERT_EQ(json["results"].size(), 2u);
  EXPECT_EQ(json["results"][0]["index"], 1);
  EXPECT_EQ(json["results"][0]["relevance_score"], 1.0);
  EXPECT_EQ(json["results"][1]["index"], 2);
  EXPECT_EQ(json["results"][1]["document"]["text"], "mid");
}

TEST(HttpModels, WhatIsWrongIsNamed) {
  HttpHarness http;
  struct Case {
    const char* path;
    const char* body;
    int status;
    const char* message;
  };
  const Case cases[] = {
      {"/v1/embeddings", R"({"model":"citeseek-embed","input":[1,2]})", 400, "token numbers"},
      {"/v1/embeddings", R"({"model":"citeseek-embed","input":[[1]]})", 400, "token numbers"},
      {"/v1/embeddings", R"({"model":"citeseek-embed","input":[]})", 400, "input holds no text"},
      {"/v1/embeddings", R"({"model":"citeseek-embed","input":["a",""]})", 400,
       "input[1] is empty"},
      {"/v1/embeddings", R"({"model":"citeseek-embed","input":"a","dimensions":2})", 400,
       "dimensions 2 is not 3"},
      {"/v1/embeddings", R"({"model":"ada","input":"a"})", 404, "model_not_found"},
      {"/v1/embeddings", R"({"model":"citeseek-embed","input":"fail 14"})", 503, "overloaded"},
      {"/v1/rerank", R"({"model":"citeseek-rerank","query":"q","documents":[]})", 400,
       "documents is not a list of texts"},
      {"/v1/rerank", R"({"model":"citeseek-rerank","query":"q","documents":[1]})", 400,
       "documents[0] is neither a text"},
      {"/v1/rerank", R"({"model":"citeseek-rerank","query":"q","documents":["a"],"top_n":0})", 400,
       "top_n 0 is not in"},
      {"/v1/rerank", R"({"model":"x","query":"q","documents":["a"]})", 404, "model_not_found"},
  };
  for (const Case& c : cases) {
    const HttpReply reply = http.Post(c.path, c.body);
    EXPECT_EQ(reply.status, c.status) << c.body;
    EXPECT_THAT(reply.body, HasSubstr(c.message)) << c.body;
  }
}

TEST(HttpModels, TokensOfAKeyAreSpent) {
  // SHA-256 of "abc".
  const auto keys = *http::Keys::Make(
      {{.name = "a",
        .sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        .tokens_per_minute = 2}});
  HttpHarness http({.keys = keys.get()});
  const HttpHeaders key = {{"Authorization", "Bearer abc"}};
  const char body[] = R"({"model":"citeseek-embed","input":"0123456789abcdef"})";
  EXPECT_EQ(http.Post("/v1/embeddings", body, key).status, 200);
  EXPECT_EQ(http.Post("/v1/embeddings", body, key).status, 429);
}

}  // namespace
}  // namespace citeseek::testing
