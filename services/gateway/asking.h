// Asking: what is known of one question while it is answered, and the answer as it grows.
//
// All that is said goes into the answer and out as an event, in the same order. Single-threaded.
// Errors: kCancelled or kDeadlineExceeded where the asker no longer waits.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "services/gateway/answerer.h"
#include "services/gateway/cues.h"
#include "services/gateway/evidence.h"
#include "services/gateway/extract.h"
#include "services/gateway/parts.h"
#include "services/gateway/reading.h"

namespace citeseek::gateway {

struct Asking {
  // All outlive it.
  Asking(const AnswererOptions& the_options, const Question& the_question,
         const EventSink& the_sink)
      : options(the_options), question(the_question), sink(the_sink) {}

  absl::Status Alive() const;
  absl::Status Send(const Event& event);
  absl::Status Say(std::string_view text);
  absl::Status Cite(Citation citation);
  absl::Status Check(CheckedSentence sentence);
  void EndStage(const char* name, absl::Time since);

  // What the passages hold of an answer to the whole question.
  const Extract& Found(Evidence* evidence);
  // Keeps a reserve so that a slow model leaves time for the extract.
  absl::Time ModelDeadline() const;
  inference::Priority ModelPriority() const;

  const AnswererOptions& options;
  const Question& question;
  const EventSink& sink;
  // As it stands alone, without what arithmetic has answered.
  std::string_view asked = AskedText(question);
  QuestionCues cues = {};
  retrieval::Result result = {};
  std::vector<int> numbers = {};        // the markers of its hits
  std::vector<Part> parts = {};         // of a question that asks several things
  std::optional<Extract> extract = {};  // of the whole question, once it is looked for
  Answer answer = {};
  bool cancelled = false;
  bool enough = false;  // a thought was left before its end
};

}  // namespace citeseek::gateway
