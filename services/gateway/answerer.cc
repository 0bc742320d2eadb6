#include "services/gateway/answerer.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "inference/utf8.h"
#include "services/gateway/check.h"
#include "services/gateway/citations.h"
#include "services/gateway/cues.h"
#include "services/gateway/digest.h"
#include "services/gateway/disagreement.h"
#include "services/gateway/evidence.h"
#include "services/gateway/extract.h"
#include "services/gateway/follow_ups.h"
#include "services/gateway/guard.h"
#include "services/gateway/markers.h"
#include "services/gateway/parts.h"
#include "services/gateway/plan.h"
#include "services/gateway/prompt.h"
#include "services/gateway/proposal.h"
#include "services/gateway/reading.h"
#include "services/gateway/thinking.h"
#include "services/gateway/verify.h"

namespace citeseek::gateway {
namespace {

using inference::Piece;
using Opening = ThoughtSplitter::Opening;

constexpr int kMaxTopK = 64;
constexpr int kQuickTokens = 512;
constexpr int kDeepTokens = 4096;
constexpr int kShortTokens = 1024;
constexpr int kShortThought = 256;
constexpr double kLeastTopP = 1e-6;  // model servers take no 0; this leaves one token as well
// Evidence of less confidence is searched for again in deep mode; see answerable.h for the scale.
constexpr double kThinEvidence = 0.4;
constexpr absl::Duration kProposalTime = absl::Seconds(10);  // at most, and of the time left
constexpr double kProposalShare = 0.25;                      // this
// Tokens of a thought are only estimated here: a model that keeps the budget itself comes first.
constexpr double kThoughtSlack = 1.5;
constexpr absl::Duration kFollowUpTime = absl::Milliseconds(100);
constexpr std::size_t kResults = 5;
constexpr std::size_t kMaxResultBytes = 400;
// Of a model's answer and thoughts together; more than any max_tokens above can be.
constexpr std::size_t kMaxModelBytes = 1 << 20;
constexpr std::size_t kMaxReasonBytes = 300;

std::string Brief(const absl::Status& status) {
  std::string message(status.message());
  if (message.size() > kMaxReasonBytes) {
    message.resize(kMaxReasonBytes);
    message.resize(inference::ValidUtf8Prefix(message));
  }
  return message;
}

// A sentence that lacks its full stop, or is only part of one, gets one.
std::string Closed(std::string text, bool chinese) {
  for (std::string_view open : {"；", "，", "：", ";", ",", ":"}) {
    if (text.ends_with(open)) {
      text.resize(text.size() - open.size());
      break;
    }
  }
  if (text.empty()) return text;
  const auto last = static_cast<unsigned char>(text.back());
  const bool word = (last >= '0' && last <= '9') || (last >= 'a' && last <= 'z') ||
                    (last >= 'A' && last <= 'Z') || last == ')' || last == '%';
  if (word) {
    text += chinese ? "。" : ".";
  } else if (text.size() >= 3 && last >= 0x80) {
    const auto lead = static_cast<unsigned char>(text[text.size() - 3]);
    if (lead >= 0xE4 && lead <= 0xE9) text += "。";
  }
  return text;
}

// How the generator's texts start, learned from what it has sent. Each mode for itself: templates
// may open the thought only where thoughts are asked for.
struct Openings {
  std::atomic<Opening> quick{Opening::kUnknown};
  std::atomic<Opening> deep{Opening::kUnknown};
};

// One call of Ask.
class Asking {
 public:
  Asking(const AnswererOptions& options, Openings* openings, const Question& question,
         const EventSink& sink)
      : options_(options), openings_(openings), question_(question), sink_(sink) {}

  absl::StatusOr<Answer> Run() {
    if (absl::Status valid = CheckQuestion(question_); !valid.ok()) return valid;
    cues_ = ReadCues(asked_);
    answer_.receipt.rewritten_question = question_.rewritten;
    answer_.receipt.question = question_.text;
    answer_.receipt.top_k = question_.top_k;
    answer_.receipt.collection = question_.collection;
    answer_.receipt.filters = question_.filters;
    answer_.receipt.recipe = kRecipe;
    answer_.receipt.request_id =
        question_.request_id.empty() ? MakeRequestId() : question_.request_id;
    answer_.receipt.asked_mode = question_.mode;
    answer_.receipt.degraded = question_.lowered;
    if (question_.admitted > absl::ZeroDuration()) {
      answer_.receipt.stages.push_back({"admit", question_.admitted});
    }
    const bool reads = options_.generator == nullptr || question_.mode == Mode::kExtract;
    const Rung rung = std::max(question_.rung, reads                            ? Rung::kExtract
                                               : question_.mode == Mode::kQuick ? Rung::kQuick
                                                                                : Rung::kFull);
    if (absl::Status status =
            Send(QueuedEvent{.rung = rung, .request_id = answer_.receipt.request_id});
        !status.ok())
      return status;
    const std::optional<Comparison> comparison = CompareByArithmetic(asked_);
    absl::Status status = Retrieve(comparison.has_value(), comparison && comparison->rest.empty());
    if (!status.ok()) return status;
    if (comparison) {
      status = Say(comparison->answer + (comparison->rest.empty() ? "" : "\n\n"));
      if (!status.ok()) return status;
    }
    if (comparison && comparison->rest.empty()) {
      answer_.reason = "answered";
    } else {
      if (comparison) {
        asked_ = comparison->rest;
        cues_ = ReadCues(asked_);
      }
      status = AnswerFromHits();
      if (!status.ok()) return status;
    }
    answer_.receipt.answer_hash = Sha256Hex(answer_.text);
    if (absl::Status suggested = SuggestFollowUps(); !suggested.ok()) return suggested;
    answer_.receipt.total = absl::Now() - begin_;
    if (absl::Status sent = Send(FinishedEvent{answer_}); !sent.ok()) return sent;
    return std::move(answer_);
  }

 private:
  // kCancelled or kDeadlineExceeded where the asker no longer waits.
  absl::Status Alive() const {
    if (cancelled_ || question_.stop.stop_requested()) {
      return absl::CancelledError("the asker cancelled");
    }
    if (absl::Now() >= question_.deadline) {
      return absl::DeadlineExceededError("the deadline of the question has passed");
    }
    return absl::OkStatus();
  }

  absl::Status Send(const Event& event) {
    if (absl::Status alive = Alive(); !alive.ok()) return alive;
    if (!sink_(event)) cancelled_ = true;
    return cancelled_ ? Alive() : absl::OkStatus();
  }

  absl::Status Say(std::string_view text) {
    if (text.empty()) return absl::OkStatus();
    answer_.text += text;
    return Send(AnswerEvent{std::string(text)});
  }

  absl::Status Cite(Citation citation) {
    answer_.citations.push_back(citation);
    return Send(CitationEvent{std::move(citation)});
  }

  absl::Status Check(CheckedSentence sentence) {
    answer_.sentences.push_back(sentence);
    return Send(CheckedEvent{std::move(sentence)});
  }

  void EndStage(const char* name, absl::Time since) {
    answer_.receipt.stages.push_back({name, absl::Now() - since});
  }

  absl::StatusOr<retrieval::Result> Search(const std::string& text) const {
    retrieval::Query query = ReadingQuery(question_);
    query.text = text;
    return options_.retriever->Search(query);
  }

  // `compared`: arithmetic has answered a part of the question; `optional`: all of it.
  absl::Status Retrieve(bool compared, bool optional) {
    const absl::Time start = absl::Now();
    absl::StatusOr<retrieval::Result> result = options_.retriever->Search(ReadingQuery(question_));
    if (absl::Status alive = Alive(); !alive.ok()) return alive;
    if (result.ok()) {
      result_ = *std::move(result);
      ChooseHits(question_, &result_.hits);
    } else if (!optional) {
      return result.status();
    }
    EndStage("retrieve", start);
    if (!optional && question_.rung != Rung::kResults) {
      if (absl::Status planned = Plan(compared); !planned.ok()) return planned;
    }
    answer_.receipt.generation = result_.generation;
    if (absl::Status numbered = NumberHits(); !numbered.ok()) return numbered;
    return Send(SearchedEvent{.hits = result_.hits,
                              .generation = result_.generation,
                              .markers = numbers_,
                              .rewritten_question = question_.rewritten});
  }

  absl::Status NumberHits() {
    numbers_.resize(result_.hits.size());
    std::iota(numbers_.begin(), numbers_.end(), 1);
    if (question_.numbering) {
      absl::StatusOr<std::vector<int>> numbers = question_.numbering(result_.hits);
      if (!numbers.ok()) return numbers.status();
      numbers_ = *std::move(numbers);
    }
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
      const retrieval::Hit& hit = result_.hits[i];
      answer_.receipt.sources.push_back(
          {numbers_[i], {hit.document_id, hit.collection, hit.version, hit.start, hit.end}});
    }
    return absl::OkStatus();
  }

  // After the whole answer; each is asked of the index before it is told.
  absl::Status SuggestFollowUps() {
    if (!question_.follow_ups || answer_.reason != "answered" || !question_.lowered.empty()) {
      return absl::OkStatus();
    }
    const absl::Time start = absl::Now();
    for (const FollowUp& candidate :
         FindFollowUps(asked_, cues_.chinese, result_.hits, answer_.citations)) {
      if (answer_.follow_ups.size() == kMaxFollowUps || absl::Now() - start > kFollowUpTime) break;
      if (absl::Status alive = Alive(); !alive.ok()) return alive;
      if (IsAnswered(candidate)) answer_.follow_ups.push_back(candidate.question);
    }
    EndStage("follow_ups", start);
    if (answer_.follow_ups.empty()) return absl::OkStatus();
    return Send(FollowUpsEvent{answer_.follow_ups});
  }

  // True if an extract would begin with what the question was made of.
  bool IsAnswered(const FollowUp& candidate) const {
    Question question = question_;
    question.text = candidate.question;
    question.rewritten.clear();
    question.carried.clear();
    auto result = options_.retriever->Search(ReadingQuery(question));
    if (!result.ok()) return false;
    ChooseHits(question, &result->hits);
    Evidence evidence(result->hits, *options_.analyzer);
    const Extract extract =
        ExtractAnswer(candidate.question, ReadCues(candidate.question), &evidence);
    if (extract.sentences.empty()) return false;
    const ExtractedSentence& best = extract.sentences.front();
    const retrieval::Hit& hit = result->hits[static_cast<std::size_t>(best.source)];
    const retrieval::Hit& from = result_.hits[candidate.source];
    return hit.document_id == from.document_id && hit.collection == from.collection &&
           hit.start + best.range.start < candidate.end &&
           candidate.start < hit.start + best.range.end;
  }

  // With thinking, if it is not lowered too far.
  bool IsDeep() const {
    if (question_.rung > Rung::kShort) return false;
    return question_.mode == Mode::kDeep ||
           (question_.mode == Mode::kAuto && options_.generator != nullptr);
  }

  // A question of several parts is searched for each of them, a deep one again and again.
  absl::Status Plan(bool compared) {
    const std::vector<std::string> questions = PlanParts(AskedText(question_));
    const bool alone = questions.size() < 2;
    if (alone && (compared || !IsDeep())) return absl::OkStatus();
    const absl::Time start = absl::Now();
    PartSearch how{.top_k = question_.top_k,
                   .enough = IsDeep() ? kThinEvidence : 0,
                   .hurry = question_.answer_now,
                   .analyzer = options_.analyzer};
    how.search = [this](const std::string& text) -> absl::StatusOr<std::vector<retrieval::Hit>> {
      if (absl::Status alive = Alive(); !alive.ok()) return alive;
      absl::StatusOr<retrieval::Result> result = Search(text);
      if (!result.ok()) return result.status();
      return std::move(result->hits);
    };
    how.tell = [&](std::size_t part, PartEvent::State state) {
      return Send(PartEvent{.part = static_cast<int>(part) + 1,
                            .parts = static_cast<int>(questions.size()),
                            .question = questions[part],
                            .state = state});
    };
    if (IsDeep() && question_.rung == Rung::kFull && options_.generator != nullptr) {
      how.propose = [this](const std::string& part, const std::vector<std::string>& tried) {
        return Propose(part, tried);
      };
    }
    absl::StatusOr<std::vector<Part>> parts = SearchParts(questions, how, &result_.hits);
    if (absl::Status alive = Alive(); !alive.ok()) return alive;
    if (!parts.ok()) return parts.status();
    if (alone && parts->front().searches == 1) {
      extract_ = std::move(parts->front().extract);
      EndStage("extract", start);
      return absl::OkStatus();
    }
    parts_ = *std::move(parts);
    for (const Part& part : parts_) {
      answer_.receipt.parts.push_back(
          {part.question, part.searches, !part.extract.sentences.empty()});
    }
    EndStage("plan", start);
    return absl::OkStatus();
  }

  // Words of the model's; none if it fails, which is told when it is to answer.
  absl::StatusOr<std::string> Propose(const std::string& part,
                                      const std::vector<std::string>& tried) {
    const absl::Time start = absl::Now();
    std::stop_source stop;
    const std::stop_callback left(question_.stop, [&] { stop.request_stop(); });
    const std::stop_callback hurried(question_.answer_now, [&] { stop.request_stop(); });
    const absl::Duration most = kProposalShare * (ModelDeadline() - start);
    const auto proposal =
        ProposeSearch(options_.generator, {.question = part,
                                           .tried = tried,
                                           .chinese = ReadCues(part).chinese,
                                           .opening = openings_->quick,
                                           .priority = ModelPriority(),
                                           .deadline = start + std::min(kProposalTime, most),
                                           .stop = stop.get_token()});
    EndStage("propose", start);
    if (absl::Status alive = Alive(); !alive.ok()) return alive;
    if (!proposal.ok()) return "";
    answer_.receipt.prompt_tokens += proposal->finish.prompt_tokens;
    answer_.receipt.completion_tokens += proposal->finish.completion_tokens;
    return proposal->text;
  }

  // What the passages hold of an answer to the whole question.
  const Extract& Found(Evidence* evidence) {
    if (extract_) return *extract_;
    const absl::Time start = absl::Now();
    extract_ = ExtractAnswer(asked_, cues_, evidence);
    EndStage("extract", start);
    return *extract_;
  }

  // Into the receipt: whether there is anything to answer from, whoever writes the answer.
  void TellFinding(Evidence* evidence) {
    Receipt& receipt = answer_.receipt;
    receipt.finding = Finding::kNone;
    const auto take = [&](const Extract& extract) {
      receipt.confidence = std::max(receipt.confidence, extract.confidence);
      if (!extract.sentences.empty()) receipt.finding = Finding::kEvidence;
    };
    for (const Part& part : parts_) take(part.extract);
    if (receipt.finding == Finding::kNone) take(Found(evidence));
  }

  absl::Status AnswerFromHits() {
    if (question_.rung == Rung::kResults) return WriteResults();
    Evidence evidence(result_.hits, *options_.analyzer);
    TellFinding(&evidence);
    const bool automatic = question_.mode == Mode::kAuto;
    Mode wanted = !automatic ? question_.mode : options_.generator ? Mode::kDeep : Mode::kExtract;
    if (question_.rung == Rung::kExtract) wanted = Mode::kExtract;
    const bool at_once = question_.rung == Rung::kQuick || question_.answer_now.stop_requested();
    if (at_once && wanted == Mode::kDeep) wanted = Mode::kQuick;
    if (wanted == Mode::kExtract) return WriteExtract(&evidence);
    if (options_.generator == nullptr) {
      answer_.receipt.degraded = "no model is loaded";
      return WriteExtract(&evidence);
    }
    if (result_.hits.empty()) return WriteExtract(&evidence);  // nothing for a model to read
    const std::size_t before = answer_.text.size();
    absl::Status generated = Generate(wanted, &evidence);
    if (enough_) {  // thought: the thought is left as it is, and the answer asked for without one
      if (absl::Status alive = Alive(); !alive.ok()) return alive;
      generated = Generate(Mode::kQuick, &evidence);
    }
    if (generated.ok()) return absl::OkStatus();
    if (absl::Status alive = Alive(); !alive.ok()) return alive;
    if (!(automatic && absl::IsFailedPrecondition(generated))) {
      answer_.receipt.degraded = Brief(generated);
    }
    if (answer_.text.size() > before) {
      const absl::Status said =
          Say(cues_.chinese ? "\n\n（模型中断，以下直接摘自文档。）\n"
                            : "\n\n(The model stopped here. Taken from the documents instead:)\n");
      if (!said.ok()) return said;
    }
    return WriteExtract(&evidence);
  }

  // The first words of the best passages, as they stand there.
  absl::Status WriteResults() {
    answer_.receipt.mode = Mode::kExtract;
    answer_.receipt.rung = Rung::kResults;
    answer_.reason = result_.hits.empty() ? "no_evidence" : "results";
    absl::Status status =
        Say(result_.hits.empty()
                ? (cues_.chinese ? "文档中没有找到与这个问题有关的内容。"
                                 : "Nothing in the documents has to do with this question.")
                : (cues_.chinese ? "找到的段落：" : "The passages found:"));
    for (std::size_t i = 0; status.ok() && i < std::min(kResults, result_.hits.size()); ++i) {
      const retrieval::Hit& hit = result_.hits[i];
      std::string_view text(hit.text);
      if (text.size() > kMaxResultBytes) {
        text = text.substr(0, kMaxResultBytes);
        text = text.substr(0, inference::ValidUtf8Prefix(text));
      }
      const std::size_t first = text.find_first_not_of(" \t\r\n");
      if (first == std::string_view::npos) continue;
      const std::size_t last = text.find_last_not_of(" \t\r\n") + 1;
      const int marker = numbers_[i];
      Citation citation = MakeCitation(
          hit, marker, {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last)});
      citation.verdict = Verdict::kSupported;
      citation.score = 1;
      citation.answer_start = static_cast<std::uint32_t>(answer_.text.size() + 1);
      const std::string words(text.substr(first, last - first));
      citation.answer_end = citation.answer_start + static_cast<std::uint32_t>(words.size());
      status = Say(absl::StrCat("\n", words, " [", marker, "]"));
      if (status.ok()) status = Cite(std::move(citation));
    }
    return status;
  }

  absl::Status WriteExtract(Evidence* evidence) {
    answer_.receipt.mode = Mode::kExtract;
    answer_.receipt.rung = Rung::kExtract;
    const bool parted = std::any_of(parts_.begin(), parts_.end(),
                                    [](const Part& p) { return !p.extract.sentences.empty(); });
    if (parted) return WriteParts(evidence);
    const Extract& extract = Found(evidence);
    if (extract.sentences.empty()) {
      answer_.reason = "no_evidence";
      if (extract.nearest.empty()) {
        return Say(cues_.chinese
                       ? "文档中没有找到这个问题的答案。"
                       : "The documents do not say: nothing in them answers this question.");
      }
      const absl::Status said =
          Say(cues_.chinese ? "文档中没有找到这个问题的确切答案。最接近的内容："
                            : "The documents do not say exactly this. Nearest to it: ");
      return said.ok() ? WriteSentences(extract.nearest, evidence) : said;
    }
    answer_.reason = "answered";
    return WriteFound(extract, evidence);
  }

  absl::Status WriteFound(const Extract& extract, Evidence* evidence) {
    if (Disagrees(extract)) {
      const absl::Status said = Say(TellDisagreement(extract, result_.hits, cues_.chinese) +
                                    (cues_.chinese ? "：" : ": "));
      if (!said.ok()) return said;
    }
    return WriteSentences(extract.sentences, evidence);
  }

  // Behind a model's answer, which may have told one side alone, or nothing of the dates.
  absl::Status SayDisagreements(Evidence* evidence) {
    std::vector<const Extract*> found;
    for (const Part& part : parts_) found.push_back(&part.extract);
    if (found.empty()) found.push_back(&Found(evidence));
    const std::string told = answer_.text;
    for (const Extract* extract : found) {
      if (!Disagrees(*extract)) continue;
      const bool known = StatesAllSides(*extract, told);
      const bool dated = std::any_of(
          extract->sentences.begin(), extract->sentences.end(), [&](const ExtractedSentence& s) {
            return !DateOf(result_.hits[static_cast<std::size_t>(s.source)]).empty();
          });
      if (known && !dated) continue;
      absl::Status said = Say("\n");
      if (said.ok() && known) {
        said = Say(TellDisagreement(*extract, result_.hits, cues_.chinese) +
                   (cues_.chinese ? "。" : "."));
      } else if (said.ok()) {
        said = WriteFound(*extract, evidence);
      }
      if (!said.ok()) return said;
    }
    return absl::OkStatus();
  }

  // Each part of the question by its own sentences, or by the word that there are none.
  absl::Status WriteParts(Evidence* evidence) {
    answer_.reason = "answered";
    std::vector<ExtractedSentence> written;
    for (const Part& part : parts_) {
      std::vector<ExtractedSentence> fresh;
      for (const ExtractedSentence& sentence : part.extract.sentences) {
        const bool again = std::any_of(written.begin(), written.end(), [&](const auto& other) {
          return other.source == sentence.source && other.range.start == sentence.range.start;
        });
        if (!again) fresh.push_back(sentence);
      }
      written.insert(written.end(), fresh.begin(), fresh.end());
      absl::Status status = fresh.empty() || answer_.text.empty() ? absl::OkStatus() : Say("\n");
      const bool whole = fresh.size() == part.extract.sentences.size();
      if (status.ok()) {
        status = whole ? WriteFound(part.extract, evidence) : WriteSentences(fresh, evidence);
      }
      if (!status.ok()) return status;
    }
    return SayMissingParts();
  }

  // Which parts of the question the passages do not answer, where they answer others.
  absl::Status SayMissingParts() {
    std::vector<std::string> missing;
    for (const Part& part : parts_) {
      if (part.extract.sentences.empty()) missing.push_back(part.question);
    }
    if (missing.empty() || missing.size() == parts_.size()) return absl::OkStatus();
    return Say(cues_.chinese
                   ? absl::StrCat("\n文档中没有找到这部分的答案：", absl::StrJoin(missing, " "))
                   : absl::StrCat("\nThe documents do not say: ", absl::StrJoin(missing, " ")));
  }

  absl::Status WriteSentences(const std::vector<ExtractedSentence>& sentences, Evidence* evidence) {
    Verifier verifier(evidence, options_.analyzer);
    bool first = true;
    for (const ExtractedSentence& sentence : sentences) {
      const auto source = static_cast<std::size_t>(sentence.source);
      const int marker = numbers_[source];
      Citation citation = MakeCitation(result_.hits[source], marker, sentence.range);
      const std::string text = Closed(sentence.text, cues_.chinese);
      // What is quoted word for word needs no reading; a table's row is put into other words.
      const bool verbatim = text.find(citation.quote) != std::string::npos;
      const Support support = verbatim ? Support{.verdict = Verdict::kSupported, .score = 1}
                                       : verifier.Check(text, sentence.source);
      citation.verdict = support.verdict;
      citation.score = support.score;
      const std::string gap = first || cues_.chinese ? "" : " ";
      const std::string cited = absl::StrCat(text, cues_.chinese ? "" : " ", "[", marker, "]");
      citation.answer_start = static_cast<std::uint32_t>(answer_.text.size() + gap.size());
      citation.answer_end = citation.answer_start + static_cast<std::uint32_t>(cited.size());
      const CheckedSentence checked{.start = citation.answer_start,
                                    .end = citation.answer_end,
                                    .verdict = support.verdict,
                                    .score = support.score};
      absl::Status status = Say(gap + cited);
      if (status.ok()) status = Cite(std::move(citation));
      if (status.ok()) status = Check(checked);
      if (!status.ok()) return status;
      first = false;
    }
    return absl::OkStatus();
  }

  // Keeps a reserve so that a slow model leaves time for the extract.
  absl::Time ModelDeadline() const {
    if (question_.deadline == absl::InfiniteFuture()) return question_.deadline;
    const absl::Duration left = question_.deadline - absl::Now();
    return question_.deadline -
           std::clamp(left / 10, absl::Milliseconds(20), absl::Milliseconds(500));
  }

  inference::Priority ModelPriority() const {
    return question_.batch ? inference::Priority::kBatch : inference::Priority::kInteractive;
  }

  // Of the asker's or made up, never 0: so that the receipt can tell it.
  std::uint64_t Seed() {
    std::uint64_t& seed = answer_.receipt.seed;
    if (seed == 0)
      seed = question_.seed != 0 ? question_.seed : std::random_device()() % kMaxSeed + 1;
    return seed;
  }

  // The asker's wishes, the mode's choices for what they do not say; as the receipt tells them.
  inference::Sampling MakeSampling(bool deep, bool brief, int budget) {
    Drawing& drawing = answer_.receipt.drawing = question_.drawing;
    if (!drawing.temperature) drawing.temperature = deep ? 0.6 : 0.3;
    const int usual = brief ? kShortTokens : deep ? kDeepTokens : kQuickTokens;
    // A rung is no more work for being asked for more.
    const bool lowered = !question_.lowered.empty();
    if (drawing.max_tokens == 0 || (lowered && drawing.max_tokens > usual)) {
      drawing.max_tokens = usual;
    }
    answer_.receipt.thinking_budget = budget;
    inference::Sampling sampling{.temperature = drawing.temperature,
                                 // It would punish words of the passages.
                                 .repetition_penalty = 1,
                                 .presence_penalty = drawing.presence_penalty,
                                 .frequency_penalty = drawing.frequency_penalty,
                                 .seed = Seed(),
                                 .max_tokens = drawing.max_tokens,
                                 .thinking_budget_tokens = budget,
                                 .stop_strings = drawing.stop};
    if (drawing.top_p) sampling.top_p = std::max(*drawing.top_p, kLeastTopP);
    return sampling;
  }

  absl::Status Generate(Mode mode, Evidence* evidence) {
    const bool deep = mode == Mode::kDeep;
    const bool brief = deep && question_.rung == Rung::kShort;
    int budget = deep ? question_.thinking_budget : 0;
    if (brief) budget = budget > 0 ? std::min(budget, kShortThought) : kShortThought;
    const bool closes = options_.generator->EndsThoughts();
    Prompt prompt = MakePrompt({.question = question_.text,
                                .rewritten = question_.rewritten,
                                .history = question_.history,
                                .hits = result_.hits,
                                .chinese = cues_.chinese,
                                .brief = !deep,
                                .now = options_.now(),
                                .fence_secret = options_.fence_secret});
    answer_.receipt.prompt_hash = prompt.hash;
    inference::GenerateRequest request{.messages = std::move(prompt.messages),
                                       .sampling = MakeSampling(deep, brief, budget),
                                       .thinking = deep,
                                       .priority = ModelPriority(),
                                       .sources = prompt.sources,
                                       .deadline = ModelDeadline()};
    std::atomic<bool> answering = false;
    std::atomic<bool> enough = false;  // thought, and the generator does not end it itself
    std::stop_source stop;
    const std::stop_callback left(question_.stop, [&] { stop.request_stop(); });
    const std::stop_callback hurried(question_.answer_now, [&] {
      if (!deep || closes || answering) return;
      enough = true;
      stop.request_stop();
    });
    request.stop = stop.get_token();
    if (closes) request.answer_now = question_.answer_now;
    std::atomic<Opening>& opening = deep ? openings_->deep : openings_->quick;
    ThoughtSplitter splitter(opening);
    MarkerFilter filter(prompt.sources);
    Meaning meaning(options_.meaning, question_.deadline, question_.stop);
    Verifier verifier(evidence, options_.analyzer, &meaning);
    SentenceCiter citer(
        [&](const MarkedSentence& sentence) { return Judge(sentence, numbers_, &verifier); },
        answer_.text.size());
    const absl::Time start = absl::Now();
    const std::size_t before = answer_.text.size();
    bool first = true;
    std::size_t received = 0;
    double thought = 0;  // tokens
    absl::Status sent;
    const auto sink = [&](const Piece& piece) {
      if (std::exchange(first, false)) EndStage("first_token", start);
      received += piece.text.size();
      if (received > kMaxModelBytes) {
        sent = absl::ResourceExhaustedError(
            absl::StrCat("the model's answer is longer than the limit of ", kMaxModelBytes));
        return false;
      }
      std::vector<Piece> pieces;
      splitter.Feed(piece, &pieces);
      for (const Piece& part : pieces) {
        if (part.kind == Piece::Kind::kThought) thought += EstimateTokens(part.text);
      }
      sent = Pass(pieces, false, &filter, &citer);
      answering = answer_.text.size() > before;
      if (budget > 0 && !closes && !answering && thought > kThoughtSlack * budget) enough = true;
      return sent.ok() && !(enough && !answering);
    };
    const absl::StatusOr<inference::Finish> finish = options_.generator->Generate(request, sink);
    if (!sent.ok()) return sent;
    if (enough && !answering) {
      EndStage("thought", start);
      enough_ = true;
      return absl::CancelledError("enough thought");
    }
    std::vector<Piece> pieces;
    const bool whole = finish.ok() && finish->reason == inference::FinishReason::kStop;
    splitter.Finish(whole, &pieces);
    sent = Pass(pieces, true, &filter, &citer);
    EndStage("generate", start);
    if (!sent.ok()) return sent;
    // A whole reply that never left its thought was perhaps none: the next one is held back again.
    if (splitter.learned() != Opening::kUnknown || (whole && opening == Opening::kThought)) {
      opening = splitter.learned();
    }
    if (!finish.ok()) return finish.status();
    answer_.receipt.model = finish->model;
    answer_.receipt.prompt_tokens += finish->prompt_tokens;
    answer_.receipt.completion_tokens += finish->completion_tokens;
    answer_.receipt.steps = finish->steps;
    answer_.receipt.drafted_tokens = finish->drafted_tokens;
    answer_.receipt.accepted_tokens = finish->accepted_tokens;
    answer_.receipt.cached_tokens = finish->cached_tokens;
    answer_.receipt.model_hash = finish->model_hash;
    const bool cut = finish->reason == inference::FinishReason::kLength;
    if (answer_.text.find_first_not_of(" \r\n", before) == std::string::npos) {
      return absl::UnavailableError(cut ? "the model spent all its tokens on thoughts"
                                        : "the model gave no answer");
    }
    answer_.receipt.mode = enough_ ? Mode::kDeep : mode;
    answer_.receipt.rung = brief || enough_ ? Rung::kShort : deep ? Rung::kFull : Rung::kQuick;
    answer_.reason = cut                                       ? "length"
                     : answer_.citations.empty() && Declines() ? "no_evidence"
                                                               : "answered";
    if (cut || Declines()) return absl::OkStatus();
    if (absl::Status said = SayDisagreements(evidence); !said.ok()) return said;
    return SayMissingParts();
  }

  // True for an answer in which the model says, as it was told to, that there is none.
  bool Declines() const {
    for (const char* phrase : {"documents do not say", "文档中没有", "资料中没有", "does not say",
                               "do not contain", "没有提到", "未提及", "do not mention"}) {
      if (answer_.text.find(phrase) != std::string::npos) return true;
    }
    return false;
  }

  absl::Status Pass(const std::vector<Piece>& pieces, bool last, MarkerFilter* filter,
                    SentenceCiter* citer) {
    std::vector<MarkedText> marked;
    for (const Piece& piece : pieces) {
      if (piece.kind == Piece::Kind::kText) {
        filter->Feed(piece.text, &marked);
        continue;
      }
      answer_.thought += piece.text;
      if (absl::Status sent = Send(ThoughtEvent{piece.text}); !sent.ok()) return sent;
    }
    if (last) filter->Finish(&marked);
    std::vector<CitedText> cited;
    for (MarkedText& part : marked) {
      if (part.marker > 0) {  // the prompt numbers its sources from 1
        part.marker = numbers_[static_cast<std::size_t>(part.marker) - 1];
        part.text = absl::StrCat("[", part.marker, "]");
      }
      citer->Feed(part, &cited);
    }
    if (last) citer->Finish(&cited);
    for (CitedText& part : cited) {
      absl::Status sent;
      if (auto* text = std::get_if<std::string>(&part)) {
        sent = Say(*text);
      } else if (auto* citation = std::get_if<Citation>(&part)) {
        sent = Cite(std::move(*citation));
      } else {
        sent = Check(std::get<CheckedSentence>(std::move(part)));
      }
      if (!sent.ok()) return sent;
    }
    return absl::OkStatus();
  }

  const AnswererOptions& options_;
  Openings* openings_;
  const Question& question_;
  const EventSink& sink_;
  // As it stands alone, without what arithmetic has answered.
  std::string_view asked_ = AskedText(question_);
  const absl::Time begin_ = absl::Now();
  QuestionCues cues_;
  retrieval::Result result_;
  std::vector<Part> parts_;         // of a question that asks several things
  std::optional<Extract> extract_;  // of the whole question, once it is looked for
  std::vector<int> numbers_;        // the markers of its hits
  Answer answer_;
  bool cancelled_ = false;
  bool enough_ = false;  // a thought was left before its end
};

class LocalAnswerer final : public Answerer {
 public:
  explicit LocalAnswerer(AnswererOptions options) : options_(std::move(options)) {}

  absl::StatusOr<Answer> Ask(const Question& question, const EventSink& sink) override {
    return Asking(options_, &openings_, question, sink).Run();
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

namespace {

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

std::unique_ptr<Answerer> MakeAnswerer(const AnswererOptions& options) {
  AnswererOptions own = options;
  if (own.fence_secret.empty()) own.fence_secret = MakeRequestId() + MakeRequestId();
  return std::make_unique<LocalAnswerer>(std::move(own));
}

}  // namespace citeseek::gateway
