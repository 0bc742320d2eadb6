#include "services/http/requests.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/http/members.h"

namespace citeseek::http {
namespace {

using Json = nlohmann::json;
using gateway::Mode;
using retrieval::Legs;

constexpr std::size_t kMaxTexts = 2048;

const Members::Names<Mode> kModes = {{"auto", Mode::kAuto},
                                     {"extract", Mode::kExtract},
                                     {"quick", Mode::kQuick},
                                     {"deep", Mode::kDeep}};
const Members::Names<Legs> kLegs = {
    {"hybrid", Legs::kHybrid}, {"lexical", Legs::kLexical}, {"dense", Legs::kDense}};

// What a question may say besides its text.
void ReadScope(Members& members, gateway::Question& question) {
  members.OneOf("mode", kModes, question.mode);
  members.Whole("top_k", 1, 64, question.top_k);
  members.Text("collection", question.collection);
  members.Filters(question.filters);
  members.Flag("batch", question.batch);
  members.Whole("thinking_budget", 0, gateway::kMaxThinkingBudget, question.thinking_budget);
  members.Whole("min_generation", 0, Members::kMaxWhole, question.min_generation);
  members.Text("session", question.session);
  members.Flag("no_cache", question.no_cache);
  members.Flag("follow_ups", question.follow_ups);
}

// Our own, for clients that can send more than OpenAI's.
void ReadOwn(Members& members, gateway::Question& question) {
  const Json* own = members.Object("citeseek");
  if (own == nullptr) return;
  Members scope(*own, "citeseek.");
  ReadScope(scope, question);
  members.Take(scope.status());
}

// A message's content: a text, or parts of which only texts are read.
absl::Status ReadContent(const Json* content, const std::string& name, std::string* text) {
  if (content == nullptr) return absl::OkStatus();  // of a message that calls a tool
  if (content->is_string()) {
    *text = content->get_ref<const std::string&>();
    return absl::OkStatus();
  }
  if (!content->is_array()) {
    return absl::InvalidArgumentError(name + " is neither a text nor a list of parts");
  }
  for (std::size_t i = 0; i < content->size(); ++i) {
    const Json& part = (*content)[i];
    const std::string part_name = absl::StrCat(name, "[", i, "]");
    if (!part.is_object()) return absl::InvalidArgumentError(part_name + " is not an object");
    std::string type, piece;
    Members members(part, part_name + ".");
    members.RequiredText("type", type);
    if (type == "text" || type == "input_text" || type == "output_text") {
      members.RequiredText("text", piece);
    } else if (members.status().ok()) {
      members.Fail("type", absl::StrCat("'", Told(type), "' is not text: nothing else is read"));
    }
    if (!members.status().ok()) return members.status();
    if (!text->empty()) *text += "\n";
    *text += piece;
  }
  return absl::OkStatus();
}

// The last message of the user is the question; those before it, and what was answered, are
// earlier turns, of which the newest are kept. Thoughts in a history are not read.
absl::Status ReadMessages(const Json& messages, std::string_view name,
                          gateway::Question* question) {
  std::vector<gateway::Turn> turns;
  static constexpr auto kRoles = std::to_array<std::string_view>(
      {"system", "developer", "user", "assistant", "tool", "function"});
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string at = absl::StrCat(std::string(name), "[", i, "]");
    if (!messages[i].is_object()) return absl::InvalidArgumentError(at + " is not an object");
    Members members(messages[i], at + ".");
    std::string type = "message", role, text;
    members.Text("type", type);
    if (type != "message" && members.status().ok()) continue;  // a thought or a tool's call
    members.RequiredText("role", role);
    if (std::find(kRoles.begin(), kRoles.end(), role) == kRoles.end()) {
      members.Fail("role", absl::StrCat("'", Told(role), "' is not one of ",
                                        absl::StrJoin(kRoles, ", ",
                                                      [](std::string* out, std::string_view r) {
                                                        out->append(r);
                                                      })));
    }
    if (!members.status().ok()) return members.status();
    if (auto status = ReadContent(members.Get("content"), at + ".content", &text); !status.ok()) {
      return status;
    }
    if (role == "assistant" && !turns.empty() && turns.back().answer.empty()) {
      turns.back().answer = std::move(text);
    }
    if (role != "user") continue;
    turns.push_back({.question = std::move(text)});
    if (turns.size() > 2 * gateway::kMaxHistoryTurns) {  // only the newest are of use
      turns.erase(turns.begin(),
                  turns.end() - static_cast<std::ptrdiff_t>(gateway::kMaxHistoryTurns) - 1);
    }
  }
  if (!turns.empty()) {
    question->text = std::move(turns.back().question);
    turns.pop_back();
    if (question->session.empty()) question->history = std::move(turns);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(std::string(name) + " holds no message of the user");
}

// Models that think are told how much in words.
void ReadEffort(Members& members, std::string_view name, Mode& mode) {
  static const Members::Names<Mode> kEfforts = {{"none", Mode::kQuick}, {"minimal", Mode::kQuick},
                                                {"low", Mode::kDeep},   {"medium", Mode::kDeep},
                                                {"high", Mode::kDeep},  {"xhigh", Mode::kDeep}};
  Mode asked = mode;
  members.OneOf(name, kEfforts, asked);
  if (mode == Mode::kAuto) mode = asked;
}

void ReadDrawing(Members& members, gateway::Drawing& drawing) {
  double value = 0;
  if (members.Number("temperature", 0, 2, value)) drawing.temperature = value;
  if (members.Number("top_p", 0, 1, value)) drawing.top_p = value;
  members.Number("presence_penalty", -2, 2, drawing.presence_penalty);
  members.Number("frequency_penalty", -2, 2, drawing.frequency_penalty);
  // The newest of the names that one thing has had comes last, and wins.
  for (const char* name : {"max_tokens", "max_completion_tokens", "max_output_tokens"}) {
    members.Whole(name, 1, gateway::kMaxAnswerTokens, drawing.max_tokens);
  }
  members.Texts("stop", drawing.stop);
  if (drawing.stop.size() > gateway::kMaxStops) {
    members.Fail("stop", absl::StrCat("of ", drawing.stop.size(),
                                      " texts is longer than the limit of ", gateway::kMaxStops));
  }
  for (const std::string& stop : drawing.stop) {
    if (!stop.empty() && stop.size() <= gateway::kMaxStopBytes) continue;
    members.Fail("stop", absl::StrCat("holds a text of ", stop.size(), " bytes, not in [1, ",
                                      gateway::kMaxStopBytes, "]"));
  }
}

// As OpenAI's clients send it. What would change the answer, and is not there, is refused.
void ReadSampling(Members& members, gateway::Question& question) {
  constexpr std::int64_t kMax = Members::kMaxWhole;
  std::int64_t one = 1, seed = 0;
  ReadDrawing(members, question.drawing);
  members.Whole("seed", -kMax, kMax, seed);
  question.seed = static_cast<std::uint64_t>(seed) & gateway::kMaxSeed;
  for (const char* name : {"n", "best_of"}) members.Whole(name, 1, 1, one);
  bool logprobs = false;
  members.Flag("logprobs", logprobs);
  if (logprobs) members.Fail("logprobs", "true is not taken: answers come without them");
  members.Whole("top_logprobs", 0, 0, one);
  const Json* bias = members.Object("logit_bias");
  if (bias != nullptr && !bias->empty()) {
    members.Fail("logit_bias",
                 absl::StrCat("of ", bias->size(), " tokens is not taken: the limit is 0"));
  }
}

}  // namespace

namespace {

// [{"question", "answer"}], the oldest turn first: for those who keep a conversation themselves.
void ReadHistory(Members& members, gateway::Question& question) {
  const Json* history = members.Get("history");
  if (history == nullptr) return;
  if (!history->is_array()) return members.Fail("history", "is not a list of turns");
  for (std::size_t i = 0; i < history->size() && members.status().ok(); ++i) {
    const std::string at = absl::StrCat("history[", i, "]");
    if (!(*history)[i].is_object()) return members.Fail(at, "is not an object");
    Members turn((*history)[i], at + ".");
    gateway::Turn& to = question.history.emplace_back();
    turn.RequiredText("question", to.question);
    turn.Text("answer", to.answer);
    members.Take(turn.status());
  }
  const std::size_t kept = std::min(question.history.size(), gateway::kMaxHistoryTurns);
  question.history.erase(question.history.begin(),
                         question.history.end() - static_cast<std::ptrdiff_t>(kept));
}

}  // namespace

absl::StatusOr<AskBody> ParseAsk(std::string_view text) {
  Json json;
  if (auto status = ParseObject(text, &json); !status.ok()) return status;
  AskBody ask;
  Members members(json);
  members.RequiredText("question", ask.question.text);
  members.Flag("stream", ask.stream);
  ReadScope(members, ask.question);
  members.Whole("seed", 0, gateway::kMaxSeed, ask.question.seed);
  ReadDrawing(members, ask.question.drawing);
  ReadHistory(members, ask.question);
  if (!members.status().ok()) return members.status();
  return ask;
}

absl::StatusOr<gateway::CheckRequest> ParseCheck(std::string_view text) {
  Json json;
  if (auto status = ParseObject(text, &json); !status.ok()) return status;
  gateway::CheckRequest check;
  Members members(json);
  members.RequiredText("answer", check.text);
  members.Text("collection", check.collection);
  members.Filters(check.filters);
  if (const Json* documents = members.Get("documents"); documents != nullptr) {
    if (!documents->is_array()) members.Fail("documents", "is not a list");
    for (const Json& item : documents->is_array() ? *documents : Json::array()) {
      const std::string number = absl::StrCat(check.documents.size() + 1);
      const std::string name = absl::StrCat("documents[", check.documents.size(), "]");
      if (!item.is_object()) {
        members.Fail(name, "is not an object");
        break;
      }
      indexer::Document document{.id = number};
      Members fields(item, name + ".");
      fields.RequiredText("text", document.text);
      fields.Text("id", document.id);
      fields.Text("title", document.title);
      fields.Text("uri", document.uri);
      members.Take(fields.status());
      check.documents.push_back(std::move(document));
    }
  }
  if (!members.status().ok()) return members.status();
  return check;
}

absl::StatusOr<retrieval::Query> ParseSearch(std::string_view text) {
  Json json;
  if (auto status = ParseObject(text, &json); !status.ok()) return status;
  retrieval::Query query;
  Members members(json);
  members.RequiredText("query", query.text);
  members.Whole("top_k", 1, retrieval::kMaxTopK, query.top_k);
  members.Text("collection", query.collection);
  members.Filters(query.filters);
  members.OneOf("legs", kLegs, query.legs);
  members.Flag("each_passage", query.each_passage);
  members.Whole("min_generation", 0, Members::kMaxWhole, query.min_generation);
  if (!members.status().ok()) return members.status();
  return query;
}

absl::StatusOr<retrieval::Query> ParseSearch(const Fields& parameters) {
  Json json = Json::object();
  Json filters = Json::array();
  for (const auto& [name, value] : parameters) {
    std::int64_t number = 0;
    if (name == "q" || name == "query") {
      json["query"] = value;
    } else if (name == "filter") {
      const std::size_t equals = value.find('=');
      if (equals == std::string::npos) {
        return absl::InvalidArgumentError("filter '" + Told(value) + "' is not FIELD=VALUE");
      }
      filters.push_back({{"field", value.substr(0, equals)}, {"value", value.substr(equals + 1)}});
    } else if (name == "top_k" || name == "min_generation") {
      if (!absl::SimpleAtoi(value, &number)) {
        return absl::InvalidArgumentError(
            absl::StrCat(name, " '", Told(value), "' is not a whole number"));
      }
      json[name] = number;
    } else if (name == "each_passage") {
      json[name] = value != "false" && value != "0";
    } else {
      json[name] = value;
    }
  }
  if (!json.contains("query")) return absl::InvalidArgumentError("q is missing");
  if (!filters.empty()) json["filters"] = std::move(filters);
  return ParseSearch(json.dump());
}

const std::vector<std::string>& AnswerModels() {
  static const std::vector<std::string> kModels = {"citeseek", "citeseek-extract", "citeseek-quick",
                                                   "citeseek-deep"};
  return kModels;
}

absl::StatusOr<Mode> ModeOfModel(std::string_view model) {
  if (model == "citeseek") return Mode::kAuto;
  if (model == "citeseek-extract") return Mode::kExtract;
  if (model == "citeseek-quick") return Mode::kQuick;
  if (model == "citeseek-deep") return Mode::kDeep;
  return absl::NotFoundError(absl::StrCat("model '", Told(model), "' is not one of ",
                                          absl::StrJoin(AnswerModels(), ", ")));
}

absl::StatusOr<ChatBody> ParseChat(std::string_view text) {
  Json json;
  if (auto status = ParseObject(text, &json); !status.ok()) return status;
  ChatBody chat;
  Members members(json);
  members.RequiredText("model", chat.model);
  members.Flag("stream", chat.stream);
  ReadSampling(members, chat.question);
  const Json* messages = members.Get("messages");
  if (messages == nullptr || !messages->is_array()) members.Fail("messages", "is not a list");
  if (const Json* options = members.Object("stream_options"); options != nullptr) {
    Members inner(*options, "stream_options.");
    inner.Flag("include_usage", chat.include_usage);
    members.Take(inner.status());
  }
  if (const Json* format = members.Get("response_format"); format != nullptr) {
    const bool plain = format->is_object() && format->value("type", Json()) == "text";
    if (!plain) members.Fail("response_format", "is not {\"type\": \"text\"}");
  }
  if (!members.status().ok()) return members.status();
  const absl::StatusOr<Mode> mode = ModeOfModel(chat.model);
  if (!mode.ok()) return mode.status();
  chat.question.mode = *mode;
  ReadEffort(members, "reasoning_effort", chat.question.mode);
  ReadOwn(members, chat.question);
  if (!members.status().ok()) return members.status();
  if (auto s = ReadMessages(*messages, "messages", &chat.question); !s.ok()) return s;
  return chat;
}

absl::StatusOr<ResponsesBody> ParseResponses(std::string_view text) {
  Json json;
  if (auto status = ParseObject(text, &json); !status.ok()) return status;
  ResponsesBody body;
  Members members(json);
  members.RequiredText("model", body.model);
  members.Flag("stream", body.stream);
  ReadSampling(members, body.question);
  for (const char* name : {"previous_response_id", "conversation"}) {
    if (members.Get(name) != nullptr) members.Fail(name, "is not taken: nothing is stored");
  }
  const Json* input = members.Get("input");
  if (input == nullptr || !(input->is_string() || input->is_array())) {
    members.Fail("input", "is neither a text nor a list of messages");
  }
  if (!members.status().ok()) return members.status();
  const absl::StatusOr<Mode> mode = ModeOfModel(body.model);
  if (!mode.ok()) return mode.status();
  body.question.mode = *mode;
  if (const Json* reasoning = members.Object("reasoning"); reasoning != nullptr) {
    Members inner(*reasoning, "reasoning.");
    ReadEffort(inner, "effort", body.question.mode);
    members.Take(inner.status());
  }
  ReadOwn(members, body.question);
  if (!members.status().ok()) return members.status();
  if (input->is_string()) {
    body.question.text = input->get<std::string>();
  } else if (auto s = ReadMessages(*input, "input", &body.question); !s.ok()) {
    return s;
  }
  return body;
}

absl::StatusOr<EmbeddingsBody> ParseEmbeddings(std::string_view text) {
  static const Members::Names<bool> kFormats = {{"base64", true}, {"float", false}};
  static const Members::Names<inference::EmbedKind> kKinds = {
      {"query", inference::EmbedKind::kQuery},
      {"passage", inference::EmbedKind::kPassage},
      {"document", inference::EmbedKind::kPassage}};
  Json json;
  if (auto status = ParseObject(text, &json); !status.ok()) return status;
  EmbeddingsBody body;
  Members members(json);
  members.RequiredText("model", body.model);
  members.OneOf("encoding_format", kFormats, body.base64);
  members.OneOf("input_type", kKinds, body.kind);
  members.Whole("dimensions", 1, 1 << 20, body.dimensions);
  const Json* input = members.Get("input");
  const bool numbers = input != nullptr && input->is_array() && !input->empty() &&
                       ((*input)[0].is_number() || (*input)[0].is_array());
  if (numbers) members.Fail("input", "holds token numbers: only texts are taken");
  members.Texts("input", body.input);
  if (body.input.empty()) members.Fail("input", "holds no text");
  if (body.input.size() > kMaxTexts) {
    members.Fail("input", absl::StrCat("of ", body.input.size(),
                                       " texts is longer than the limit of ", kMaxTexts));
  }
  for (std::size_t i = 0; i < body.input.size(); ++i) {
    if (body.input[i].empty()) members.Fail(absl::StrCat("input[", i, "]"), "is empty");
  }
  if (!members.status().ok()) return members.status();
  return body;
}

absl::StatusOr<RerankBody> ParseRerank(std::string_view text) {
  Json json;
  if (auto status = ParseObject(text, &json); !status.ok()) return status;
  RerankBody body;
  Members members(json);
  members.RequiredText("model", body.model);
  members.RequiredText("query", body.query);
  members.Flag("return_documents", body.return_documents);
  const Json* documents = members.Get("documents");
  if (documents == nullptr || !documents->is_array() || documents->empty()) {
    members.Fail("documents", "is not a list of texts");
  } else if (documents->size() > kMaxTexts) {
    members.Fail("documents", absl::StrCat("of ", documents->size(),
                                           " texts is longer than the limit of ", kMaxTexts));
  }
  if (!members.status().ok()) return members.status();
  for (const Json& document : *documents) {
    const std::string at = absl::StrCat("documents[", body.documents.size(), "]");
    std::string& to = body.documents.emplace_back();
    if (document.is_string()) {
      to = document.get<std::string>();
    } else if (document.is_object()) {
      Members inner(document, at + ".");
      inner.RequiredText("text", to);
      members.Take(inner.status());
    } else {
      members.Fail(at, "is neither a text nor an object with one");
    }
  }
  body.top_n = body.documents.size();
  members.Whole("top_n", 1, static_cast<std::int64_t>(kMaxTexts), body.top_n);
  body.top_n = std::min(body.top_n, body.documents.size());
  if (!members.status().ok()) return members.status();
  return body;
}

}  // namespace citeseek::http
