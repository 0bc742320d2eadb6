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

// What the request says, else the model's own files.
Sampling Filled(Sampling sampling, const GenerationDefaults& defaults) {
  const auto fill = [](auto& value, const auto& own) {
    if (!value.has_value()) value = own;
  };
  fill(sampling.temperature, defaults.temperature);
  fill(sampling.top_p, defaults.top_p);
  fill(sampling.top_k, defaults.top_k);
  fill(sampling.min_p, defaults.min_p);
  fill(sampling.repetition_penalty, defaults.repetition_penalty);
  return sampling;
}

TokenBytes BytesOf(const Tokenizer& tokenizer) {
  std::vector<std::string> tokens;
  for (std::int32_t id = 0; id < tokenizer.VocabularySize(); ++id) {
    tokens.push_back(tokenizer.TokenBytes(id));
  }
  return TokenBytes(tokens);
}

}  // namespace

TextGenerator::TextGenerator(TextGeneratorParts parts)
    : parts_(std::move(parts)),
      prompter_(*parts_.tokenizer, *parts_.chat_template),
      bytes_(BytesOf(*parts_.tokenizer)) {}

absl::StatusOr<Finish> TextGenerator::Generate(const GenerateRequest& request,
                                               const PieceSink& sink) {
  if (absl::Status s = CheckStopStrings(request.sampling.stop_strings); !s.ok()) return s;
  if (request.sources < 0 || request.sources > kMaxSources) {
    return absl::InvalidArgumentError(
        absl::StrCat("sources ", request.sources, " is not in [0, ", kMaxSources, "]"));
  }
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
  tokens.sampling = Filled(request.sampling, parts_.defaults);
  tokens.stop_ids = parts_.stop_ids;
  tokens.priority = request.priority;
  tokens.deadline = request.deadline;
  tokens.stop = request.stop;
  const ThinkTokens think = prompter_.think();
  CitationMarkers citations(bytes_, request.sources);
  TokenConstraint* const markers = request.sources > 0 ? &citations : nullptr;
  ThinkingBudget budget({.begin = think.begin,
                         .end = think.end,
                         .close = prompter_.close_thought(),
                         .open = prompt->in_thought,
                         .budget_tokens = request.sampling.thinking_budget_tokens,
                         .answer_now = request.answer_now},
                        markers);
  // Thoughts may hold whatever they like; only tokens of their own tell them from the answer.
  const bool limited =
      think.known() && (markers != nullptr || request.sampling.thinking_budget_tokens > 0 ||
                        request.answer_now.stop_possible());
  Ending ending(limited ? &budget : markers);
  // Only where there is something to hold: a call without a constraint is cheaper.
  if (limited || markers != nullptr || !request.sampling.stop_strings.empty()) {
    tokens.constraint = &ending;
  }
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
  result.model_hash = parts_.hash;
  return result;
}

}  // namespace citeseek::inference
