#include "services/gateway/model_writer.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/gateway/citations.h"
#include "services/gateway/extract_writer.h"
#include "services/gateway/markers.h"
#include "services/gateway/prompt.h"
#include "services/gateway/verify.h"

namespace citeseek::gateway {
namespace {

using inference::Piece;
using Opening = ThoughtSplitter::Opening;

constexpr int kQuickTokens = 512;
constexpr int kDeepTokens = 4096;
constexpr int kShortTokens = 1024;
constexpr int kShortThought = 256;
constexpr double kLeastTopP = 1e-6;  // model servers take no 0; this leaves one token as well
// Tokens of a thought are only estimated here: a model that keeps the budget itself comes first.
constexpr double kThoughtSlack = 1.5;
// Of a model's answer and thoughts together: from a server that keeps no max_tokens.
constexpr std::size_t kMaxModelBytes = 1 << 20;
constexpr std::size_t kMaxTokenBytes = 64;
constexpr char kOnlyThoughts[] = "the model spent all its tokens on thoughts";

// Of the asker's or made up, never 0: so that the receipt can tell it.
std::uint64_t Seed(Asking& asking) {
  std::uint64_t& seed = asking.answer.receipt.seed;
  if (seed == 0)
    seed = asking.question.seed != 0 ? asking.question.seed : std::random_device()() % kMaxSeed + 1;
  return seed;
}

// The asker's wishes, the mode's choices for what they do not say; as the receipt tells them.
inference::Sampling MakeSampling(Asking& asking, bool deep, bool brief, int budget) {
  Drawing& drawing = asking.answer.receipt.drawing = asking.question.drawing;
  if (!drawing.temperature) drawing.temperature = deep ? 0.6 : 0.3;
  const int usual = brief ? kShortTokens : deep ? kDeepTokens : kQuickTokens;
  // A rung is no more work for being asked for more.
  const bool lowered = !asking.question.lowered.empty();
  if (drawing.max_tokens == 0 || (lowered && drawing.max_tokens > usual)) {
    drawing.max_tokens = usual;
  }
  asking.answer.receipt.thinking_budget = budget;
  inference::Sampling sampling{.temperature = drawing.temperature,
                               // It would punish words of the passages.
                               .repetition_penalty = 1,
                               .presence_penalty = drawing.presence_penalty,
                               .frequency_penalty = drawing.frequency_penalty,
                               .seed = Seed(asking),
                               .max_tokens = drawing.max_tokens,
                               .thinking_budget_tokens = budget,
                               .stop_strings = drawing.stop};
  if (drawing.top_p) sampling.top_p = std::max(*drawing.top_p, kLeastTopP);
  return sampling;
}

// True for an answer in which the model says, as it was told to, that there is none.
bool Declines(const Answer& answer) {
  for (const char* phrase : {"documents do not say", "文档中没有", "资料中没有", "does not say",
                             "do not contain", "没有提到", "未提及", "do not mention"}) {
    if (answer.text.find(phrase) != std::string::npos) return true;
  }
  return false;
}

absl::Status Pass(Asking& asking, const std::vector<Piece>& pieces, bool last, MarkerFilter* filter,
                  SentenceCiter* citer) {
  std::vector<MarkedText> marked;
  for (const Piece& piece : pieces) {
    if (piece.kind == Piece::Kind::kText) {
      filter->Feed(piece.text, &marked);
      continue;
    }
    asking.answer.thought += piece.text;
    if (absl::Status sent = asking.Send(ThoughtEvent{piece.text}); !sent.ok()) return sent;
  }
  if (last) filter->Finish(&marked);
  std::vector<CitedText> cited;
  for (MarkedText& part : marked) {
    if (part.marker > 0) {  // the prompt numbers its sources from 1
      part.marker = asking.numbers[static_cast<std::size_t>(part.marker) - 1];
      part.text = absl::StrCat("[", part.marker, "]");
    }
    citer->Feed(part, &cited);
  }
  if (last) citer->Finish(&cited);
  for (CitedText& part : cited) {
    absl::Status sent;
    if (auto* text = std::get_if<std::string>(&part)) {
      sent = asking.Say(*text);
    } else if (auto* citation = std::get_if<Citation>(&part)) {
      sent = asking.Cite(std::move(*citation));
    } else {
      sent = asking.Check(std::get<CheckedSentence>(std::move(part)));
    }
    if (!sent.ok()) return sent;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteByModel(Asking& asking, Openings* openings, Mode mode, Evidence* evidence) {
  const bool deep = mode == Mode::kDeep;
  const bool brief = deep && asking.question.rung == Rung::kShort;
  int budget = deep ? asking.question.thinking_budget : 0;
  if (brief) budget = budget > 0 ? std::min(budget, kShortThought) : kShortThought;
  const bool closes = asking.options.generator->EndsThoughts();
  Prompt prompt = MakePrompt({.question = asking.question.text,
                              .rewritten = asking.question.rewritten,
                              .history = asking.question.history,
                              .hits = asking.result.hits,
                              .chinese = asking.cues.chinese,
                              .brief = !deep,
                              .now = asking.options.now(),
                              .fence_secret = asking.options.fence_secret});
  asking.answer.receipt.prompt_hash = prompt.hash;
  inference::GenerateRequest request{.messages = std::move(prompt.messages),
                                     .sampling = MakeSampling(asking, deep, brief, budget),
                                     .thinking = deep,
                                     .priority = asking.ModelPriority(),
                                     .sources = prompt.sources,
                                     .deadline = asking.ModelDeadline()};
  std::atomic<bool> answering = false;
  std::atomic<bool> enough = false;  // thought, and the generator does not end it itself
  std::stop_source stop;
  const std::stop_callback left(asking.question.stop, [&] { stop.request_stop(); });
  const std::stop_callback hurried(asking.question.answer_now, [&] {
    if (!deep || closes || answering) return;
    enough = true;
    stop.request_stop();
  });
  request.stop = stop.get_token();
  if (closes) request.answer_now = asking.question.answer_now;
  std::atomic<Opening>& opening = deep ? openings->deep : openings->quick;
  ThoughtSplitter splitter(opening);
  MarkerFilter filter(prompt.sources);
  Meaning meaning(asking.options.meaning, asking.question.deadline, asking.question.stop);
  Verifier verifier(evidence, asking.options.analyzer, &meaning);
  SentenceCiter citer(
      [&](const MarkedSentence& sentence) { return Judge(sentence, asking.numbers, &verifier); },
      asking.answer.text.size());
  const absl::Time start = absl::Now();
  const std::size_t before = asking.answer.text.size();
  bool first = true;
  const std::size_t limit = std::min(
      kMaxModelBytes, kMaxTokenBytes * static_cast<std::size_t>(request.sampling.max_tokens));
  std::size_t received = 0;
  bool endless = false;
  double thought = 0;  // tokens
  absl::Status sent;
  const auto sink = [&](const Piece& piece) {
    if (std::exchange(first, false)) asking.EndStage("first_token", start);
    received += piece.text.size();
    endless = received > limit;
    if (endless) return false;
    std::vector<Piece> pieces;
    splitter.Feed(piece, &pieces);
    for (const Piece& part : pieces) {
      if (part.kind == Piece::Kind::kThought) thought += EstimateTokens(part.text);
    }
    sent = Pass(asking, pieces, false, &filter, &citer);
    answering = asking.answer.text.size() > before;
    if (budget > 0 && !closes && !answering && thought > kThoughtSlack * budget) enough = true;
    return sent.ok() && !(enough && !answering);
  };
  const absl::StatusOr<inference::Finish> finish =
      asking.options.generator->Generate(request, sink);
  if (!sent.ok()) return sent;
  const auto leave_thought = [&] {
    asking.EndStage("thought", start);
    asking.enough = true;
    return absl::CancelledError("enough thought");
  };
  if (deep && endless && !answering) asking.answer.receipt.degraded = kOnlyThoughts;
  if ((enough || (deep && endless)) && !answering) return leave_thought();
  std::vector<Piece> pieces;
  const bool whole = finish.ok() && finish->reason == inference::FinishReason::kStop;
  splitter.Finish(whole, &pieces);
  sent = Pass(asking, pieces, true, &filter, &citer);
  asking.EndStage("generate", start);
  if (!sent.ok()) return sent;
  // A whole reply that never left its thought was perhaps none: the next one is held back again.
  if (splitter.learned() != Opening::kUnknown || (whole && opening == Opening::kThought)) {
    opening = splitter.learned();
  }
  if (endless) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the model's answer is longer than the limit of ", limit, " bytes"));
  }
  if (!finish.ok()) return finish.status();
  asking.answer.receipt.model = finish->model;
  asking.answer.receipt.prompt_tokens += finish->prompt_tokens;
  asking.answer.receipt.completion_tokens += finish->completion_tokens;
  asking.answer.receipt.steps = finish->steps;
  asking.answer.receipt.drafted_tokens = finish->drafted_tokens;
  asking.answer.receipt.accepted_tokens = finish->accepted_tokens;
  asking.answer.receipt.cached_tokens = finish->cached_tokens;
  asking.answer.receipt.model_hash = finish->model_hash;
  const bool cut = finish->reason == inference::FinishReason::kLength;
  if (asking.answer.text.find_first_not_of(" \r\n", before) == std::string::npos) {
    if (!cut) return absl::UnavailableError("the model gave no answer");
    asking.answer.receipt.degraded = kOnlyThoughts;
    if (deep) return leave_thought();
    return absl::UnavailableError(kOnlyThoughts);
  }
  asking.answer.receipt.mode = asking.enough ? Mode::kDeep : mode;
  asking.answer.receipt.rung = brief || asking.enough ? Rung::kShort
                               : deep                 ? Rung::kFull
                                                      : Rung::kQuick;
  asking.answer.reason = cut ? "length"
                         : asking.answer.citations.empty() && Declines(asking.answer)
                             ? "no_evidence"
                             : "answered";
  if (cut || Declines(asking.answer)) return absl::OkStatus();
  if (absl::Status said = SayDisagreements(asking, evidence); !said.ok()) return said;
  return SayMissingParts(asking);
}

}  // namespace citeseek::gateway
