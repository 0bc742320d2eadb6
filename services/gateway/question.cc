// What a question must be to be asked of any answerer.
#include <string>

#include "absl/strings/str_cat.h"
#include "inference/utf8.h"
#include "services/gateway/answerer.h"

namespace citeseek::gateway {
namespace {

constexpr int kMaxTopK = 64;

absl::Status CheckDrawing(const Drawing& drawing) {
  const auto check = [](const char* name, double value, double low, double high) {
    if (value >= low && value <= high) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(name, " ", value, " is not in [", low, ", ", high, "]"));
  };
  absl::Status status = check("temperature", drawing.temperature.value_or(0), 0, 2);
  status.Update(check("top_p", drawing.top_p.value_or(0), 0, 1));
  status.Update(check("presence_penalty", drawing.presence_penalty, -2, 2));
  status.Update(check("frequency_penalty", drawing.frequency_penalty, -2, 2));
  status.Update(check("max_tokens", drawing.max_tokens, 0, kMaxAnswerTokens));
  if (drawing.stop.size() > kMaxStops) {
    status.Update(absl::InvalidArgumentError(absl::StrCat(
        "stop of ", drawing.stop.size(), " texts is longer than the limit of ", kMaxStops)));
  }
  for (const std::string& stop : drawing.stop) {
    if (stop.empty() || stop.size() > kMaxStopBytes) {
      status.Update(absl::InvalidArgumentError(
          absl::StrCat("stop text of ", stop.size(), " bytes is not in [1, ", kMaxStopBytes, "]")));
    } else if (!inference::IsValidUtf8(stop)) {
      status.Update(absl::InvalidArgumentError("stop text is not UTF-8"));
    }
  }
  return status;
}

}  // namespace

absl::Status CheckQuestion(const Question& question) {
  if (question.text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return absl::InvalidArgumentError("question is empty");
  }
  if (question.text.size() > retrieval::kMaxQueryBytes) {
    return absl::InvalidArgumentError(absl::StrCat("question of ", question.text.size(),
                                                   " bytes is longer than the limit of ",
                                                   retrieval::kMaxQueryBytes));
  }
  const std::size_t valid = inference::ValidUtf8Prefix(question.text);
  if (valid != question.text.size()) {
    return absl::InvalidArgumentError(absl::StrCat("question is not UTF-8 at byte ", valid));
  }
  if (question.top_k < 1 || question.top_k > kMaxTopK) {
    return absl::InvalidArgumentError(
        absl::StrCat("top_k ", question.top_k, " is not in [1, ", kMaxTopK, "]"));
  }
  if (question.thinking_budget < 0 || question.thinking_budget > kMaxThinkingBudget) {
    return absl::InvalidArgumentError(absl::StrCat("thinking_budget ", question.thinking_budget,
                                                   " is not in [0, ", kMaxThinkingBudget, "]"));
  }
  if (question.request_id.size() > kMaxRequestIdBytes) {
    return absl::InvalidArgumentError(absl::StrCat("request_id of ", question.request_id.size(),
                                                   " bytes is longer than the limit of ",
                                                   kMaxRequestIdBytes));
  }
  if (question.session.size() > kMaxSessionBytes) {
    return absl::InvalidArgumentError(absl::StrCat("session of ", question.session.size(),
                                                   " bytes is longer than the limit of ",
                                                   kMaxSessionBytes));
  }
  if (!question.session.empty() && !(question.history.empty() && question.sources.empty())) {
    return absl::InvalidArgumentError("a session has its own history and sources: give none");
  }
  if (question.seed > kMaxSeed) {
    return absl::InvalidArgumentError(
        absl::StrCat("seed ", question.seed, " is not in [0, ", kMaxSeed, "]"));
  }
  if (absl::Status drawing = CheckDrawing(question.drawing); !drawing.ok()) return drawing;
  if (question.sources.size() > kMaxGivenSources) {
    return absl::InvalidArgumentError(absl::StrCat(
        question.sources.size(), " sources are more than the limit of ", kMaxGivenSources));
  }
  return absl::OkStatus();
}

}  // namespace citeseek::gateway
