// Admission: an Answerer that never says "server busy": turns more questions than can be answered
// at once into places in line and, as the line grows, into answers that cost less.
//
// Two lines: one for the model, one for what the processors answer without it. The control signal
// is the estimated queueing time (as in DAGOR, Zhou et al. 2018), not the number of calls. A
// question for the model waits there as long as the wait, were everybody answered shortly, is
// within `patience`; when its turn comes, the line behind it decides how much work it gets: the
// longer the line, the shorter the thought. Beyond that it goes to the second line and gets an
// extract, or, where that line is long too, the passages found. When even that line is full the
// answer is the place and the time to ask again. The rung is announced with place 0, and the
// receipt says why. Batch questions wait behind all others and keep their rung.
//
// Thread-safe. The errors are those of the answerer, and kCancelled or kDeadlineExceeded in line.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>

#include "services/gateway/answerer.h"
#include "services/gateway/line.h"
#include "services/gateway/measured_generator.h"

namespace citeseek::gateway {

struct AdmissionOptions {
  Answerer* answerer = nullptr;           // outlives this
  bool model = false;                     // whether it has one
  int model_calls = 8;                    // questions that the model answers at once
  MeasuredGenerator* measured = nullptr;  // finds out how many it answers; outlives this
  int reading_calls = 2;                  // and that are answered without it
  std::size_t waiting = 512;              // in each of the two lines
  absl::Duration patience = absl::Seconds(20);
  absl::Duration reading_patience = absl::Milliseconds(500);
  std::function<absl::Time()> now = [] { return absl::Now(); };
  std::function<void(const Answer&)> observer = [](const Answer&) {};  // on the asker's thread
};

inline constexpr std::size_t kRungs = 5;

struct AdmissionStats {
  LineStats model;
  LineStats reading;
  std::array<std::int64_t, kRungs> answered = {};  // by rung
  std::int64_t lowered = 0;                        // of these, with less work than asked for
  std::int64_t overloaded = 0;                     // told to ask again
  int model_calls = 0;                             // that may run now
};

class Admission final : public Answerer {
 public:
  explicit Admission(const AdmissionOptions& options);

  absl::StatusOr<Answer> Ask(const Question& question, const EventSink& sink) override;
  // Waits behind all questions; kResourceExhausted if the line is full.
  absl::StatusOr<CheckReport> Check(const CheckRequest& request) override;

  absl::Status AnswerNow(const std::string& request_id) override;

  AdmissionStats Stats() const;

 private:
  struct Call {
    Question& question;
    const EventSink& sink;
    absl::Time since;  // when deciding on it began, or went on
  };

  absl::StatusOr<Answer> AskModel(Call& call);
  absl::StatusOr<Answer> Read(Call& call);
  absl::StatusOr<Line::Turn> Enter(Line& line, double cost, Rung expected, Call& call);
  absl::StatusOr<Answer> Run(Call& call, bool by_model, Line::Turn& turn);
  absl::StatusOr<Answer> Overloaded(Call& call);

  double Cost(Rung rung) const;
  int ModelCalls() const;  // that may run now
  // A question has taken so long on that rung.
  void Learn(Rung rung, double cost);
  // For the least that the model does, when so many others ask it.
  bool TooLate(absl::Duration left, int others) const;
  // Whether nobody knows yet how many calls it takes, nor how long they are.
  bool Untried() const;
  // What is affordable with so long a line and so much time left; not more than wanted.
  Rung RungFor(absl::Duration backlog, absl::Duration left, Rung wanted) const;

  const AdmissionOptions options_;
  Line model_;
  Line reading_;
  mutable std::mutex mutex_;
  std::array<double, kRungs> costs_;      // milliseconds, learned by rung; guarded by mutex_
  std::array<int, kRungs> learned_ = {};  // how often; guarded by mutex_
  AdmissionStats stats_;                  // without the lines'; guarded by mutex_
  std::multimap<std::string, std::stop_source> running_;  // by request id; guarded by mutex_
};

}  // namespace citeseek::gateway
