#include <poll.h>
#include <unistd.h>

#include <iostream>
#include <stop_token>
#include <thread>

#include "absl/strings/str_cat.h"
#include "services/cli/commands.h"
#include "services/cli/json.h"
#include "services/cli/target.h"

namespace citeseek::services {
namespace {

constexpr char kDim[] = "\033[2m";
constexpr char kPlain[] = "\033[0m";

// Each line of a quote stands under the first.
std::string Indented(const std::string& quote) {
  std::string lines = Printable(quote);
  for (std::size_t at = lines.find('\n'); at != std::string::npos; at = lines.find('\n', at + 6)) {
    lines.insert(at + 1, "     ");
  }
  return lines;
}

// Prints the answer as it comes; thoughts, dimmed, only to a terminal.
struct EventPrinter {
  bool terminal;

  void operator()(const gateway::QueuedEvent& event) const {
    if (event.place > 0) {
      std::cerr << "place " << event.place << " in line, about "
                << absl::FormatDuration(absl::Ceil(event.eta, absl::Seconds(1))) << "\n";
    }
  }
  void operator()(const gateway::PartEvent& event) const {
    const std::string part = absl::StrCat("part ", event.part, " of ", event.parts, ": ");
    switch (event.state) {
      case gateway::PartEvent::State::kSearching:
        if (terminal) std::cerr << part << "searching: " << Printable(event.question) << "\n";
        break;
      case gateway::PartEvent::State::kSearchingAgain:
        if (terminal) std::cerr << part << "too little yet, searching again\n";
        break;
      case gateway::PartEvent::State::kEvidence:
        if (terminal) std::cerr << part << "found\n";
        break;
      case gateway::PartEvent::State::kNoEvidence:
        if (terminal) std::cerr << part << "the documents do not say\n";
        break;
    }
  }
  void operator()(const gateway::SearchedEvent& event) const {
    if (!event.rewritten_question.empty()) {
      std::cerr << "read as: " << Printable(event.rewritten_question) << "\n";
    }
  }
  void operator()(const gateway::ThoughtEvent& event) const {
    if (terminal) std::cout << kDim << Printable(event.text) << kPlain << std::flush;
  }
  void operator()(const gateway::AnswerEvent& event) const {
    std::cout << Printable(event.text) << std::flush;
  }
  void operator()(const gateway::CitationEvent&) const {}
  void operator()(const gateway::CheckedEvent&) const {}
  void operator()(const gateway::FollowUpsEvent&) const {}  // behind the citations
  void operator()(const gateway::FinishedEvent& event) const {
    std::cout << "\n";
    for (const gateway::Citation& citation : event.answer.citations) {
      const std::string& title = citation.title.empty() ? citation.document_id : citation.title;
      std::cout << "\n[" << citation.marker << "] " << Printable(title);
      const std::string& uri = citation.uri.empty() ? citation.document_id : citation.uri;
      if (uri != title) std::cout << "  " << Printable(uri);
      std::cout << "\n    \"" << Indented(citation.quote) << "\"\n";
      if (citation.verdict != gateway::Verdict::kUnchecked) {
        std::cout << "    " << VerdictName(citation.verdict) << "\n";
      }
    }
    for (const gateway::CheckedSentence& sentence : event.answer.sentences) {
      if (sentence.verdict == gateway::Verdict::kSupported && sentence.problems.empty()) continue;
      const std::string text =
          event.answer.text.substr(sentence.start, sentence.end - sentence.start);
      std::cout << "\n" << VerdictName(sentence.verdict) << ": " << Indented(text) << "\n";
      for (const std::string& problem : sentence.problems) {
        std::cout << "    " << Printable(problem) << "\n";
      }
    }
    if (!event.answer.follow_ups.empty()) std::cout << "\nFurther questions:\n";
    for (const std::string& question : event.answer.follow_ups) {
      std::cout << "    " << Printable(question) << "\n";
    }
    if (!event.answer.receipt.session.empty()) {
      std::cerr << "citeseek: turn " << event.answer.receipt.turn << " of session "
                << event.answer.receipt.session << "\n";
    }
    if (!event.answer.receipt.degraded.empty()) {
      std::cerr << "citeseek: " << Printable(event.answer.receipt.degraded) << "\n";
    }
  }
};

// Enter, where a person watches the model think: enough, the answer.
class AnswerNowKey {
 public:
  explicit AnswerNowKey(bool watch) {
    if (!watch) return;
    thread_ = std::jthread([this](const std::stop_token& over) {
      pollfd polled{.fd = STDIN_FILENO, .events = POLLIN};
      while (!over.stop_requested()) {
        if (poll(&polled, 1, kPollMs) <= 0) continue;
        char key = 0;
        if (read(STDIN_FILENO, &key, 1) <= 0) return;
        if (key == '\n') pressed_.request_stop();
      }
    });
  }
  std::stop_token pressed() const { return pressed_.get_token(); }

 private:
  static constexpr int kPollMs = 100;
  std::stop_source pressed_;
  std::jthread thread_;
};

}  // namespace

int RunAsk(const GlobalOptions& global, const AskOptions& options) {
  auto filters = ParseFilters(options.scope.filters);
  if (!filters.ok()) return Fail(filters.status(), kWrongUsage);
  Log log("warn");
  const auto app = OpenTarget(
      global, {ServiceRole::kInference, ServiceRole::kRetrieval, ServiceRole::kGateway}, &log);
  if (!app.ok()) return Fail(app.status());
  const EventPrinter printer{isatty(STDOUT_FILENO) != 0};
  const std::string question = ArgumentOrStdin(options.question);
  const AnswerNowKey now(printer.terminal && isatty(STDIN_FILENO) != 0);
  const auto answer = (*app)->answerer()->Ask({.text = question,
                                               .mode = options.mode,
                                               .top_k = options.top_k,
                                               .collection = options.scope.collection,
                                               .filters = *std::move(filters),
                                               .session = options.session,
                                               .thinking_budget = options.thinking_budget,
                                               .answer_now = now.pressed(),
                                               .seed = options.seed,
                                               .drawing = options.drawing,
                                               .no_cache = options.no_cache,
                                               .follow_ups = options.follow_ups},
                                              [&](const gateway::Event& event) {
                                                if (global.json) {
                                                  std::cout << EventJson(event) << std::endl;
                                                } else {
                                                  std::visit(printer, event);
                                                }
                                                return true;
                                              });
  if (!answer.ok()) return Fail(answer.status());
  return kDone;
}

}  // namespace citeseek::services
