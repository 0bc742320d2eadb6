#include "services/gateway/asking.h"

#include <algorithm>
#include <string>
#include <utility>

namespace citeseek::gateway {

absl::Status Asking::Alive() const {
  if (cancelled || question.stop.stop_requested()) {
    return absl::CancelledError("the asker cancelled");
  }
  if (absl::Now() >= question.deadline) {
    return absl::DeadlineExceededError("the deadline of the question has passed");
  }
  return absl::OkStatus();
}

absl::Status Asking::Send(const Event& event) {
  if (absl::Status alive = Alive(); !alive.ok()) return alive;
  if (!sink(event)) cancelled = true;
  return cancelled ? Alive() : absl::OkStatus();
}

absl::Status Asking::Say(std::string_view text) {
  if (text.empty()) return absl::OkStatus();
  answer.text += text;
  return Send(AnswerEvent{std::string(text)});
}

absl::Status Asking::Cite(Citation citation) {
  answer.citations.push_back(citation);
  return Send(CitationEvent{std::move(citation)});
}

absl::Status Asking::Check(CheckedSentence sentence) {
  answer.sentences.push_back(sentence);
  return Send(CheckedEvent{std::move(sentence)});
}

void Asking::EndStage(const char* name, absl::Time since) {
  answer.receipt.stages.push_back({name, absl::Now() - since});
}

const Extract& Asking::Found(Evidence* evidence) {
  if (extract) return *extract;
  const absl::Time start = absl::Now();
  extract = ExtractAnswer(asked, cues, evidence);
  EndStage("extract", start);
  return *extract;
}

absl::Time Asking::ModelDeadline() const {
  if (question.deadline == absl::InfiniteFuture()) return question.deadline;
  const absl::Duration left = question.deadline - absl::Now();
  return question.deadline - std::clamp(left / 10, absl::Milliseconds(20), absl::Milliseconds(500));
}

inference::Priority Asking::ModelPriority() const {
  return question.batch ? inference::Priority::kBatch : inference::Priority::kInteractive;
}

}  // namespace citeseek::gateway
