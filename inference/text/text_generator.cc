#include "inference/text/text_generator.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/batch/thinking_budget.h"

namespace citeseek::inference {
namespace {

// Lets a call end by itself before its next token, from any thread.
class Ending final : public TokenConstraint {
 public:
  explicit Ending(TokenConstraint* inner) : inner_(inner) {}

  void Request() { requested_ = true; }
  AllowedTokens Next() override {
    if (requested_) return {.kind = AllowedTokens::Kind::kOnly, .tokens = {}};
    return inner_ == nullptr ? AllowedTokens{} : inner_->Next();
  }
  void Accept(std::int32_t token) override {
    if (inner_ != nullptr) inner_->Accept(token);
  }

 private:
  TokenConstraint* const inner_;
  std::atomic<bool> requested_ = false;
};

}  // namespace

TextGenerator::TextGenerator(TextGeneratorParts parts)
    : parts_(std::move(parts)), prompter_(*parts_.tokenizer, *parts_.chat_template) {}

absl::StatusOr<Finish> TextGenerator::Generate(const GenerateRequest& request,
                                               const PieceSink& sink) {
  if (absl::Status s = CheckStopStrings(request.sampling.stop_strings); !s.ok()) return s;
  auto prompt = prompter_.Make(request.messages, request.thinking);
  if (!prompt.ok()) return prompt.status();
  if (prompt->ids.size() >= static_cast<std::size_t>(parts_.max_context)) {
    return absl::InvalidArgumentError(absl::StrCat("the prompt has ", prompt->ids.size(),
                                                   " tokens and its answer at least 1, but the "
                                                   "context holds only ",
                                                   parts_.max_context));
  }
  TokenRequest tokens;
  tokens.prompt = std::move(prompt->ids);
  tokens.sampling = request.sampling;
  tokens.stop_ids = parts_.stop_ids;
  tokens.priority = request.priority;
  tokens.deadline = request.deadline;
  tokens.stop = request.stop;
  const ThinkTokens think = prompter_.think();
  ThinkingBudget budget({.begin = think.begin,
                         .end = think.end,
                         .close = prompter_.close_thought(),
                         .open = prompt->in_thought,
                         .budget_tokens = request.sampling.thinking_budget_tokens,
                         .answer_now = request.answer_now});
  const bool limited = think.known() && (request.sampling.thinking_budget_tokens > 0 ||
                                         request.answer_now.stop_possible());
  Ending ending(limited ? &budget : nullptr);
  // Only where there is something to hold: a call without a constraint is cheaper.
  if (limited || !request.sampling.stop_strings.empty()) tokens.constraint = &ending;
  Reply reply(*parts_.tokenizer, think, think.known() && prompt->in_thought,
              request.sampling.stop_strings);
  std::vector<Piece> pieces;
  // Without tokens of its own for thoughts, a model may begin inside one that only its text ends.
  bool first = think.known() || !prompt->in_thought;
  std::int64_t said = 0;
  const auto deliver = [&] {
    for (const Piece& piece : std::exchange(pieces, {})) {
      const bool says = std::exchange(first, false) && piece.kind == Piece::Kind::kText;
      if (says && !sink({.kind = Piece::Kind::kThought, .text = ""})) return false;
      if (!sink(piece)) return false;
    }
    return true;
  };
  const auto finish = parts_.engine->Generate(tokens, [&](const SampledToken& token) {
    if (reply.stopped()) return true;
    ++said;
    const auto& stops = parts_.stop_ids;
    if (std::find(stops.begin(), stops.end(), token.id) != stops.end()) return true;
    reply.Push(token.id, pieces);
    if (reply.stopped()) ending.Request();
    return deliver();
  });
  if (!finish.ok()) return finish.status();
  reply.Finish(pieces);
  if (!deliver()) return absl::CancelledError("the sink ended the call");
  Finish result = *finish;
  if (reply.stopped()) {
    result.reason = FinishReason::kStop;
    result.completion_tokens = said;
  }
  result.model = parts_.name;
  return result;
}

}  // namespace citeseek::inference
