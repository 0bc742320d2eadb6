#include "services/cli/json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace citeseek::services {
namespace {

using Json = nlohmann::ordered_json;

std::string Line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const char* Name(gateway::Mode mode) {
  switch (mode) {
    case gateway::Mode::kAuto:
      return "auto";
    case gateway::Mode::kExtract:
      return "extract";
    case gateway::Mode::kQuick:
      return "quick";
    case gateway::Mode::kDeep:
      return "deep";
  }
  return "";
}

const char* Name(gateway::Rung rung) {
  switch (rung) {
    case gateway::Rung::kFull:
      return "full";
    case gateway::Rung::kShort:
      return "short";
    case gateway::Rung::kQuick:
      return "quick";
    case gateway::Rung::kExtract:
      return "extract";
    case gateway::Rung::kResults:
      return "results";
  }
  return "";
}

const char* Name(gateway::Verdict verdict) {
  switch (verdict) {
    case gateway::Verdict::kUnchecked:
      return "unchecked";
    case gateway::Verdict::kSupported:
      return "supported";
    case gateway::Verdict::kPartly:
      return "partly";
    case gateway::Verdict::kUnsupported:
      return "unsupported";
  }
  return "";
}

const char* Name(gateway::Finding finding) {
  switch (finding) {
    case gateway::Finding::kUntold:
      return "";
    case gateway::Finding::kEvidence:
      return "evidence";
    case gateway::Finding::kNone:
      return "none";
  }
  return "";
}

const char* Name(gateway::PartEvent::State state) {
  switch (state) {
    case gateway::PartEvent::State::kSearching:
      return "searching";
    case gateway::PartEvent::State::kSearchingAgain:
      return "searching_again";
    case gateway::PartEvent::State::kEvidence:
      return "evidence";
    case gateway::PartEvent::State::kNoEvidence:
      return "none";
  }
  return "";
}

Json ToJson(const retrieval::Hit& hit, std::size_t rank) {
  return {{"rank", rank},
          {"score", hit.score},
          {"document_id", hit.document_id},
          {"passage_id", hit.passage_id},
          {"title", hit.title},
          {"uri", hit.uri},
          {"start", hit.start},
          {"end", hit.end},
          {"text", hit.text},
          {"collection", hit.collection},
          {"version", hit.version},
          {"lexical_score", hit.lexical_score},
          {"dense_score", hit.dense_score}};
}

Json ToJson(const gateway::Citation& citation) {
  return {{"marker", citation.marker},
          {"document_id", citation.document_id},
          {"version", citation.version},
          {"start", citation.start},
          {"end", citation.end},
          {"quote", citation.quote},
          {"verdict", Name(citation.verdict)},
          {"score", citation.score},
          {"collection", citation.collection},
          {"title", citation.title},
          {"uri", citation.uri},
          {"answer_start", citation.answer_start},
          {"answer_end", citation.answer_end}};
}

Json ToJson(const gateway::CheckedSentence& sentence) {
  return {{"start", sentence.start},
          {"end", sentence.end},
          {"verdict", Name(sentence.verdict)},
          {"score", sentence.score},
          {"problems", sentence.problems}};
}

Json ToJson(const gateway::Source& source) {
  const retrieval::Place& place = source.place;
  return {{"marker", source.marker},  {"document_id", place.document_id},
          {"version", place.version}, {"start", place.start},
          {"end", place.end},         {"collection", place.collection}};
}

Json ToJson(const gateway::Turn& turn);
Json ToJson(const gateway::Conversation& conversation);
Json ToJson(const retrieval::Filter& filter);
Json ToJson(const gateway::PartFinding& part);

template <class Things>
Json ListJson(const Things& things) {
  Json list = Json::array();
  for (const auto& thing : things) list.push_back(ToJson(thing));
  return list;
}

std::int64_t UnixMs(absl::Time time) { return absl::ToUnixMillis(time); }

Json ToJson(const gateway::Turn& turn) {
  return {{"turn", turn.number},
          {"asked_ms", UnixMs(turn.asked)},
          {"question", turn.question},
          {"rewritten_question", turn.rewritten},
          {"answer", turn.answer},
          {"reason", turn.reason},
          {"mode", Name(turn.mode)},
          {"citations", ListJson(turn.citations)},
          {"sources", ListJson(turn.sources)}};
}

Json ToJson(const gateway::Conversation& conversation) {
  return {{"session", conversation.session},
          {"title", conversation.title},
          {"created_ms", UnixMs(conversation.created)},
          {"updated_ms", UnixMs(conversation.updated)},
          {"expires_ms", UnixMs(conversation.expires)},
          {"turns", conversation.turns}};
}

Json ToJson(const retrieval::Filter& filter) {
  return {{"field", filter.field}, {"value", filter.value}};
}

Json ToJson(const gateway::Drawing& drawing) {
  Json json = {{"presence_penalty", drawing.presence_penalty},
               {"frequency_penalty", drawing.frequency_penalty},
               {"max_tokens", drawing.max_tokens},
               {"stop", drawing.stop}};
  if (drawing.temperature.has_value()) json["temperature"] = *drawing.temperature;
  if (drawing.top_p.has_value()) json["top_p"] = *drawing.top_p;
  return json;
}

Json ToJson(const gateway::PartFinding& part) {
  return {{"question", part.question}, {"searches", part.searches}, {"evidence", part.evidence}};
}

Json ToJson(const gateway::Receipt& receipt) {
  Json stages = Json::array();
  for (const gateway::Stage& stage : receipt.stages) {
    stages.push_back({{"name", stage.name}, {"ms", absl::ToDoubleMilliseconds(stage.duration)}});
  }
  return {{"request_id", receipt.request_id},
          {"asked_mode", Name(receipt.asked_mode)},
          {"mode", Name(receipt.mode)},
          {"rung", Name(receipt.rung)},
          {"degraded", receipt.degraded},
          {"generation", receipt.generation},
          {"model", receipt.model},
          {"prompt_tokens", receipt.prompt_tokens},
          {"completion_tokens", receipt.completion_tokens},
          {"steps", receipt.steps},
          {"drafted_tokens", receipt.drafted_tokens},
          {"accepted_tokens", receipt.accepted_tokens},
          {"stages", std::move(stages)},
          {"total_ms", absl::ToDoubleMilliseconds(receipt.total)},
          {"session", receipt.session},
          {"turn", receipt.turn},
          {"question", receipt.question},
          {"rewritten_question", receipt.rewritten_question},
          {"top_k", receipt.top_k},
          {"collection", receipt.collection},
          {"filters", ListJson(receipt.filters)},
          {"recipe", receipt.recipe},
          {"seed", receipt.seed},
          {"drawing", ToJson(receipt.drawing)},
          {"thinking_budget", receipt.thinking_budget},
          {"model_hash", receipt.model_hash},
          {"prompt_hash", receipt.prompt_hash},
          {"answer_hash", receipt.answer_hash},
          {"cached_tokens", receipt.cached_tokens},
          {"cached", receipt.cached},
          {"sources", ListJson(receipt.sources)},
          {"finding", Name(receipt.finding)},
          {"confidence", receipt.confidence},
          {"parts", ListJson(receipt.parts)}};
}

// One overload an event: std::visit finds a missing one at compile time.
struct EventWriter {
  Json operator()(const gateway::QueuedEvent& event) const {
    return {{"event", "queued"},
            {"place", event.place},
            {"eta_ms", absl::ToInt64Milliseconds(event.eta)},
            {"rung", Name(event.rung)},
            {"request_id", event.request_id}};
  }
  Json operator()(const gateway::PartEvent& event) const {
    return {{"event", "part"},
            {"part", event.part},
            {"parts", event.parts},
            {"question", event.question},
            {"state", Name(event.state)}};
  }
  Json operator()(const gateway::SearchedEvent& event) const {
    Json hits = Json::array();
    for (std::size_t i = 0; i < event.hits.size(); ++i) {
      Json hit = ToJson(event.hits[i], i + 1);
      hit["marker"] = i < event.markers.size() ? event.markers[i] : static_cast<int>(i) + 1;
      hits.push_back(std::move(hit));
    }
    return {{"event", "searched"},
            {"hits", std::move(hits)},
            {"generation", event.generation},
            {"rewritten_question", event.rewritten_question}};
  }
  Json operator()(const gateway::ThoughtEvent& event) const {
    return {{"event", "thought"}, {"text", event.text}};
  }
  Json operator()(const gateway::AnswerEvent& event) const {
    return {{"event", "answer"}, {"text", event.text}};
  }
  Json operator()(const gateway::CitationEvent& event) const {
    Json json = {{"event", "citation"}};
    json.update(ToJson(event.citation));
    return json;
  }
  Json operator()(const gateway::CheckedEvent& event) const {
    Json json = {{"event", "checked"}};
    json.update(ToJson(event.sentence));
    return json;
  }
  Json operator()(const gateway::FollowUpsEvent& event) const {
    return {{"event", "follow_ups"}, {"questions", event.questions}};
  }
  Json operator()(const gateway::FinishedEvent& event) const {
    return {{"event", "finished"},
            {"reason", event.answer.reason},
            {"mode", Name(event.answer.receipt.mode)},
            {"answer", event.answer.text},
            {"thought", event.answer.thought},
            {"citations", ListJson(event.answer.citations)},
            {"sentences", ListJson(event.answer.sentences)},
            {"follow_ups", event.answer.follow_ups},
            {"receipt", ToJson(event.answer.receipt)}};
  }
};

}  // namespace

std::string HitJson(const retrieval::Hit& hit, std::size_t rank) { return Line(ToJson(hit, rank)); }

std::string EventJson(const gateway::Event& event) {
  return Line(std::visit(EventWriter{}, event));
}

std::string ConversationJson(const gateway::Conversation& conversation) {
  Json json = ToJson(conversation);
  json["shown"] = ListJson(conversation.shown);
  return Line(json);
}

std::string ConversationsJson(const std::vector<gateway::Conversation>& conversations) {
  return Line({{"conversations", ListJson(conversations)}});
}

std::string VerdictName(gateway::Verdict verdict) { return Name(verdict); }

std::vector<std::string> CheckJson(std::string_view text, const gateway::CheckReport& report) {
  std::vector<std::string> lines;
  Json summary = {{"sentences", report.sentences.size()},
                  {"supported", 0},
                  {"partly", 0},
                  {"unsupported", 0},
                  {"unchecked", 0}};
  auto next = report.citations.begin();  // in the order of the sentences
  for (const gateway::CheckedSentence& sentence : report.sentences) {
    Json line = {{"sentence", text.substr(sentence.start, sentence.end - sentence.start)}};
    line.update(ToJson(sentence));
    line["citations"] = Json::array();
    for (; next != report.citations.end() && next->answer_start == sentence.start; ++next) {
      Json json = ToJson(*next);
      json.erase("answer_start");
      json.erase("answer_end");
      line["citations"].push_back(std::move(json));
    }
    Json& count = summary[Name(sentence.verdict)];
    count = count.get<int>() + 1;
    lines.push_back(Line(line));
  }
  lines.push_back(Line({{"summary", std::move(summary)}}));
  return lines;
}

std::string DocumentJson(const indexer::StoredDocument& stored) {
  Json metadata = Json::object();
  for (const auto& [key, value] : stored.document.metadata) metadata[key] = value;
  return Line({{"id", stored.document.id},
               {"version", stored.version},
               {"title", stored.document.title},
               {"uri", stored.document.uri},
               {"text", stored.document.text},
               {"metadata", std::move(metadata)},
               {"collection", stored.document.collection}});
}

std::string FsckJson(const indexer::FsckReport& report) {
  return Line({{"generation", report.generation},
               {"segments", report.segments},
               {"documents", report.documents},
               {"passages", report.passages},
               {"terms", report.terms},
               {"postings", report.postings}});
}

std::string FlatJson(const std::vector<JsonField>& fields) {
  Json json = Json::object();
  for (const JsonField& field : fields) {
    if (field.is_text) {
      json[field.name] = field.text;
    } else if (field.number == std::floor(field.number) && std::abs(field.number) < 1e15) {
      json[field.name] = static_cast<std::int64_t>(field.number);
    } else {
      json[field.name] = field.number;
    }
  }
  return Line(json);
}

absl::StatusOr<QueryLine> ParseQueryLine(std::string_view line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::InvalidArgumentError("not a JSON object");
  QueryLine query;
  const auto id = json.find("_id");
  if (id == json.end() || !(id->is_string() || id->is_number_integer())) {
    return absl::InvalidArgumentError("\"_id\" is not there or not a text");
  }
  query.id = id->is_string() ? id->get<std::string>() : id->dump();
  const auto text = json.find("text");
  if (text == json.end() || !text->is_string()) {
    return absl::InvalidArgumentError("\"text\" is not there or not a text");
  }
  query.text = text->get<std::string>();
  return query;
}

std::string ServerJson(const ServerFile& server) {
  const TlsConfig& tls = server.tls;
  Json json = {{"address", server.address}, {"pid", server.pid}};
  if (!tls.certificate.empty()) {
    json["tls"] = {
        {"certificate", tls.certificate}, {"key", tls.key}, {"authority", tls.authority}};
  }
  return Line(json);
}

absl::StatusOr<ServerFile> ParseServerJson(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("address") || !json["address"].is_string() ||
      !json.contains("pid") || !json["pid"].is_number_integer()) {
    return absl::InvalidArgumentError("server.json is not {\"address\", \"pid\"}");
  }
  ServerFile server{.address = json["address"].get<std::string>(), .pid = json["pid"].get<int>()};
  if (const auto tls = json.find("tls"); tls != json.end() && tls->is_object()) {
    const auto file = [&](const char* name) {
      const auto found = tls->find(name);
      return found != tls->end() && found->is_string() ? found->get<std::string>() : "";
    };
    server.tls = {file("certificate"), file("key"), file("authority")};
  }
  return server;
}

}  // namespace citeseek::services
