// /v1/chat/completions and /v1/models: questions and answers in OpenAI's words.
#include <memory>
#include <nlohmann/json.hpp>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/http/annotations.h"
#include "services/http/error.h"
#include "services/http/requests.h"
#include "services/http/routes.h"

namespace citeseek::http {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const char* Name(gateway::Mode mode) {
  return mode == gateway::Mode::kExtract ? "extract"
         : mode == gateway::Mode::kQuick ? "quick"
         : mode == gateway::Mode::kDeep  ? "deep"
                                         : "auto";
}

Json UsageJson(const gateway::Receipt& receipt) {
  return {{"prompt_tokens", receipt.prompt_tokens},
          {"completion_tokens", receipt.completion_tokens},
          {"total_tokens", receipt.prompt_tokens + receipt.completion_tokens},
          {"prompt_tokens_details", {{"cached_tokens", receipt.cached_tokens}}}};
}

Json UrlCitation(const Annotation& annotation) {
  return {{"type", "url_citation"},
          {"url_citation",
           {{"url", annotation.url},
            {"title", annotation.title},
            {"start_index", annotation.start},
            {"end_index", annotation.end}}}};
}

// Writes one answer, as a stream of chunks or whole.
class Completion {
 public:
  Completion(ChatBody chat, std::string request_id)
      : chat_(std::move(chat)),
        request_id_(std::move(request_id)),
        id_("chatcmpl-" + request_id_),
        created_(absl::ToUnixSeconds(absl::Now())) {}

  const gateway::Question& question() const { return chat_.question; }

  // The chunks that tell of an event; may be empty.
  std::string Chunks(const gateway::Event& event) {
    std::string chunks;
    if (!begun_) chunks += Chunk({{"role", "assistant"}, {"content", ""}});
    begun_ = true;
    if (const Annotation* annotation = annotations_.Note(event)) {
      chunks += Chunk({{"annotations", Json::array({UrlCitation(*annotation)})}});
    } else if (const auto* thought = std::get_if<gateway::ThoughtEvent>(&event)) {
      chunks += Chunk({{"reasoning_content", thought->text}, {"reasoning", thought->text}});
    } else if (const auto* answer = std::get_if<gateway::AnswerEvent>(&event)) {
      chunks += Chunk({{"content", answer->text}});
    } else if (const auto* queued = std::get_if<gateway::QueuedEvent>(&event)) {
      if (queued->place > 0) {
        absl::StrAppend(&chunks, ": place ", queued->place, " in line, about ",
                        absl::ToInt64Seconds(absl::Ceil(queued->eta, absl::Seconds(1))), " s\n\n");
      }
    }
    return chunks;
  }

  std::string LastChunks(const gateway::Answer& answer) const {
    Json last = Frame("chat.completion.chunk");
    last["choices"] = Json::array({Choice({{"delta", Json::object()}}, FinishReason(answer))});
    AddOwn(answer, &last);
    if (chat_.include_usage) last["usage"] = nullptr;
    std::string chunks = SseEvent("", Dump(last));
    if (chat_.include_usage) {
      Json usage = Frame("chat.completion.chunk");
      usage["choices"] = Json::array();
      usage["usage"] = UsageJson(answer.receipt);
      chunks += SseEvent("", Dump(usage));
    }
    return chunks + SseEvent("", "[DONE]");
  }

  std::string Whole(const gateway::Answer& answer) const {
    Json message = {{"role", "assistant"}, {"content", answer.text}, {"refusal", nullptr}};
    if (!answer.thought.empty()) {
      message["reasoning_content"] = answer.thought;
      message["reasoning"] = answer.thought;
    }
    Json annotations = Json::array();
    for (const Annotation& a : annotations_.all()) annotations.push_back(UrlCitation(a));
    message["annotations"] = std::move(annotations);
    Json json = Frame("chat.completion");
    json["choices"] =
        Json::array({Choice({{"message", std::move(message)}}, FinishReason(answer))});
    json["usage"] = UsageJson(answer.receipt);
    AddOwn(answer, &json);
    return Dump(json);
  }

  void Note(const gateway::Event& event) { annotations_.Note(event); }

 private:
  Json Frame(const char* object) const {
    return {{"id", id_},
            {"object", object},
            {"created", created_},
            {"model", chat_.model},
            {"system_fingerprint", "citeseek"}};
  }

  static Json Choice(Json choice, const Json& finish_reason) {
    Json json = {{"index", 0}};
    json.update(choice);
    json["logprobs"] = nullptr;
    json["finish_reason"] = finish_reason;
    return json;
  }

  std::string Chunk(Json delta) const {
    Json json = Frame("chat.completion.chunk");
    json["choices"] = Json::array({Choice({{"delta", std::move(delta)}}, nullptr)});
    if (chat_.include_usage) json["usage"] = nullptr;
    return SseEvent("", Dump(json));
  }

  static const char* FinishReason(const gateway::Answer& answer) {
    return answer.reason == "length" ? "length" : "stop";
  }

  // What OpenAI has no words for.
  void AddOwn(const gateway::Answer& answer, Json* json) const {
    Json citations = Json::array();
    for (const Annotation& a : annotations_.all()) {
      citations.push_back({{"id", a.marker},
                           {"url", a.url},
                           {"title", a.title},
                           {"doc_id", a.document_id},
                           {"chunk_id", a.passage_id},
                           {"quote", a.quote}});
    }
    (*json)["citations"] = std::move(citations);
    (*json)["citeseek"] = {{"reason", answer.reason},
                           {"mode", Name(answer.receipt.mode)},
                           {"degraded", answer.receipt.degraded},
                           {"generation", answer.receipt.generation},
                           {"request_id", request_id_},
                           {"session", answer.receipt.session},
                           {"turn", answer.receipt.turn},
                           {"rewritten_question", answer.receipt.rewritten_question}};
  }

  ChatBody chat_;
  const std::string request_id_;
  const std::string id_;
  const std::int64_t created_;
  bool begun_ = false;
  Annotations annotations_;
};

absl::StatusOr<Outcome> Chat(gateway::Answerer* answerer, Request request) {
  absl::StatusOr<ChatBody> chat = ParseChat(request.body);
  if (absl::IsNotFound(chat.status())) {
    return kOpenAiDialect.reply({.status = chat.status(), .code = "model_not_found"});
  }
  if (!chat.ok()) return chat.status();
  chat->question.deadline = request.deadline;
  chat->question.stop = request.stop;
  chat->question.caller = request.caller;
  chat->question.owner = request.owner;
  chat->question.request_id = request.id;
  if (auto status = gateway::CheckQuestion(chat->question); !status.ok()) return status;
  const bool stream = chat->stream;
  const auto completion = std::make_shared<Completion>(*std::move(chat), request.id);
  return Work{.in_line = true,
              .stream_type = stream ? kSseType : "",
              .heartbeat = stream ? kSseHeartbeat : "",
              .run = [=, spend = request.spend](const Push& push) -> absl::StatusOr<std::string> {
                const auto answer =
                    answerer->Ask(completion->question(), [&](const gateway::Event& event) {
                      if (stream) return push(completion->Chunks(event));
                      completion->Note(event);
                      return true;
                    });
                if (!answer.ok()) return answer.status();
                spend(answer->receipt.prompt_tokens + answer->receipt.completion_tokens);
                return stream ? completion->LastChunks(*answer) : completion->Whole(*answer);
              }};
}

Json ModelJson(const std::string& id) {
  return {{"id", id}, {"object", "model"}, {"created", 0}, {"owned_by", "citeseek"}};
}

std::vector<std::string> Models(const Doors& doors) {
  std::vector<std::string> models;
  if (doors.answerer != nullptr) models = AnswerModels();
  for (const std::string& name : EmbedderNames(doors)) models.push_back(name);
  for (const std::string& name : RerankerNames(doors)) models.push_back(name);
  return models;
}

absl::StatusOr<Outcome> ListModels(const Doors& doors) {
  Json data = Json::array();
  for (const std::string& model : Models(doors)) data.push_back(ModelJson(model));
  return Reply{.body = Dump({{"object", "list"}, {"data", std::move(data)}})};
}

absl::StatusOr<Outcome> GetModel(const Doors& doors, const Request& request) {
  for (const std::string& model : Models(doors)) {
    if (model == request.rest) return Reply{.body = Dump(ModelJson(model))};
  }
  return kOpenAiDialect.reply(
      {.status = absl::NotFoundError(absl::StrCat("no such model; see /v1/models")),
       .code = "model_not_found"});
}

}  // namespace

std::vector<Route> ChatRoutes(const Doors& doors) {
  std::vector<Route> routes = {
      {"GET", "/v1/models", &kOpenAiDialect, [doors](const Request&) { return ListModels(doors); }},
      {"GET", "/v1/models/*", &kOpenAiDialect,
       [doors](const Request& request) { return GetModel(doors, request); }}};
  if (doors.answerer != nullptr) {
    routes.push_back({"POST", "/v1/chat/completions", &kOpenAiDialect,
                      [answerer = doors.answerer](Request request) {
                        return Chat(answerer, std::move(request));
                      }});
  }
  return routes;
}

}  // namespace citeseek::http
