// Routes: what the server answers, a group an API.
//
// The functions of a route are thread-safe and live as long as the doors.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "indexer/indexer.h"
#include "inference/embedder.h"
#include "inference/reranker.h"
#include "retrieval/retriever.h"
#include "services/gateway/answerer.h"
#include "services/http/message.h"

namespace citeseek::http {

// Those that are null have no routes.
struct Doors {
  gateway::Answerer* answerer = nullptr;
  retrieval::Retriever* retriever = nullptr;
  indexer::Indexer* indexer = nullptr;
  inference::Embedder* embedder = nullptr;
  inference::Reranker* reranker = nullptr;
  std::function<absl::Status()> ready = [] { return absl::OkStatus(); };
};

// What these models are called: citeseek-embed and citeseek-rerank, and their own names.
std::vector<std::string> EmbedderNames(const Doors& doors);
std::vector<std::string> RerankerNames(const Doors& doors);

// /v1/embeddings as OpenAI's, /v1/rerank as Jina's and Cohere's.
std::vector<Route> ModelRoutes(const Doors& doors);
// /v1/responses: as OpenAI's.
std::vector<Route> ResponsesRoutes(const Doors& doors);
// /v1/chat/completions, /v1/models: as OpenAI's.
std::vector<Route> ChatRoutes(const Doors& doors);
// /api/v1/ask, /api/v1/conversations/ID, /api/v1/search, /api/v1/suggest, /api/v1/documents/ID,
// /api/v1/stats, /healthz, /readyz.
std::vector<Route> ApiRoutes(const Doors& doors);

}  // namespace citeseek::http
