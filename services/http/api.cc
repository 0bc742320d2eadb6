// /api/v1: our own API, whose events and objects are those that `citeseek --json` prints.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/cli/json.h"
#include "services/http/error.h"
#include "services/http/requests.h"
#include "services/http/routes.h"
#include "services/http/suggest.h"

namespace citeseek::http {
namespace {

using Json = nlohmann::ordered_json;

constexpr absl::Duration kSuggestTime = absl::Milliseconds(500);  // later nobody looks

// The name that the event gives itself, in its first member.
std::string_view NameOf(std::string_view json) {
  constexpr std::string_view kFirst = "{\"event\":\"";
  if (!json.starts_with(kFirst)) return {};
  return json.substr(kFirst.size(), json.find('"', kFirst.size()) - kFirst.size());
}

absl::StatusOr<Outcome> Ask(gateway::Answerer* answerer, Request request) {
  absl::StatusOr<AskBody> ask = ParseAsk(request.body);
  if (!ask.ok()) return ask.status();
  ask->question.deadline = request.deadline;
  ask->question.stop = request.stop;
  ask->question.caller = request.caller;
  ask->question.owner = request.owner;
  ask->question.request_id = request.id;
  if (auto status = gateway::CheckQuestion(ask->question); !status.ok()) return status;
  const bool stream = ask->stream;
  return Work{.in_line = true,
              .stream_type = stream ? kSseType : "",
              .heartbeat = stream ? kSseHeartbeat : "",
              .run = [answerer, stream, question = std::move(ask->question),
                      spend = request.spend](const Push& push) -> absl::StatusOr<std::string> {
                std::string last;
                const auto answer = answerer->Ask(question, [&](const gateway::Event& event) {
                  const bool whole = std::holds_alternative<gateway::FinishedEvent>(event);
                  if (!stream && !whole) return true;
                  last = services::EventJson(event);
                  return whole || push(SseEvent(NameOf(last), last));
                });
                if (!answer.ok()) return answer.status();
                spend(answer->receipt.prompt_tokens + answer->receipt.completion_tokens);
                return stream ? SseEvent("finished", last) : last;
              }};
}

absl::StatusOr<gateway::ConversationRequest> ParseConversation(const Request& request) {
  gateway::ConversationRequest asked{.owner = request.owner,
                                     .session = request.rest,
                                     .deadline = request.deadline,
                                     .stop = request.stop};
  const std::pair<const char*, int*> numbers[] = {{"before", &asked.before},
                                                  {"limit", &asked.limit}};
  for (const auto& [name, to] : numbers) {
    const std::string value(Find(request.query, name));
    if (!value.empty() && !absl::SimpleAtoi(value, to)) {
      return absl::InvalidArgumentError(absl::StrCat(name, " is not a whole number"));
    }
  }
  return asked;
}

absl::StatusOr<Outcome> GetConversation(gateway::Answerer* answerer, const Request& request) {
  const auto asked = ParseConversation(request);
  if (!asked.ok()) return asked.status();
  const auto conversation = answerer->GetConversation(*asked);
  if (!conversation.ok()) return conversation.status();
  return Reply{.body = services::ConversationJson(*conversation)};
}

absl::StatusOr<Outcome> GetConversations(gateway::Answerer* answerer, const Request& request) {
  if (request.owner.empty()) {  // those of all who have no key
    return absl::PermissionDeniedError(
        "without keys conversations are known by their ids alone: none are listed");
  }
  const auto asked = ParseConversation(request);
  if (!asked.ok()) return asked.status();
  const auto all = answerer->ListConversations(*asked);
  if (!all.ok()) return all.status();
  return Reply{.body = services::ConversationsJson(*all)};
}

absl::StatusOr<Outcome> DeleteConversation(gateway::Answerer* answerer, const Request& request) {
  const auto asked = ParseConversation(request);
  if (!asked.ok()) return asked.status();
  const absl::Status deleted = answerer->DeleteConversation(*asked);
  if (!deleted.ok()) return deleted;
  return Reply{.body = "{}"};
}

absl::StatusOr<Outcome> Check(gateway::Answerer* answerer, const Request& request) {
  absl::StatusOr<gateway::CheckRequest> check = ParseCheck(request.body);
  if (!check.ok()) return check.status();
  check->deadline = request.deadline;
  check->stop = request.stop;
  return Work{
      .in_line = true,
      .run = [answerer, check = *std::move(check)](const Push&) -> absl::StatusOr<std::string> {
        const auto report = answerer->Check(check);
        if (!report.ok()) return report.status();
        std::vector<std::string> lines = services::CheckJson(check.text, *report);
        const std::string summary = std::move(lines.back());
        lines.pop_back();
        return absl::StrCat("{\"sentences\":[", absl::StrJoin(lines, ","), "],", summary.substr(1));
      }};
}

absl::StatusOr<Outcome> Search(retrieval::Retriever* retriever, const Request& request) {
  auto query = request.method == "GET" ? ParseSearch(request.query) : ParseSearch(request.body);
  if (!query.ok()) return query.status();
  query->deadline = request.deadline;
  query->stop = request.stop;
  const absl::Time start = absl::Now();
  const absl::StatusOr<retrieval::Result> result = retriever->Search(*query);
  if (!result.ok()) return result.status();
  std::string body = "{\"hits\":[";
  for (std::size_t i = 0; i < result->hits.size(); ++i) {
    absl::StrAppend(&body, i == 0 ? "" : ",", services::HitJson(result->hits[i], i + 1));
  }
  const std::string end =
      services::FlatJson({{"generation", static_cast<double>(result->generation)},
                          {"degraded", result->degraded},
                          {"total_ms", absl::ToDoubleMilliseconds(absl::Now() - start)}});
  return Reply{.body = absl::StrCat(body, "],", end.substr(1))};
}

absl::StatusOr<Outcome> GetSuggestions(retrieval::Retriever* retriever, const Request& request) {
  const auto suggestions =
      Suggest(retriever, Find(request.query, "q"),
              std::min(request.deadline, absl::Now() + kSuggestTime), request.stop);
  if (!suggestions.ok()) return suggestions.status();
  Json json = Json::array();
  for (const Suggestion& suggestion : *suggestions) {
    if (suggestion.document_id.empty()) {
      json.push_back({{"kind", "query"}, {"text", suggestion.text}});
    } else {
      json.push_back({{"kind", "document"},
                      {"text", suggestion.text},
                      {"document_id", suggestion.document_id},
                      {"collection", suggestion.collection}});
    }
  }
  return Reply{.body = Json{{"suggestions", std::move(json)}}.dump(-1, ' ', false,
                                                                   Json::error_handler_t::replace)};
}

absl::StatusOr<Outcome> GetDocument(indexer::Indexer* indexer, const Request& request) {
  indexer::GetRequest get{.key = {request.rest, std::string(Find(request.query, "collection"))},
                          .deadline = request.deadline,
                          .stop = request.stop};
  const std::string version(Find(request.query, "version"));
  if (!version.empty() && !absl::SimpleAtoi(version, &get.version)) {
    return absl::InvalidArgumentError("version is not a whole number");
  }
  const absl::StatusOr<indexer::StoredDocument> stored = indexer->Get(get);
  if (!stored.ok()) return stored.status();
  return Reply{.body = services::DocumentJson(*stored)};
}

absl::StatusOr<Outcome> Stats(indexer::Indexer* indexer) {
  const absl::StatusOr<indexer::IndexStats> stats = indexer->Stats();
  if (!stats.ok()) return stats.status();
  return Reply{.body = services::FlatJson(
                   {{"generation", static_cast<double>(stats->generation)},
                    {"documents", static_cast<double>(stats->documents)},
                    {"passages", static_cast<double>(stats->passages)},
                    {"pending_documents", static_cast<double>(stats->pending_documents)},
                    {"bytes_on_disk", static_cast<double>(stats->bytes_on_disk)},
                    {"text_bytes", static_cast<double>(stats->text_bytes)},
                    {"embedder", stats->embedder}})};
}

Route Open(const char* path, std::function<absl::StatusOr<Outcome>(Request)> handle) {
  return {"GET", path, &kApiDialect, std::move(handle), /*open=*/true};
}

}  // namespace

std::vector<Route> ApiRoutes(const Doors& doors) {
  std::vector<Route> routes = {
      Open("/healthz", [](const Request&) { return Reply{.body = "{\"status\":\"alive\"}\n"}; }),
      Open("/readyz", [ready = doors.ready](const Request&) -> absl::StatusOr<Outcome> {
        const absl::Status status = ready();
        if (!status.ok()) return absl::UnavailableError(status.message());
        return Reply{.body = "{\"status\":\"ready\"}\n"};
      })};
  if (doors.answerer != nullptr) {
    routes.push_back(
        {"POST", "/api/v1/answer_now/*", &kApiDialect,
         [answerer = doors.answerer](const Request& request) -> absl::StatusOr<Outcome> {
           const absl::Status status = answerer->AnswerNow(request.rest);
           if (!status.ok()) return status;
           return Reply{.body = "{}"};
         }});
    const auto add = [&](const char* method, const char* path,
                         absl::StatusOr<Outcome> (*handle)(gateway::Answerer*, const Request&)) {
      routes.push_back(
          {method, path, &kApiDialect, [answerer = doors.answerer, handle](const Request& request) {
             return handle(answerer, request);
           }});
    };
    add("GET", "/api/v1/conversations", GetConversations);
    add("GET", "/api/v1/conversations/*", GetConversation);
    add("DELETE", "/api/v1/conversations/*", DeleteConversation);
    routes.push_back(
        {"POST", "/api/v1/check", &kApiDialect,
         [answerer = doors.answerer](const Request& request) { return Check(answerer, request); }});
    routes.push_back(
        {"POST", "/api/v1/ask", &kApiDialect, [answerer = doors.answerer](Request request) {
           return Ask(answerer, std::move(request));
         }});
  }
  if (doors.retriever != nullptr) {
    const auto search = [retriever = doors.retriever](const Request& request) {
      return Search(retriever, request);
    };
    routes.push_back({"GET", "/api/v1/search", &kApiDialect, search});
    routes.push_back({"POST", "/api/v1/search", &kApiDialect, search});
    routes.push_back({"GET", "/api/v1/suggest", &kApiDialect,
                      [retriever = doors.retriever](const Request& request) {
                        return GetSuggestions(retriever, request);
                      }});
  }
  if (doors.indexer != nullptr) {
    routes.push_back({"GET", "/api/v1/documents/*", &kApiDialect,
                      [indexer = doors.indexer](const Request& request) {
                        return GetDocument(indexer, request);
                      }});
    routes.push_back({"GET", "/api/v1/stats", &kApiDialect,
                      [indexer = doors.indexer](const Request&) { return Stats(indexer); }});
  }
  return routes;
}

}  // namespace citeseek::http
