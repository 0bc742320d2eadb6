#include "services/gateway/admission.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/gateway/cues.h"

namespace citeseek::gateway {
namespace {

// Milliseconds until calls have ended.
constexpr std::array<double, kRungs> kCosts = {50'000, 20'000, 10'000, 10, 5};
constexpr double kSpeed = 1000;        // of them a second
constexpr double kCheckedByte = 0.02;  // milliseconds: a search and a verdict for some 100 bytes
constexpr double kOfTimeLeft = 0.8;    // that a call may be expected to take
constexpr double kNewest = 0.1;        // weight of the newest call in what is learned

std::size_t Index(Rung rung) { return static_cast<std::size_t>(rung); }

std::string Seconds(absl::Duration wait) {
  return absl::StrCat(
      std::max<std::int64_t>(1, absl::ToInt64Seconds(absl::Ceil(wait, absl::Seconds(1)))), " s");
}

// "12 questions wait, about 40 s"
std::string Waiting(const LineStats& line, absl::Duration wait) {
  return absl::StrCat(line.waiting, line.waiting == 1 ? " question waits" : " questions wait",
                      " for the model, about ", Seconds(wait));
}

const char* Name(Rung rung) {
  switch (rung) {
    case Rung::kFull:
      return "with full thinking";
    case Rung::kShort:
      return "after a short thought";
    case Rung::kQuick:
      return "without thinking";
    case Rung::kExtract:
      return "in the documents' own sentences";
    case Rung::kResults:
      return "with the passages found";
  }
  return "";
}

}  // namespace

Admission::Admission(const AdmissionOptions& options)
    : options_(options),
      model_({.running = ModelCalls(),
              .waiting = options.waiting,
              .speed = kSpeed,
              .now = options.now}),
      reading_({.running = options.reading_calls,
                .waiting = options.waiting,
                .speed = kSpeed,
                .now = options.now}),
      costs_(kCosts) {
  if (options.measured != nullptr) {
    options.measured->Watch([this](int calls) { model_.SetRunning(calls); });
  }
}

int Admission::ModelCalls() const {
  return options_.measured != nullptr ? options_.measured->limit() : options_.model_calls;
}

double Admission::Cost(Rung rung) const {
  const std::scoped_lock lock(mutex_);
  return costs_[Index(rung)];
}

Rung Admission::RungFor(absl::Duration backlog, absl::Duration left, Rung wanted) const {
  Rung rung = backlog <= options_.patience / 4   ? Rung::kFull
              : backlog <= options_.patience / 2 ? Rung::kShort
                                                 : Rung::kQuick;
  rung = std::max(wanted, rung);
  while (rung < Rung::kQuick && !Untried() && model_.Takes(Cost(rung)) > kOfTimeLeft * left) {
    rung = static_cast<Rung>(Index(rung) + 1);
  }
  return rung;
}

bool Admission::TooLate(absl::Duration left, int others) const {
  // A model that nobody else asks is asked: who could tell that it has become faster?
  return others > 0 && !Untried() && model_.Takes(Cost(Rung::kQuick)) > kOfTimeLeft * left;
}

bool Admission::Untried() const {
  const std::scoped_lock lock(mutex_);
  return options_.measured != nullptr &&
         std::all_of(learned_.begin(), learned_.begin() + Index(Rung::kExtract),
                     [](int times) { return times == 0; });
}

void Admission::Learn(Rung rung, double cost) {
  const std::scoped_lock lock(mutex_);
  int& times = learned_[Index(rung)];
  const double old = costs_[Index(rung)];
  if (times == 0 && rung <= Rung::kQuick) {  // the others are as much more or less than foretold
    for (const Rung other : {Rung::kFull, Rung::kShort, Rung::kQuick}) {
      if (learned_[Index(other)] == 0) costs_[Index(other)] *= cost / old;
    }
  }
  costs_[Index(rung)] = old + std::max(kNewest, 1.0 / ++times) * (cost - old);
}

absl::StatusOr<Answer> Admission::Ask(const Question& asked, const EventSink& sink) {
  if (absl::Status valid = CheckQuestion(asked); !valid.ok()) return valid;
  Question question = asked;
  if (question.request_id.empty()) question.request_id = MakeRequestId();
  std::stop_source now;
  const std::stop_callback asked_now(asked.answer_now, [&] { now.request_stop(); });
  question.answer_now = now.get_token();
  std::multimap<std::string, std::stop_source>::iterator running;
  {
    const std::scoped_lock lock(mutex_);
    running = running_.emplace(question.request_id, now);
  }
  const bool for_model =
      options_.model && question.mode != Mode::kExtract && question.rung <= Rung::kQuick;
  if (for_model && question.mode == Mode::kQuick) question.rung = Rung::kQuick;
  Call call{question, sink, absl::Now()};
  absl::StatusOr<Answer> answer = for_model ? AskModel(call) : Read(call);
  if (answer.ok()) options_.observer(*answer);
  const std::scoped_lock lock(mutex_);
  running_.erase(running);
  return answer;
}

absl::Status Admission::AnswerNow(const std::string& request_id) {
  std::vector<std::stop_source> found;
  {
    const std::scoped_lock lock(mutex_);
    const auto [begin, end] = running_.equal_range(request_id);
    for (auto call = begin; call != end; ++call) found.push_back(call->second);
  }
  if (found.empty()) return Answerer::AnswerNow(request_id);
  for (std::stop_source& now : found) now.request_stop();
  return absl::OkStatus();
}

absl::StatusOr<CheckReport> Admission::Check(const CheckRequest& request) {
  const double cost =
      Cost(Rung::kExtract) + static_cast<double>(request.text.size()) * kCheckedByte;
  const auto turn = reading_.Enter(
      {.batch = true, .cost = cost, .deadline = request.deadline, .stop = request.stop},
      [](int, absl::Duration) { return true; });
  if (!turn.ok()) return turn.status();
  return options_.answerer->Check(request);
}

// Waits for a turn; deciding ends with the place that is told, or with the turn.
absl::StatusOr<Line::Turn> Admission::Enter(Line& line, double cost, Rung expected, Call& call) {
  Question& question = call.question;
  bool decided = false;
  const auto decide = [&] {
    if (!std::exchange(decided, true)) question.admitted += absl::Now() - call.since;
  };
  auto turn = line.Enter({.caller = question.caller,
                          .batch = question.batch,
                          .cost = cost,
                          .deadline = question.deadline,
                          .stop = question.stop},
                         [&](int place, absl::Duration eta) {
                           decide();
                           return call.sink(QueuedEvent{place, eta, expected, question.request_id});
                         });
  decide();
  call.since = absl::Now();
  return turn;
}

absl::StatusOr<Answer> Admission::AskModel(Call& call) {
  Question& question = call.question;
  const Rung wanted = question.rung;
  const auto left = [&] { return question.deadline - options_.now(); };
  const auto read_instead = [&] {
    question.rung = Rung::kExtract;
    question.lowered =
        absl::StrCat(Waiting(model_.Stats(), model_.Wait()), ": answered ", Name(Rung::kExtract));
    return Read(call);
  };
  // The wait if everybody were answered shortly.
  const double least = Cost(Rung::kQuick);
  const LineStats line = model_.Stats();
  const bool untried = Untried() && static_cast<int>(line.waiting) < ModelCalls();
  const absl::Duration wait = untried ? absl::ZeroDuration() : model_.Wait(least);
  if (!question.batch && (wait > options_.patience || TooLate(left() - wait, line.running))) {
    return read_instead();
  }
  const Rung expected = question.batch ? wanted : RungFor(model_.Backlog(), left() - wait, wanted);
  {
    auto turn = Enter(model_, Cost(expected), expected, call);
    if (!turn.ok() && !absl::IsResourceExhausted(turn.status())) return turn.status();
    if (turn.ok() && question.batch) return Run(call, true, *turn);
    if (turn.ok() && !TooLate(left(), model_.Stats().running - 1)) {
      const absl::Duration backlog = model_.Backlog();
      question.rung = RungFor(backlog, left(), wanted);
      turn->Expect(Cost(question.rung));
      if (question.rung != wanted) {
        question.lowered =
            absl::StrCat(Waiting(model_.Stats(), backlog), ": answered ", Name(question.rung));
        question.top_k = std::max(1, question.top_k / 2);
      }
      return Run(call, true, *turn);
    }
  }  // the model's place is free for the next
  return read_instead();
}

absl::StatusOr<Answer> Admission::Read(Call& call) {
  Question& question = call.question;
  const absl::Duration wait = reading_.Wait();
  if (!question.batch && wait > options_.reading_patience) {
    question.rung = Rung::kResults;
    question.lowered =
        absl::StrCat(reading_.Stats().waiting, " questions wait: answered ", Name(Rung::kResults));
  }
  auto turn = Enter(reading_, Cost(std::max(question.rung, Rung::kExtract)), question.rung, call);
  if (absl::IsResourceExhausted(turn.status())) return Overloaded(call);
  if (!turn.ok()) return turn.status();
  return Run(call, false, *turn);
}

absl::StatusOr<Answer> Admission::Run(Call& call, bool by_model, Line::Turn& turn) {
  Question& question = call.question;
  question.admitted += absl::Now() - call.since;
  const absl::Time start = options_.now();
  absl::StatusOr<Answer> answer = options_.answerer->Ask(question, call.sink);
  if (!answer.ok()) return answer;
  const Rung rung = answer->receipt.rung;
  // A call for the model that ended without it says nothing about how long that takes.
  if (by_model == (rung <= Rung::kQuick)) {
    const double cost = absl::ToDoubleMilliseconds(options_.now() - start);
    Learn(rung, cost);
    turn.Learn(cost);
  }
  const std::scoped_lock lock(mutex_);
  ++stats_.answered[Index(rung)];
  if (!question.lowered.empty()) ++stats_.lowered;
  return answer;
}

absl::StatusOr<Answer> Admission::Overloaded(Call& call) {
  const Question& question = call.question;
  const absl::Duration wait = std::max(reading_.Wait(), absl::Seconds(1));
  const std::size_t waiting = reading_.Stats().waiting;
  {
    const std::scoped_lock lock(mutex_);
    ++stats_.overloaded;
  }
  Answer answer;
  answer.reason = "overloaded";
  answer.receipt.request_id = question.request_id;
  answer.receipt.asked_mode = question.mode;
  answer.receipt.rung = Rung::kResults;
  answer.receipt.degraded = absl::StrCat(waiting, " questions wait, the limit");
  answer.receipt.stages.push_back({"admit", question.admitted + (absl::Now() - call.since)});
  answer.text =
      ReadCues(question.text).chinese
          ? absl::StrCat("前面有 ", waiting, " 个问题，约 ", Seconds(wait),
                         " 后轮到新的问题，请到时再问。")
          : absl::StrCat(waiting, " questions are in line before this one. Ask again in about ",
                         Seconds(wait), ".");
  const bool taken = call.sink(QueuedEvent{static_cast<int>(waiting) + 1, wait, Rung::kResults,
                                           question.request_id}) &&
                     call.sink(AnswerEvent{answer.text}) && call.sink(FinishedEvent{answer});
  if (!taken) return absl::CancelledError("the asker cancelled");
  return answer;
}

AdmissionStats Admission::Stats() const {
  AdmissionStats stats;
  {
    const std::scoped_lock lock(mutex_);
    stats = stats_;
  }
  stats.model_calls = ModelCalls();
  stats.model = model_.Stats();
  stats.reading = reading_.Stats();
  return stats;
}

}  // namespace citeseek::gateway
