// /v1/responses: questions and answers in the words of OpenAI's newer API. Nothing is stored.
#include <memory>
#include <nlohmann/json.hpp>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
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

Json UrlCitation(const Annotation& annotation) {
  return {{"type", "url_citation"},
          {"url", annotation.url},
          {"title", annotation.title},
          {"start_index", annotation.start},
          {"end_index", annotation.end}};
}

// One response: up to two items, the thought and the message, in this order.
class Response {
 public:
  Response(ResponsesBody body, std::string request_id)
      : body_(std::move(body)),
        request_id_(std::move(request_id)),
        created_(absl::ToUnixSeconds(absl::Now())) {}

  const gateway::Question& question() const { return body_.question; }

  // The events that tell of an event of the answer; may be empty.
  std::string Events(const gateway::Event& event) {
    std::string events;
    if (sequence_ == 0) {
      events += Event("response.created", {{"response", Whole("in_progress", nullptr)}});
      events += Event("response.in_progress", {{"response", Whole("in_progress", nullptr)}});
    }
    if (const Annotation* annotation = annotations_.Note(event)) {
      Json json = OfText();
      json["annotation_index"] = annotations_.all().size() - 1;
      json["annotation"] = UrlCitation(*annotation);
      events += Event("response.output_text.annotation.added", std::move(json));
    } else if (const auto* thought = std::get_if<gateway::ThoughtEvent>(&event)) {
      if (text_begun_) return events;  // the items are in order; the whole response has it
      if (thought_.empty()) events += BeginThought();
      thought_ += thought->text;
      Json json = OfThought();
      json["delta"] = thought->text;
      events += Event("response.reasoning_summary_text.delta", std::move(json));
    } else if (const auto* answer = std::get_if<gateway::AnswerEvent>(&event)) {
      if (!text_begun_) events += BeginText();
      text_ += answer->text;
      Json json = OfText();
      json["delta"] = answer->text;
      json["logprobs"] = Json::array();
      events += Event("response.output_text.delta", std::move(json));
    }
    return events;
  }

  void Note(const gateway::Event& event) {
    annotations_.Note(event);
    if (const auto* thought = std::get_if<gateway::ThoughtEvent>(&event)) thought_ += thought->text;
    if (const auto* answer = std::get_if<gateway::AnswerEvent>(&event)) text_ += answer->text;
  }

  std::string LastEvents(const gateway::Answer& answer) {
    std::string events;
    if (!text_begun_) events += BeginText();
    Json done = OfText();
    done["text"] = text_;
    done["logprobs"] = Json::array();
    events += Event("response.output_text.done", std::move(done));
    Json part = OfText();
    part["part"] = TextPart();
    events += Event("response.content_part.done", std::move(part));
    events += Event("response.output_item.done",
                    {{"output_index", TextIndex()}, {"item", MessageItem("completed")}});
    const char* status = StatusOf(answer);
    return events +
           Event(absl::StrCat("response.", status), {{"response", Whole(status, &answer)}});
  }

  std::string Failed(const absl::Status& error) {
    Json response = Whole("failed", nullptr);
    response["error"] = {{"code", "server_error"}, {"message", std::string(error.message())}};
    return Event("response.failed", {{"response", std::move(response)}});
  }

  std::string Body(const gateway::Answer& answer) const {
    return Dump(Whole(StatusOf(answer), &answer));
  }

 private:
  static const char* StatusOf(const gateway::Answer& answer) {
    return answer.reason == "length" ? "incomplete" : "completed";
  }

  std::string Event(const std::string& type, Json members) {
    Json json = {{"type", type}, {"sequence_number", sequence_++}};
    json.update(members);
    return SseEvent(type, Dump(json));
  }

  std::string ThoughtId() const { return "rs_" + request_id_; }
  std::string MessageId() const { return "msg_" + request_id_; }
  int TextIndex() const { return thought_.empty() ? 0 : 1; }
  Json OfThought() const {
    return {{"item_id", ThoughtId()}, {"output_index", 0}, {"summary_index", 0}};
  }
  Json OfText() const {
    return {{"item_id", MessageId()}, {"output_index", TextIndex()}, {"content_index", 0}};
  }
  Json ThoughtPart() const { return {{"type", "summary_text"}, {"text", thought_}}; }
  Json ThoughtItem() const {
    return {{"id", ThoughtId()}, {"type", "reasoning"}, {"summary", Json::array({ThoughtPart()})}};
  }
  Json TextPart() const {
    Json annotations = Json::array();
    for (const Annotation& a : annotations_.all()) annotations.push_back(UrlCitation(a));
    return {{"type", "output_text"},
            {"text", text_},
            {"annotations", std::move(annotations)},
            {"logprobs", Json::array()}};
  }
  Json MessageItem(const char* status) const {
    return {{"id", MessageId()},
            {"type", "message"},
            {"status", status},
            {"role", "assistant"},
            {"content", Json::array({TextPart()})}};
  }

  std::string BeginThought() {
    std::string events =
        Event("response.output_item.added",
              {{"output_index", 0},
               {"item", {{"id", ThoughtId()}, {"type", "reasoning"}, {"summary", Json::array()}}}});
    Json part = OfThought();
    part["part"] = {{"type", "summary_text"}, {"text", ""}};
    return events + Event("response.reasoning_summary_part.added", std::move(part));
  }

  std::string EndThought() {
    if (thought_.empty()) return "";
    Json text = OfThought();
    text["text"] = thought_;
    std::string events = Event("response.reasoning_summary_text.done", std::move(text));
    Json part = OfThought();
    part["part"] = ThoughtPart();
    events += Event("response.reasoning_summary_part.done", std::move(part));
    return events +
           Event("response.output_item.done", {{"output_index", 0}, {"item", ThoughtItem()}});
  }

  std::string BeginText() {
    text_begun_ = true;
    std::string events = EndThought();
    Json item = MessageItem("in_progress");
    item["content"] = Json::array();
    events += Event("response.output_item.added",
                    {{"output_index", TextIndex()}, {"item", std::move(item)}});
    Json part = OfText();
    part["part"] = {{"type", "output_text"},
                    {"text", ""},
                    {"annotations", Json::array()},
                    {"logprobs", Json::array()}};
    return events + Event("response.content_part.added", std::move(part));
  }

  // `answer`: null while there is none.
  Json Whole(const char* status, const gateway::Answer* answer) const {
    Json output = Json::array();
    Json usage = nullptr, details = nullptr;
    if (answer != nullptr) {
      if (!thought_.empty()) output.push_back(ThoughtItem());
      output.push_back(MessageItem(status));
      const gateway::Receipt& receipt = answer->receipt;
      usage = {{"input_tokens", receipt.prompt_tokens},
               {"output_tokens", receipt.completion_tokens},
               {"total_tokens", receipt.prompt_tokens + receipt.completion_tokens}};
      if (answer->reason == "length") details = {{"reason", "max_output_tokens"}};
    }
    return {{"id", "resp_" + request_id_},
            {"object", "response"},
            {"created_at", created_},
            {"status", status},
            {"error", nullptr},
            {"incomplete_details", std::move(details)},
            {"instructions", nullptr},
            {"model", body_.model},
            {"output", std::move(output)},
            {"parallel_tool_calls", false},
            {"previous_response_id", nullptr},
            {"store", false},
            {"text", {{"format", {{"type", "text"}}}}},
            {"tool_choice", "none"},
            {"tools", Json::array()},
            {"truncation", "disabled"},
            {"metadata", Json::object()},
            {"usage", std::move(usage)}};
  }

  const ResponsesBody body_;
  const std::string request_id_;
  const std::int64_t created_;
  int sequence_ = 0;
  bool text_begun_ = false;
  std::string thought_;
  std::string text_;
  Annotations annotations_;
};

absl::StatusOr<Outcome> Respond(gateway::Answerer* answerer, Request request) {
  absl::StatusOr<ResponsesBody> body = ParseResponses(request.body);
  if (absl::IsNotFound(body.status())) {
    return kOpenAiDialect.reply({.status = body.status(), .code = "model_not_found"});
  }
  if (!body.ok()) return body.status();
  body->question.deadline = request.deadline;
  body->question.stop = request.stop;
  body->question.caller = request.caller;
  body->question.owner = request.owner;
  body->question.request_id = request.id;
  if (auto status = gateway::CheckQuestion(body->question); !status.ok()) return status;
  const bool stream = body->stream;
  const auto response = std::make_shared<Response>(*std::move(body), request.id);
  return Work{.in_line = true,
              .stream_type = stream ? kSseType : "",
              .heartbeat = stream ? kSseHeartbeat : "",
              .run = [=, spend = request.spend](const Push& push) -> absl::StatusOr<std::string> {
                const auto answer =
                    answerer->Ask(response->question(), [&](const gateway::Event& event) {
                      if (!stream) {
                        response->Note(event);
                        return true;
                      }
                      const std::string events = response->Events(event);
                      return events.empty() || push(events);
                    });
                if (!answer.ok()) {
                  if (stream) push(response->Failed(answer.status()));
                  return answer.status();
                }
                spend(answer->receipt.prompt_tokens + answer->receipt.completion_tokens);
                return stream ? response->LastEvents(*answer) : response->Body(*answer);
              }};
}

}  // namespace

std::vector<Route> ResponsesRoutes(const Doors& doors) {
  if (doors.answerer == nullptr) return {};
  return {{"POST", "/v1/responses", &kOpenAiDialect, [answerer = doors.answerer](Request request) {
             return Respond(answerer, std::move(request));
           }}};
}

}  // namespace citeseek::http
