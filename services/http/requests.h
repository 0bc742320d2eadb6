// Requests: turns the JSON bodies of HTTP requests into questions and queries.
//
// Free functions, thread-safe; any bytes may come. Unknown members are ignored, null is as if it
// were not there. kInvalidArgument names the member, its value and what is allowed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/embedder.h"
#include "retrieval/retriever.h"
#include "services/gateway/answerer.h"
#include "services/http/message.h"

namespace citeseek::http {

// Deadline and stop token of what these return are the caller's to set.

// POST /api/v1/ask: {"question", "mode", "top_k", "collection", "filters", "min_generation",
// "batch", "thinking_budget", "session", "history", "seed", "no_cache", "follow_ups", "stream"},
// and of how a model draws: "temperature", "top_p", "presence_penalty", "frequency_penalty",
// "max_tokens", "stop";
// filters are {"field": "value"} or [{"field", "value"}], history is [{"question", "answer"}].
struct AskBody {
  gateway::Question question;
  bool stream = true;
};
absl::StatusOr<AskBody> ParseAsk(std::string_view json);

// /api/v1/search: {"query", "top_k", "collection", "filters", "legs", "each_passage",
// "min_generation"}, or the same as query parameters: q, top_k, ..., filter=FIELD=VALUE.
absl::StatusOr<retrieval::Query> ParseSearch(std::string_view json);
absl::StatusOr<retrieval::Query> ParseSearch(const Fields& query);

// POST /api/v1/check: {"answer", "documents": [{"text", "id", "title", "uri"}], "collection",
// "filters"}.
absl::StatusOr<gateway::CheckRequest> ParseCheck(std::string_view json);

// The models that stand for the modes of an answer: citeseek, citeseek-extract, citeseek-quick,
// citeseek-deep. kNotFound names those there are.
absl::StatusOr<gateway::Mode> ModeOfModel(std::string_view model);
const std::vector<std::string>& AnswerModels();

// POST /v1/chat/completions. The question is the last message of the user; the turns before it are
// its history, of which the newest are read. Parameters that shape the sampling are taken, or
// refused by name where we have nothing like them (n, logprobs, logit_bias).
struct ChatBody {
  std::string model;
  gateway::Question question;
  bool stream = false;
  bool include_usage = false;
};
absl::StatusOr<ChatBody> ParseChat(std::string_view json);

// POST /v1/responses. Nothing is stored: previous_response_id is refused. As ParseChat else.
struct ResponsesBody {
  std::string model;
  gateway::Question question;
  bool stream = false;
};
absl::StatusOr<ResponsesBody> ParseResponses(std::string_view json);

// POST /v1/embeddings. "input_type" ("query", "passage", "document") is ours.
struct EmbeddingsBody {
  std::string model;
  std::vector<std::string> input;  // at least one, none empty
  inference::EmbedKind kind = inference::EmbedKind::kPassage;
  bool base64 = false;
  int dimensions = 0;  // 0: as the model has
};
absl::StatusOr<EmbeddingsBody> ParseEmbeddings(std::string_view json);

// POST /v1/rerank, as Jina's and Cohere's: documents are texts or {"text"}.
struct RerankBody {
  std::string model;
  std::string query;
  std::vector<std::string> documents;  // at least one
  std::size_t top_n = 0;               // in [1, documents]
  bool return_documents = false;
};
absl::StatusOr<RerankBody> ParseRerank(std::string_view json);

}  // namespace citeseek::http
