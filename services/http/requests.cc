#include "services/http/requests.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace citeseek::http {
namespace {

using Json = nlohmann::json;
using gateway::Mode;
using retrieval::Filter;
using retrieval::Legs;

constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxToldBytes = 60;

const std::map<std::string, Mode, std::less<>> kModes = {{"auto", Mode::kAuto},
                                                         {"extract", Mode::kExtract},
                                                         {"quick", Mode::kQuick},
                                                         {"deep", Mode::kDeep}};
const std::map<std::string, Legs, std::less<>> kLegs = {
    {"hybrid", Legs::kHybrid}, {"lexical", Legs::kLexical}, {"dense", Legs::kDense}};

std::string Told(std::string_view text) {
  if (text.size() <= kMaxToldBytes) return std::string(text);
  std::size_t cut = kMaxToldBytes;
  while (cut > 0 && (text[cut] & '\xC0') == '\x80') --cut;
  return std::string(text.substr(0, cut)) + "...";
}

template <typename Map>
std::string Names(const Map& map) {
  return absl::StrJoin(map, ", ", [](std::string* out, const auto& f) { out->append(f.first); });
}

// How deep brackets are nested; of what is no JSON, anything.
int Depth(std::string_view text) {
  int depth = 0, deepest = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') quoted = !quoted;
    if (quoted) {
      if (c == '\\') ++i;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

absl::Status ParseObject(std::string_view text, Json* to) {
  if (Depth(text) > kMaxDepth) {
    return absl::InvalidArgumentError(
        absl::StrCat("body is nested deeper than the limit of ", kMaxDepth));
  }
  try {
    *to = Json::parse(text);
    if (to->is_object()) return absl::OkStatus();
    return absl::InvalidArgumentError("body is not a JSON object");
  } catch (const Json::parse_error& error) {
    return absl::InvalidArgumentError(
        text.empty()
            ? "body is empty, not a JSON object"
            : absl::StrCat("body is not JSON at byte ", error.byte > 0 ? error.byte - 1 : 0));
  } catch (const Json::exception&) {  // a number that no double holds
    return absl::InvalidArgumentError("body holds a number that is out of range");
  }
}

// Reads members of one object; keeps the first fault.
class Members {
 public:
  // `prefix` stands before names in messages.
  explicit Members(const Json& object, std::string prefix = "")
      : object_(object), prefix_(std::move(prefix)) {}

  const absl::Status& status() const { return status_; }
  void Fail(std::string_view name, const std::string& what) {
    if (status_.ok()) {
      status_ = absl::InvalidArgumentError(absl::StrCat(prefix_, std::string(name), " ", what));
    }
  }

  // Null if the member is not there.
  const Json* Get(std::string_view name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  bool Text(std::string_view name, std::string& to) {
    const Json* member = Get(name);
    if (member == nullptr) return false;
    if (!member->is_string()) return Fail(name, "is not a text"), false;
    to = member->get_ref<const std::string&>();
    return true;
  }
  void RequiredText(std::string_view name, std::string& to) {
    if (!Text(name, to)) Fail(name, "is missing");
  }

  void Flag(std::string_view name, bool& to) {
    const Json* member = Get(name);
    if (member == nullptr) return;
    if (!member->is_boolean()) return Fail(name, "is not true or false");
    to = member->get<bool>();
  }

  template <typename Integer>
  void Whole(std::string_view name, Integer low, Integer high, Integer& to) {
    const Json* member = Get(name);
    if (member == nullptr) return;
    if (!member->is_number()) return Fail(name, "is not a whole number");
    const auto value = member->get<double>();
    if (value != std::floor(value)) return Fail(name, "is not a whole number");
    if (value < static_cast<double>(low) || value > static_cast<double>(high)) {
      return Fail(name, absl::StrCat(member->dump(), " is not in [", low, ", ", high, "]"));
    }
    to = member->get<Integer>();
  }

  void Number(std::string_view name, double low, double high) {
    const Json* member = Get(name);
    if (member == nullptr) return;
    if (!member->is_number()) return Fail(name, "is not a number");
    const auto value = member->get<double>();
    if (value < low || value > high) {
      Fail(name, absl::StrCat(member->dump(), " is not in [", low, ", ", high, "]"));
    }
  }

  template <typename Value>
  void OneOf(std::string_view name, const std::map<std::string, Value, std::less<>>& names,
             Value& to) {
    std::string text;
    if (!Text(name, text)) return;
    const auto found = names.find(text);
    if (found == names.end()) {
      return Fail(name, absl::StrCat("'", Told(text), "' is not one of ", Names(names)));
    }
    to = found->second;
  }

  void Filters(std::vector<Filter>& to) {
    const Json* filters = Get("filters");
    if (filters == nullptr) return;
    if (filters->is_object()) {
      for (const auto& [field, value] : filters->items()) {
        if (!value.is_string()) return Fail("filters." + Told(field), "is not a text");
        to.push_back({field, value.get<std::string>()});
      }
      return;
    }
    if (!filters->is_array()) return Fail("filters", "is not an object of texts");
    for (const Json& filter : *filters) {
      if (!filter.is_object()) return Fail("filters", "holds what is no object");
      Filter read;
      Members members(filter, absl::StrCat("filters[", to.size(), "]."));
      members.RequiredText("field", read.field);
      members.RequiredText("value", read.value);
      if (!members.status().ok()) {
        status_.Update(members.status());
        return;
      }
      to.push_back(std::move(read));
    }
  }

  // What a question may say besides its text.
  void Scope(gateway::Question& question) {
    OneOf("mode", kModes, question.mode);
    Whole("top_k", 1, 64, question.top_k);
    Text("collection", question.collection);
    Filters(question.filters);
    Flag("batch", question.batch);
    Whole("thinking_budget", 0, gateway::kMaxThinkingBudget, question.thinking_budget);
    Whole<std::uint64_t>("min_generation", 0, kMaxWhole, question.min_generation);
  }

  static constexpr std::uint64_t kMaxWhole = std::uint64_t{1} << 53;

 private:
  const Json& object_;
  const std::string prefix_;
  absl::Status status_;
};

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

// The last message of the user.
absl::Status ReadMessages(const Json& messages, std::string_view name, std::string* question) {
  static constexpr auto kRoles = std::to_array<std::string_view>(
      {"system", "developer", "user", "assistant", "tool", "function"});
  bool asked = false;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string at = absl::StrCat(std::string(name), "[", i, "]");
    if (!messages[i].is_object()) return absl::InvalidArgumentError(at + " is not an object");
    Members members(messages[i], at + ".");
    std::string role, text;
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
    if (role != "user") continue;
    *question = std::move(text);
    asked = true;
  }
  if (asked) return absl::OkStatus();
  return absl::InvalidArgumentError(std::string(name) + " holds no message of the user");
}

// Models that think are told how much in words.
void ReadEffort(Members& members, std::string_view name, Mode& mode) {
  static const std::map<std::string, Mode, std::less<>> kEfforts = {
      {"none", Mode::kQuick},  {"minimal", Mode::kQuick}, {"low", Mode::kDeep},
      {"medium", Mode::kDeep}, {"high", Mode::kDeep},     {"xhigh", Mode::kDeep}};
  Mode asked = mode;
  members.OneOf(name, kEfforts, asked);
  if (mode == Mode::kAuto) mode = asked;
}

void CheckSampling(Members& members) {
  constexpr auto kMax = static_cast<std::int64_t>(Members::kMaxWhole);
  std::int64_t ignored = 0;
  members.Number("temperature", 0, 2);
  members.Number("top_p", 0, 1);
  members.Number("presence_penalty", -2, 2);
  members.Number("frequency_penalty", -2, 2);
  members.Whole<std::int64_t>("seed", -kMax, kMax, ignored);
  for (const char* name : {"max_tokens", "max_completion_tokens", "max_output_tokens"}) {
    members.Whole<std::int64_t>(name, 1, kMax, ignored);
  }
  if (const Json* n = members.Get("n"); n != nullptr && *n != 1) members.Fail("n", "is not 1");
  if (const Json* stop = members.Get("stop"); stop != nullptr && !stop->is_string()) {
    bool texts = stop->is_array();
    for (std::size_t i = 0; texts && i < stop->size(); ++i) texts = (*stop)[i].is_string();
    if (!texts) members.Fail("stop", "is neither a text nor a list of texts");
  }
}

}  // namespace

absl::StatusOr<AskBody> ParseAsk(std::string_view text) {
  Json json;
  if (auto status = ParseObject(text, &json); !status.ok()) return status;
  AskBody ask;
  Members members(json);
  members.RequiredText("question", ask.question.text);
  members.Flag("stream", ask.stream);
  members.Scope(ask.question);
  if (!members.status().ok()) return members.status();
  return ask;
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
  members.Whole<std::uint64_t>("min_generation", 0, Members::kMaxWhole, query.min_generation);
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
  CheckSampling(members);
  const Json* messages = members.Get("messages");
  if (messages == nullptr || !messages->is_array()) members.Fail("messages", "is not a list");
  if (const Json* options = members.Get("stream_options"); options != nullptr) {
    if (!options->is_object()) {
      members.Fail("stream_options", "is not an object");
    } else {
      Members inner(*options, "stream_options.");
      inner.Flag("include_usage", chat.include_usage);
      if (!inner.status().ok()) return inner.status();
    }
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
  // Our own, for clients that can send more than OpenAI's.
  if (const Json* own = members.Get("citeseek"); own != nullptr) {
    if (!own->is_object()) {
      members.Fail("citeseek", "is not an object");
    } else {
      Members scope(*own, "citeseek.");
      scope.Scope(chat.question);
      if (!scope.status().ok()) return scope.status();
    }
  }
  if (!members.status().ok()) return members.status();
  if (auto s = ReadMessages(*messages, "messages", &chat.question.text); !s.ok()) return s;
  return chat;
}

}  // namespace citeseek::http
