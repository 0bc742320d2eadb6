// /v1/embeddings and /v1/rerank: the embedder and the reranker in the words of OpenAI, Jina,
// Cohere.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/http/error.h"
#include "services/http/requests.h"
#include "services/http/routes.h"

namespace citeseek::http {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The doors do not count tokens; a caller's limit and bill need some measure.
constexpr std::size_t kBytesPerToken = 4;

template <typename Texts>
std::int64_t EstimatedTokens(const Texts& texts) {
  std::size_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  return static_cast<std::int64_t>((bytes + kBytesPerToken - 1) / kBytesPerToken);
}

Reply UnknownModel(const std::vector<std::string>& names) {
  return kOpenAiDialect.reply({.status = absl::NotFoundError(absl::StrCat(
                                   "model is not one of ", absl::StrJoin(names, ", "))),
                               .code = "model_not_found"});
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

absl::StatusOr<std::string> Embed(inference::Embedder* embedder, const EmbeddingsBody& body,
                                  const Request& request) {
  const auto dimension = static_cast<std::size_t>(embedder->Dimension());
  std::vector<float> vectors(body.input.size() * dimension);
  const absl::Status status = embedder->Embed(
      {.texts = body.input, .kind = body.kind, .deadline = request.deadline, .stop = request.stop},
      vectors);
  if (!status.ok()) return status;
  Json data = Json::array();
  for (std::size_t i = 0; i < body.input.size(); ++i) {
    const float* row = vectors.data() + i * dimension;
    Json item = {{"object", "embedding"}, {"index", i}};
    if (body.base64) {
      item["embedding"] = absl::Base64Escape(
          {reinterpret_cast<const char*>(row), dimension * sizeof(float)});  // little-endian
    } else {
      item["embedding"] = std::vector<float>(row, row + dimension);
    }
    data.push_back(std::move(item));
  }
  const std::int64_t tokens = EstimatedTokens(body.input);
  request.spend(tokens);
  return Dump({{"object", "list"},
               {"data", std::move(data)},
               {"model", body.model},
               {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}});
}

absl::StatusOr<Outcome> StartEmbedding(const Doors& doors, Request request) {
  absl::StatusOr<EmbeddingsBody> body = ParseEmbeddings(request.body);
  if (!body.ok()) return body.status();
  const std::vector<std::string> names = EmbedderNames(doors);
  if (!Contains(names, body->model)) return UnknownModel(names);
  if (body->dimensions != 0 && body->dimensions != doors.embedder->Dimension()) {
    return absl::InvalidArgumentError(absl::StrCat("dimensions ", body->dimensions, " is not ",
                                                   doors.embedder->Dimension(),
                                                   ", which is all that the model has"));
  }
  request.body.clear();
  return Work{.run = [embedder = doors.embedder, body = *std::move(body),
                      request = std::move(request)](const Push&) {
    return Embed(embedder, body, request);
  }};
}

absl::StatusOr<std::string> Rerank(inference::Reranker* reranker, const RerankBody& body,
                                   const Request& request) {
  std::vector<float> scores(body.documents.size());
  const absl::Status status = reranker->Score({.query = body.query,
                                               .passages = body.documents,
                                               .deadline = request.deadline,
                                               .stop = request.stop},
                                              scores);
  if (!status.ok()) return status;
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  Json results = Json::array();
  for (std::size_t i = 0; i < body.top_n; ++i) {
    Json result = {{"index", order[i]}, {"relevance_score", scores[order[i]]}};
    if (body.return_documents) result["document"] = {{"text", body.documents[order[i]]}};
    results.push_back(std::move(result));
  }
  const std::int64_t tokens =
      EstimatedTokens(body.documents) + EstimatedTokens(std::vector{body.query});
  request.spend(tokens);
  return Dump({{"id", request.id},
               {"model", body.model},
               {"results", std::move(results)},
               {"usage", {{"total_tokens", tokens}}}});
}

absl::StatusOr<Outcome> StartReranking(const Doors& doors, Request request) {
  absl::StatusOr<RerankBody> body = ParseRerank(request.body);
  if (!body.ok()) return body.status();
  const std::vector<std::string> names = RerankerNames(doors);
  if (!Contains(names, body->model)) return UnknownModel(names);
  request.body.clear();
  return Work{.run = [reranker = doors.reranker, body = *std::move(body),
                      request = std::move(request)](const Push&) {
    return Rerank(reranker, body, request);
  }};
}

}  // namespace

std::vector<std::string> EmbedderNames(const Doors& doors) {
  if (doors.embedder == nullptr) return {};
  return {"citeseek-embed", doors.embedder->Name()};
}

std::vector<std::string> RerankerNames(const Doors& doors) {
  if (doors.reranker == nullptr) return {};
  return {"citeseek-rerank", doors.reranker->Name()};
}

std::vector<Route> ModelRoutes(const Doors& doors) {
  std::vector<Route> routes;
  if (doors.embedder != nullptr) {
    routes.push_back({"POST", "/v1/embeddings", &kOpenAiDialect, [doors](Request request) {
                        return StartEmbedding(doors, std::move(request));
                      }});
  }
  if (doors.reranker != nullptr) {
    routes.push_back({"POST", "/v1/rerank", &kOpenAiDialect, [doors](Request request) {
                        return StartReranking(doors, std::move(request));
                      }});
  }
  return routes;
}

}  // namespace citeseek::http
