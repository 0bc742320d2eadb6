#include "services/gateway/answerer.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "inference/utf8.h"
#include "services/gateway/asking.h"
#include "services/gateway/check.h"
#include "services/gateway/cues.h"
#include "services/gateway/digest.h"
#include "services/gateway/evidence.h"
#include "services/gateway/extract.h"
#include "services/gateway/extract_writer.h"
#include "services/gateway/follow_ups.h"
#include "services/gateway/guard.h"
#include "services/gateway/model_writer.h"
#include "services/gateway/parts.h"
#include "services/gateway/plan.h"
#include "services/gateway/proposal.h"
#include "services/gateway/reading.h"

namespace citeseek::gateway {
namespace {

// Evidence of less confidence is searched for again in deep mode; see answerable.h for the scale.
constexpr double kThinEvidence = 0.4;
constexpr absl::Duration kProposalTime = absl::Seconds(10);  // at most, and of the time left
constexpr double kProposalShare = 0.25;                      // this
constexpr absl::Duration kFollowUpTime = absl::Milliseconds(100);
constexpr std::size_t kMaxReasonBytes = 300;

std::string Brief(const absl::Status& status) {
  std::string message(status.message());
  if (message.size() > kMaxReasonBytes) {
    message.resize(kMaxReasonBytes);
    message.resize(inference::ValidUtf8Prefix(message));
  }
  return message;
}

// One call of Ask.
class Call {
 public:
  Call(Openings* openings, Asking asking) : openings_(openings), asking_(std::move(asking)) {}

  absl::StatusOr<Answer> Run() {
    if (absl::Status valid = CheckQuestion(asking_.question); !valid.ok()) return valid;
    const Question& question = asking_.question;
    Receipt& receipt = asking_.answer.receipt;
    asking_.cues = ReadCues(asking_.asked);
    receipt.rewritten_question = question.rewritten;
    receipt.question = question.text;
    receipt.top_k = question.top_k;
    receipt.collection = question.collection;
    receipt.filters = question.filters;
    receipt.recipe = kRecipe;
    receipt.request_id = question.request_id.empty() ? MakeRequestId() : question.request_id;
    receipt.asked_mode = question.mode;
    receipt.degraded = question.lowered;
    if (question.admitted > absl::ZeroDuration()) {
      receipt.stages.push_back({"admit", question.admitted});
    }
    const bool reads = asking_.options.generator == nullptr || question.mode == Mode::kExtract;
    const Rung rung = std::max(question.rung, reads                           ? Rung::kExtract
                                              : question.mode == Mode::kQuick ? Rung::kQuick
                                                                              : Rung::kFull);
    if (absl::Status status =
            asking_.Send(QueuedEvent{.rung = rung, .request_id = receipt.request_id});
        !status.ok())
      return status;
    const std::optional<Comparison> comparison = CompareByArithmetic(asking_.asked);
    absl::Status status = Retrieve(comparison.has_value(), comparison && comparison->rest.empty());
    if (!status.ok()) return status;
    if (comparison) {
      status = asking_.Say(comparison->answer + (comparison->rest.empty() ? "" : "\n\n"));
      if (!status.ok()) return status;
    }
    if (comparison && comparison->rest.empty()) {
      asking_.answer.reason = "answered";
    } else {
      if (comparison) {
        asking_.asked = comparison->rest;
        asking_.cues = ReadCues(asking_.asked);
      }
      status = AnswerFromHits();
      if (!status.ok()) return status;
    }
    receipt.answer_hash = Sha256Hex(asking_.answer.text);
    if (absl::Status suggested = SuggestFollowUps(); !suggested.ok()) return suggested;
    receipt.total = absl::Now() - begin_;
    if (absl::Status sent = asking_.Send(FinishedEvent{asking_.answer}); !sent.ok()) return sent;
    return std::move(asking_.answer);
  }

 private:
  absl::StatusOr<retrieval::Result> Search(const std::string& text) const {
    retrieval::Query query = ReadingQuery(asking_.question);
    query.text = text;
    return asking_.options.retriever->Search(query);
  }

  // `compared`: arithmetic has answered a part of the question; `optional`: all of it.
  absl::Status Retrieve(bool compared, bool optional) {
    const absl::Time start = absl::Now();
    absl::StatusOr<retrieval::Result> result =
        asking_.options.retriever->Search(ReadingQuery(asking_.question));
    if (absl::Status alive = asking_.Alive(); !alive.ok()) return alive;
    if (result.ok()) {
      asking_.result = *std::move(result);
      ChooseHits(asking_.question, &asking_.result.hits);
    } else if (!optional) {
      return result.status();
    }
    asking_.EndStage("retrieve", start);
    if (!optional && asking_.question.rung != Rung::kResults) {
      if (absl::Status planned = Plan(compared); !planned.ok()) return planned;
    }
    asking_.answer.receipt.generation = asking_.result.generation;
    if (absl::Status numbered = NumberHits(); !numbered.ok()) return numbered;
    return asking_.Send(SearchedEvent{.hits = asking_.result.hits,
                                      .generation = asking_.result.generation,
                                      .markers = asking_.numbers,
                                      .rewritten_question = asking_.question.rewritten});
  }

  absl::Status NumberHits() {
    asking_.numbers.resize(asking_.result.hits.size());
    std::iota(asking_.numbers.begin(), asking_.numbers.end(), 1);
    if (asking_.question.numbering) {
      absl::StatusOr<std::vector<int>> numbers = asking_.question.numbering(asking_.result.hits);
      if (!numbers.ok()) return numbers.status();
      asking_.numbers = *std::move(numbers);
    }
    for (std::size_t i = 0; i < asking_.numbers.size(); ++i) {
      const retrieval::Hit& hit = asking_.result.hits[i];
      asking_.answer.receipt.sources.push_back(
          {asking_.numbers[i], {hit.document_id, hit.collection, hit.version, hit.start, hit.end}});
    }
    return absl::OkStatus();
  }

  // After the whole answer; each is asked of the index before it is told.
  absl::Status SuggestFollowUps() {
    if (!asking_.question.follow_ups || asking_.answer.reason != "answered" ||
        !asking_.question.lowered.empty()) {
      return absl::OkStatus();
    }
    const absl::Time start = absl::Now();
    for (const FollowUp& candidate : FindFollowUps(asking_.asked, asking_.cues.chinese,
                                                   asking_.result.hits, asking_.answer.citations)) {
      if (asking_.answer.follow_ups.size() == kMaxFollowUps || absl::Now() - start > kFollowUpTime)
        break;
      if (absl::Status alive = asking_.Alive(); !alive.ok()) return alive;
      if (IsAnswered(candidate)) asking_.answer.follow_ups.push_back(candidate.question);
    }
    asking_.EndStage("follow_ups", start);
    if (asking_.answer.follow_ups.empty()) return absl::OkStatus();
    return asking_.Send(FollowUpsEvent{asking_.answer.follow_ups});
  }

  // True if an extract would begin with what the question was made of.
  bool IsAnswered(const FollowUp& candidate) const {
    Question question = asking_.question;
    question.text = candidate.question;
    question.rewritten.clear();
    question.carried.clear();
    auto result = asking_.options.retriever->Search(ReadingQuery(question));
    if (!result.ok()) return false;
    ChooseHits(question, &result->hits);
    Evidence evidence(result->hits, *asking_.options.analyzer);
    const Extract extract =
        ExtractAnswer(candidate.question, ReadCues(candidate.question), &evidence);
    if (extract.sentences.empty()) return false;
    const ExtractedSentence& best = extract.sentences.front();
    const retrieval::Hit& hit = result->hits[static_cast<std::size_t>(best.source)];
    const retrieval::Hit& from = asking_.result.hits[candidate.source];
    return hit.document_id == from.document_id && hit.collection == from.collection &&
           hit.start + best.range.start < candidate.end &&
           candidate.start < hit.start + best.range.end;
  }

  // With thinking, if it is not lowered too far.
  bool IsDeep() const {
    if (asking_.question.rung > Rung::kShort) return false;
    return asking_.question.mode == Mode::kDeep ||
           (asking_.question.mode == Mode::kAuto && asking_.options.generator != nullptr);
  }

  // A question of several parts is searched for each of them, a deep one again and again.
  absl::Status Plan(bool compared) {
    const std::vector<std::string> questions = PlanParts(AskedText(asking_.question));
    const bool alone = questions.size() < 2;
    if (alone && (compared || !IsDeep())) return absl::OkStatus();
    const absl::Time start = absl::Now();
    PartSearch how{.top_k = asking_.question.top_k,
                   .enough = IsDeep() ? kThinEvidence : 0,
                   .hurry = asking_.question.answer_now,
                   .analyzer = asking_.options.analyzer};
    how.search = [this](const std::string& text) -> absl::StatusOr<std::vector<retrieval::Hit>> {
      if (absl::Status alive = asking_.Alive(); !alive.ok()) return alive;
      absl::StatusOr<retrieval::Result> result = Search(text);
      if (!result.ok()) return result.status();
      return std::move(result->hits);
    };
    how.tell = [&](std::size_t part, PartEvent::State state) {
      return asking_.Send(PartEvent{.part = static_cast<int>(part) + 1,
                                    .parts = static_cast<int>(questions.size()),
                                    .question = questions[part],
                                    .state = state});
    };
    if (IsDeep() && asking_.question.rung == Rung::kFull && asking_.options.generator != nullptr) {
      how.propose = [this](const std::string& part, const std::vector<std::string>& tried) {
        return Propose(part, tried);
      };
    }
    absl::StatusOr<std::vector<Part>> parts = SearchParts(questions, how, &asking_.result.hits);
    if (absl::Status alive = asking_.Alive(); !alive.ok()) return alive;
    if (!parts.ok()) return parts.status();
    if (alone && parts->front().searches == 1) {
      asking_.extract = std::move(parts->front().extract);
      asking_.EndStage("extract", start);
      return absl::OkStatus();
    }
    asking_.parts = *std::move(parts);
    for (const Part& part : asking_.parts) {
      asking_.answer.receipt.parts.push_back(
          {part.question, part.searches, !part.extract.sentences.empty()});
    }
    asking_.EndStage("plan", start);
    return absl::OkStatus();
  }

  // Words of the model's; none if it fails, which is told when it is to answer.
  absl::StatusOr<std::string> Propose(const std::string& part,
                                      const std::vector<std::string>& tried) {
    const absl::Time start = absl::Now();
    std::stop_source stop;
    const std::stop_callback left(asking_.question.stop, [&] { stop.request_stop(); });
    const std::stop_callback hurried(asking_.question.answer_now, [&] { stop.request_stop(); });
    const absl::Duration most = kProposalShare * (asking_.ModelDeadline() - start);
    const auto proposal =
        ProposeSearch(asking_.options.generator, {.question = part,
                                                  .tried = tried,
                                                  .chinese = ReadCues(part).chinese,
                                                  .opening = openings_->quick,
                                                  .priority = asking_.ModelPriority(),
                                                  .deadline = start + std::min(kProposalTime, most),
                                                  .stop = stop.get_token()});
    asking_.EndStage("propose", start);
    if (absl::Status alive = asking_.Alive(); !alive.ok()) return alive;
    if (!proposal.ok()) return "";
    asking_.answer.receipt.prompt_tokens += proposal->finish.prompt_tokens;
    asking_.answer.receipt.completion_tokens += proposal->finish.completion_tokens;
    return proposal->text;
  }

  // Into the receipt: whether there is anything to answer from, whoever writes the answer.
  void TellFinding(Evidence* evidence) {
    Receipt& receipt = asking_.answer.receipt;
    receipt.finding = Finding::kNone;
    const auto take = [&](const Extract& extract) {
      receipt.confidence = std::max(receipt.confidence, extract.confidence);
      if (!extract.sentences.empty()) receipt.finding = Finding::kEvidence;
    };
    for (const Part& part : asking_.parts) take(part.extract);
    if (receipt.finding == Finding::kNone) take(asking_.Found(evidence));
  }

  absl::Status AnswerFromHits() {
    if (asking_.question.rung == Rung::kResults) return WriteResults(asking_);
    Evidence evidence(asking_.result.hits, *asking_.options.analyzer);
    TellFinding(&evidence);
    const bool automatic = asking_.question.mode == Mode::kAuto;
    Mode wanted = !automatic                  ? asking_.question.mode
                  : asking_.options.generator ? Mode::kDeep
                                              : Mode::kExtract;
    if (asking_.question.rung == Rung::kExtract) wanted = Mode::kExtract;
    const bool at_once =
        asking_.question.rung == Rung::kQuick || asking_.question.answer_now.stop_requested();
    if (at_once && wanted == Mode::kDeep) wanted = Mode::kQuick;
    if (wanted == Mode::kExtract) return WriteExtract(asking_, &evidence);
    if (asking_.options.generator == nullptr) {
      asking_.answer.receipt.degraded = "no model is loaded";
      return WriteExtract(asking_, &evidence);
    }
    if (asking_.result.hits.empty())
      return WriteExtract(asking_, &evidence);  // nothing for a model to read
    const std::size_t before = asking_.answer.text.size();
    absl::Status generated = WriteByModel(asking_, openings_, wanted, &evidence);
    if (asking_.enough) {  // thought: the thought is left as it is, and the answer asked for
                           // without one
      if (absl::Status alive = asking_.Alive(); !alive.ok()) return alive;
      generated = WriteByModel(asking_, openings_, Mode::kQuick, &evidence);
    }
    if (generated.ok()) return absl::OkStatus();
    if (absl::Status alive = asking_.Alive(); !alive.ok()) return alive;
    if (!(automatic && absl::IsFailedPrecondition(generated))) {
      asking_.answer.receipt.degraded = Brief(generated);
    }
    if (asking_.answer.text.size() > before) {
      const absl::Status said =
          asking_.Say(asking_.cues.chinese
                          ? "\n\n（模型中断，以下直接摘自文档。）\n"
                          : "\n\n(The model stopped here. Taken from the documents instead:)\n");
      if (!said.ok()) return said;
    }
    return WriteExtract(asking_, &evidence);
  }

  Openings* const openings_;
  Asking asking_;
  const absl::Time begin_ = absl::Now();
};

class LocalAnswerer final : public Answerer {
 public:
  explicit LocalAnswerer(AnswererOptions options) : options_(std::move(options)) {}

  absl::StatusOr<Answer> Ask(const Question& question, const EventSink& sink) override {
    return Call(&openings_, Asking(options_, question, sink)).Run();
  }

  absl::StatusOr<CheckReport> Check(const CheckRequest& request) override {
    return CheckText(request, options_.retriever, *options_.analyzer, options_.meaning);
  }

 private:
  const AnswererOptions options_;
  Openings openings_;
};

}  // namespace

std::string MakeRequestId() {
  // No generator a thread: thread-local bytes are taken from every thread's stack, and those that
  // serve the metrics page have little.
  std::random_device random;
  return absl::StrCat(absl::Hex(random(), absl::kZeroPad8), absl::Hex(random(), absl::kZeroPad8));
}

absl::Status Answerer::AnswerNow(const std::string& request_id) {
  return absl::NotFoundError(absl::StrCat("no question of request id ", request_id, " is running"));
}

namespace {

absl::Status NoConversations() {
  return absl::FailedPreconditionError("no conversations are kept here");
}

}  // namespace

absl::StatusOr<Conversation> Answerer::GetConversation(const ConversationRequest&) {
  return NoConversations();
}

absl::StatusOr<std::vector<Conversation>> Answerer::ListConversations(const ConversationRequest&) {
  return NoConversations();
}

absl::Status Answerer::DeleteConversation(const ConversationRequest&) { return NoConversations(); }

std::unique_ptr<Answerer> MakeAnswerer(const AnswererOptions& options) {
  AnswererOptions own = options;
  if (own.fence_secret.empty()) own.fence_secret = MakeRequestId() + MakeRequestId();
  return std::make_unique<LocalAnswerer>(std::move(own));
}

}  // namespace citeseek::gateway
