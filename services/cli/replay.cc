#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "services/cli/commands.h"
#include "services/cli/json.h"
#include "services/cli/target.h"

namespace citeseek::services {
namespace {

using Json = nlohmann::json;

// The last object of a file of lines: the whole of it, or its member "receipt".
absl::StatusOr<Json> ReadReceipt(const std::string& path) {
  std::string text;
  if (path == "-") {
    text = ArgumentOrStdin(path);
  } else {
    std::ifstream file(path, std::ios::binary);
    if (!file) return absl::NotFoundError(absl::StrCat("receipt ", path, " cannot be read"));
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {  // several lines
    json = Json::parse(text.substr(text.rfind('\n') + 1), nullptr, false);
  }
  if (json.is_object() && json.contains("receipt")) json = json["receipt"];
  if (!json.is_object() || !json.contains("answer_hash")) {
    return absl::InvalidArgumentError(
        absl::StrCat("receipt ", path, " is not what `ask --json` ends with"));
  }
  return json;
}

gateway::Drawing DrawingOf(const Json& json) {
  gateway::Drawing drawing = {.presence_penalty = json.at("presence_penalty"),
                              .frequency_penalty = json.at("frequency_penalty"),
                              .max_tokens = json.at("max_tokens"),
                              .stop = json.at("stop")};
  if (json.contains("temperature")) drawing.temperature = json["temperature"].get<double>();
  if (json.contains("top_p")) drawing.top_p = json["top_p"].get<double>();
  return drawing;
}

absl::StatusOr<gateway::Question> QuestionOf(const Json& receipt) {
  gateway::Question question{.no_cache = true};
  try {
    const std::string rewritten = receipt.at("rewritten_question");
    question.text = rewritten.empty() ? receipt.at("question").get<std::string>() : rewritten;
    const std::string mode = receipt.at("mode");
    question.mode = mode == "extract" ? gateway::Mode::kExtract
                    : mode == "quick" ? gateway::Mode::kQuick
                                      : gateway::Mode::kDeep;
    if (receipt.at("rung") == "results") question.rung = gateway::Rung::kResults;
    question.top_k = receipt.at("top_k");
    question.collection = receipt.at("collection");
    question.seed = receipt.at("seed");
    if (receipt.contains("drawing")) question.drawing = DrawingOf(receipt.at("drawing"));
    question.thinking_budget = receipt.value("thinking_budget", 0);
    for (const Json& filter : receipt.at("filters")) {
      question.filters.push_back({filter.at("field"), filter.at("value")});
    }
    for (const Json& source : receipt.at("sources")) {
      question.sources.push_back({source.at("marker"),
                                  {source.at("document_id"), source.at("collection"),
                                   source.at("version"), source.at("start"), source.at("end")}});
    }
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("receipt is not whole: ", error.what()));
  }
  return question;
}

}  // namespace

int RunReplay(const GlobalOptions& global, const ReplayOptions& options) {
  const auto receipt = ReadReceipt(options.receipt);
  if (!receipt.ok()) return Fail(receipt.status());
  const auto question = QuestionOf(*receipt);
  if (!question.ok()) return Fail(question.status());
  Log log("warn");
  const auto app = OpenTarget(
      global, {ServiceRole::kInference, ServiceRole::kRetrieval, ServiceRole::kGateway}, &log);
  if (!app.ok()) return Fail(app.status());
  std::string last;
  const auto answer = (*app)->answerer()->Ask(*question, [&](const gateway::Event& event) {
    if (std::holds_alternative<gateway::FinishedEvent>(event)) last = EventJson(event);
    return true;
  });
  if (!answer.ok()) return Fail(answer.status());
  const Json finished = Json::parse(last, nullptr, false);
  const Json& now = finished["receipt"];
  Json differ = Json::array();
  for (const char* name : {"answer_hash", "generation", "recipe", "model", "model_hash", "mode",
                           "prompt_hash", "seed", "drawing", "sources"}) {
    if (!receipt->contains(name)) continue;  // of an older server
    if (receipt->value(name, Json()) != now.value(name, Json())) differ.push_back(name);
  }
  const bool same = receipt->value("answer_hash", "") == answer->receipt.answer_hash;
  if (global.json) {
    Json line = {{"same", same}, {"differ", differ}, {"answer", answer->text}, {"receipt", now}};
    std::cout << line.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    std::cout << (same ? "the same answer, byte for byte\n" : "another answer\n");
    for (const Json& name : differ) {
      const std::string key = name;
      if (key == "sources") {
        std::cout << "    sources: other passages were read\n";
        continue;
      }
      std::cout << "    " << key << ": " << receipt->value(key, Json()).dump() << ", now "
                << now.value(key, Json()).dump() << "\n";
    }
    if (!same) std::cout << "\n" << Printable(answer->text) << "\n";
  }
  return same ? kDone : kPartlyDone;
}

}  // namespace citeseek::services
