#include "services/inference/chat_completion.h"

#include <cstdint>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "inference/utf8.h"

namespace citeseek::services {
namespace {

using inference::Piece;
using Json = nlohmann::json;

constexpr std::size_t kMaxMessageBytes = 400;

// Bytes that are not valid UTF-8 become U+FFFD, as a decoder would have it.
std::string ValidUtf8(std::string_view text) {
  std::string valid;
  while (true) {
    const std::size_t prefix = inference::ValidUtf8Prefix(text);
    valid += text.substr(0, prefix);
    if (prefix == text.size()) return valid;
    valid += "\xEF\xBF\xBD";
    text.remove_prefix(prefix + 1);
  }
}

// Some servers cut their text between tokens inside a code point. Read as Latin-1 such JSON parses,
// and its strings give the bytes back.
std::string FromLatin1(std::string_view bytes) {
  std::string text;
  for (char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x80) {
      text.push_back(c);
    } else {
      text.push_back(static_cast<char>(0xC0 | byte >> 6));
      text.push_back(static_cast<char>(0x80 | (byte & 0x3F)));
    }
  }
  return text;
}

std::string ToLatin1(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    if ((lead == 0xC2 || lead == 0xC3) && i + 1 < text.size()) {
      bytes.push_back(static_cast<char>((lead & 3) << 6 | (text[i + 1] & 0x3F)));
      ++i;
    } else {
      bytes.push_back(text[i]);  // \u escapes beyond Latin-1 stay as they are
    }
  }
  return bytes;
}

std::string StringAt(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t NumberAt(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

const Json& ObjectAt(const Json& object, const char* key) {
  static const Json kNone = Json::object();
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : kNone;
}

std::string_view RoleName(inference::Role role) {
  switch (role) {
    case inference::Role::kSystem:
      return "system";
    case inference::Role::kAssistant:
      return "assistant";
    case inference::Role::kUser:
      break;
  }
  return "user";
}

std::string Bounded(std::string_view text) {
  std::string message = ValidUtf8(text.substr(0, kMaxMessageBytes));
  for (char& c : message) {
    if (static_cast<std::uint8_t>(c) < 0x20) c = ' ';
  }
  return message;
}

// {"error": {"message": ...}}, {"error": "..."}, {"message": ...} or {"detail": ...}.
std::string ErrorIn(const Json& json) {
  if (!json.is_object()) return "";
  if (std::string message = StringAt(ObjectAt(json, "error"), "message"); !message.empty()) {
    return message;
  }
  for (const char* key : {"error", "message", "detail"}) {
    if (std::string message = StringAt(json, key); !message.empty()) return message;
  }
  return "";
}

}  // namespace

std::string MakeChatRequest(const inference::GenerateRequest& request, const std::string& model,
                            bool thinking_switch) {
  const inference::Sampling& sampling = request.sampling;
  Json body = {{"model", model},
               {"stream", true},
               {"stream_options", {{"include_usage", true}}},
               {"max_tokens", sampling.max_tokens}};
  Json& messages = body["messages"] = Json::array();
  for (const inference::Message& message : request.messages) {
    messages.push_back({{"role", RoleName(message.role)}, {"content", message.text}});
  }
  // What is left to the model is left to its server, which knows the model.
  if (sampling.temperature.has_value()) body["temperature"] = *sampling.temperature;
  if (sampling.top_p.has_value()) body["top_p"] = *sampling.top_p;
  // What OpenAI's own server does not know is sent only where it is asked for.
  if (const int top_k = sampling.top_k.value_or(0); top_k != 0) body["top_k"] = top_k;
  if (const double min_p = sampling.min_p.value_or(0); min_p != 0) body["min_p"] = min_p;
  if (const double penalty = sampling.repetition_penalty.value_or(1); penalty != 1) {
    body["repetition_penalty"] = penalty;
  }
  if (sampling.presence_penalty != 0) body["presence_penalty"] = sampling.presence_penalty;
  if (sampling.frequency_penalty != 0) body["frequency_penalty"] = sampling.frequency_penalty;
  if (sampling.seed != 0) body["seed"] = sampling.seed & 0x7FFFFFFF;
  if (!sampling.stop_strings.empty()) body["stop"] = sampling.stop_strings;
  if (thinking_switch) body["chat_template_kwargs"] = {{"enable_thinking", request.thinking}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string ErrorMessageOf(std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  const std::string message = json.is_discarded() ? "" : ErrorIn(json);
  return Bounded(message.empty() ? body : std::string_view(message));
}

absl::Status ChatReader::ReadEvent(std::string_view data, std::vector<Piece>* pieces) {
  if (data == "[DONE]") {
    finished_ = done_ = true;
    return absl::OkStatus();
  }
  return Read(data, "delta", pieces);
}

absl::Status ChatReader::ReadBody(std::string_view body, std::vector<Piece>* pieces) {
  absl::Status status = Read(body, "message", pieces);
  if (status.ok() && !finished_) {
    status =
        absl::UnavailableError(absl::StrCat("model server sent no completion: ", Bounded(body)));
  }
  done_ = true;
  return status;
}

absl::Status ChatReader::Read(std::string_view text, const char* message,
                              std::vector<Piece>* pieces) {
  const bool valid = inference::IsValidUtf8(text);
  const Json json =
      valid ? Json::parse(text, nullptr, false) : Json::parse(FromLatin1(text), nullptr, false);
  if (json.is_discarded() || !json.is_object()) {
    return absl::UnavailableError(
        absl::StrCat("model server sent malformed JSON: ", Bounded(text)));
  }
  if (const std::string error = ErrorIn(json); !error.empty() && !json.contains("choices")) {
    return absl::UnavailableError(absl::StrCat("model server reports: ", Bounded(error)));
  }
  if (const std::string model = StringAt(json, "model"); !model.empty()) {
    finish_.model = ValidUtf8(model);
  }
  if (const Json& usage = ObjectAt(json, "usage"); !usage.empty()) {
    finish_.prompt_tokens = NumberAt(usage, "prompt_tokens");
    finish_.completion_tokens = NumberAt(usage, "completion_tokens");
    finish_.cached_tokens = NumberAt(ObjectAt(usage, "prompt_tokens_details"), "cached_tokens");
  }
  const auto choices = json.find("choices");
  if (choices == json.end() || !choices->is_array() || choices->empty() ||
      !choices->front().is_object()) {
    return absl::OkStatus();
  }
  const Json& choice = choices->front();
  const Json& delta = ObjectAt(choice, message);
  const auto add = [&](Piece::Kind kind, const char* key) {
    std::string part = StringAt(delta, key);
    Add(kind, valid ? std::move(part) : ToLatin1(part), pieces);
  };
  // Some servers send a thought under both names.
  const bool named = !StringAt(delta, "reasoning_content").empty();
  add(Piece::Kind::kThought, named ? "reasoning_content" : "reasoning");
  add(Piece::Kind::kText, "content");
  if (const std::string reason = StringAt(choice, "finish_reason"); !reason.empty()) {
    finished_ = true;
    finish_.reason =
        reason == "length" ? inference::FinishReason::kLength : inference::FinishReason::kStop;
  }
  return absl::OkStatus();
}

void ChatReader::Add(Piece::Kind kind, std::string text, std::vector<Piece>* pieces) {
  std::string& cut = cut_[kind == Piece::Kind::kThought ? 1 : 0];
  text.insert(0, cut);
  cut.clear();
  const std::size_t valid = inference::ValidUtf8Prefix(text);
  // At most three bytes can be the start of a code point.
  if (text.size() - valid <= 3 && valid < text.size() &&
      static_cast<std::uint8_t>(text[valid]) >= 0xC2) {
    cut = text.substr(valid);
    text.resize(valid);
  }
  text = ValidUtf8(text);
  if (!text.empty()) pieces->push_back({.kind = kind, .text = std::move(text)});
}

}  // namespace citeseek::services
