// overload_bench: what becomes of questions when there are more than the model can answer.
//
//   overload_bench DATA queries.txt|queries.jsonl [SECONDS_A_STEP [MODEL_CALLS [STEPS]]]
//   overload_bench decide [WAITING]
//
// Serves all roles over the data directory in this process, with a model server on loopback that
// answers 8 questions at once at 10 ms a token (80 tokens with a full thought, 40 with a short one,
// 20 without: 10, 20 and 40 answers a second), and asks through gRPC: Poisson arrivals at 1, 2, 5
// and 10 times 10 a second, open loop, times from the intended start. Then back to half of that, to
// see how long it takes to be normal again; then five times with impatient askers that give up
// after a second and ask again, up to three times each, and back to half.
//
// STEPS: "1,2,5,10,5r" by default; r: with impatient askers.
//
// MODEL_CALLS: the service is told how many calls the model takes; 0, the default: it finds out.
//
// In time: the answer is whole within kLimit of the intended start. Useful: the model's tokens in
// answers that were whole in time and before the step's end, a second, over the 800 a second that
// it can say.
//
// decide: the decision alone, in this thread, while WAITING questions (10,000), each on a thread of
// its own, wait in each line: from the question to its place, and to the extract instead.
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "nlohmann/json.hpp"
#include "services/app.h"
#include "services/call.h"
#include "services/gateway/admission.h"
#include "services/gateway/client.h"
#include "tests/support/openai_server.h"

namespace citeseek {
namespace {

constexpr int kSlots = 8;
constexpr absl::Duration kToken = absl::Milliseconds(10);
constexpr int kAnswerTokens = 20;
constexpr double kCapacity = 10;    // full answers a second
constexpr double kTokenRate = 800;  // a second
constexpr absl::Duration kLimit = absl::Seconds(5);

// A model server of kSlots slots that serves first come first served.
class ModelServer {
 public:
  testing::ServerReply Reply(const testing::SeenRequest& request) {
    const int most = nlohmann::json::parse(request.body)["max_tokens"];
    const int thoughts = most > 2000 ? 60 : most > 600 ? 20 : 0;
    const absl::Time now = absl::Now();
    absl::Time start;
    {
      const std::scoped_lock lock(mutex_);
      absl::Time& free = *std::min_element(free_.begin(), free_.end());
      start = std::max(now, free);
      free = start + kToken * (thoughts + kAnswerTokens);
    }
    testing::ServerReply reply;
    absl::Duration delay = start - now;
    const auto add = [&](std::string event, int tokens) {
      reply.chunks.push_back({std::move(event), delay + kToken * tokens});
      delay = absl::ZeroDuration();
    };
    for (int i = 0; i < thoughts; i += 10) add(testing::ThoughtEvent("so "), 10);
    for (int i = 0; i < kAnswerTokens; i += 10) add(testing::TextEvent("The town says [1]. "), 10);
    add(testing::FinishEvent("stop"), 0);
    add(testing::UsageEvent(1000, thoughts + kAnswerTokens), 0);
    add(testing::kDoneEvent, 0);
    return reply;
  }

 private:
  std::mutex mutex_;
  std::vector<absl::Time> free_ = std::vector<absl::Time>(kSlots, absl::UnixEpoch());
};

struct Outcome {
  absl::Time start;  // intended
  absl::Duration took;
  absl::Duration first;  // to the first event: the decision, and its way here
  absl::Status status;
  gateway::Rung rung = gateway::Rung::kFull;
  bool overloaded = false;
  std::int64_t tokens = 0;
  absl::Duration waited, told;  // in line; told < 0: it did not wait
};

class Load {
 public:
  Load(gateway::Answerer* answerer, std::vector<std::string> questions)
      : answerer_(answerer), questions_(std::move(questions)) {}

  // `tries`: how often an asker asks who gives up after `patience`.
  std::vector<Outcome> Run(double rate, absl::Duration length, int tries = 1,
                           absl::Duration patience = absl::Seconds(60)) {
    std::vector<Outcome> outcomes;
    std::mutex mutex;
    std::vector<std::jthread> askers;
    std::exponential_distribution<double> gap(rate);
    absl::Time at = absl::Now();
    for (const absl::Time end = at + length; at < end; at += absl::Seconds(gap(random_))) {
      absl::SleepFor(at - absl::Now());
      askers.emplace_back([&, at, question = questions_[next_++ % questions_.size()]] {
        Outcome outcome;
        for (int i = 0; i < tries; ++i) {
          outcome = Ask(at, question, patience);
          if (outcome.status.ok()) break;
        }
        const std::scoped_lock lock(mutex);
        outcomes.push_back(outcome);
      });
    }
    askers.clear();
    return outcomes;
  }

 private:
  Outcome Ask(absl::Time start, const std::string& question, absl::Duration patience) {
    Outcome outcome{.start = start, .told = absl::Seconds(-1)};
    const absl::Time sent = absl::Now();
    absl::Time queued;
    bool first = true;
    const auto answer = answerer_->Ask(
        {.text = question, .deadline = sent + patience}, [&](const gateway::Event& event) {
          const absl::Time now = absl::Now();
          if (std::exchange(first, false)) outcome.first = now - sent;
          if (const auto* place = std::get_if<gateway::QueuedEvent>(&event)) {
            if (place->place > 0 && outcome.told < absl::ZeroDuration()) {
              outcome.told = place->eta;
              queued = now;
            }
            if (place->place == 0) outcome.waited = now - queued;
          }
          return true;
        });
    outcome.status = answer.status();
    outcome.took = absl::Now() - start;
    if (answer.ok()) {
      outcome.rung = answer->receipt.rung;
      outcome.overloaded = answer->reason == "overloaded";
      outcome.tokens = answer->receipt.completion_tokens;
    }
    return outcome;
  }

  gateway::Answerer* const answerer_;
  const std::vector<std::string> questions_;
  std::mt19937 random_{7};
  std::size_t next_ = 0;
};

double Quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

void Print(const char* name, const std::vector<Outcome>& outcomes, double seconds) {
  std::array<int, 5> rungs = {};
  int in_time = 0, failed = 0, overloaded = 0;
  double tokens = 0;
  absl::Time begin = absl::InfiniteFuture();
  for (const Outcome& o : outcomes) begin = std::min(begin, o.start);
  const absl::Time end = begin + absl::Seconds(seconds);
  std::vector<double> first, took, error;
  for (const Outcome& o : outcomes) {
    first.push_back(absl::ToDoubleMilliseconds(o.first));
    if (!o.status.ok()) {
      ++failed;
      continue;
    }
    took.push_back(absl::ToDoubleSeconds(o.took));
    if (o.overloaded) {
      ++overloaded;
      continue;
    }
    ++rungs[static_cast<std::size_t>(o.rung)];
    if (o.took <= kLimit) {
      ++in_time;
      if (o.start + o.took <= end) tokens += static_cast<double>(o.tokens);
    }
    if (o.told >= absl::ZeroDuration()) {
      error.push_back(std::abs(absl::ToDoubleSeconds(o.waited - o.told)));
    }
  }
  std::printf(
      "%-9s asked %4zu  in time %5.1f %%  useful %5.1f %%  full %d short %d quick %d extract %d "
      "results %d ask-again %d failed %d  first event p50 %.1f p99 %.1f ms  answer p50 %.2f p99 "
      "%.2f "
      "s  eta off p50 %.2f p90 %.2f s (%zu waited)\n",
      name, outcomes.size(), 100.0 * in_time / static_cast<double>(outcomes.size()),
      100 * tokens / seconds / kTokenRate, rungs[0], rungs[1], rungs[2], rungs[3], rungs[4],
      overloaded, failed, Quantile(first, .5), Quantile(first, .99), Quantile(took, .5),
      Quantile(took, .99), Quantile(error, .5), Quantile(error, .9), error.size());
  std::fflush(stdout);
}

// After a step: when the last question was asked that got less than all it asked for.
void PrintRecovery(const std::vector<Outcome>& outcomes) {
  absl::Time begin = absl::InfiniteFuture();
  absl::Time last = absl::InfinitePast();
  for (const Outcome& o : outcomes) {
    begin = std::min(begin, o.start);
    if (!o.status.ok() || o.rung != gateway::Rung::kFull) last = std::max(last, o.start);
  }
  std::printf("          normal again %.2f s after the step\n",
              std::max(0.0, absl::ToDoubleSeconds(last - begin)));
}

// Answers nothing until it is let go.
class Held final : public gateway::Answerer {
 public:
  absl::StatusOr<gateway::Answer> Ask(const gateway::Question&,
                                      const gateway::EventSink&) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return gone_; });
    return absl::CancelledError("over");
  }
  absl::StatusOr<gateway::CheckReport> Check(const gateway::CheckRequest&) override {
    return absl::UnimplementedError("nothing is checked");
  }
  void LetGo() {
    const std::scoped_lock lock(mutex_);
    gone_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool gone_ = false;
};

// That this thread has had.
double ProcessorMs() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

int Decide(std::size_t waiting) {
  constexpr int kTimes = 2000;
  for (const auto& [what, patience] : {std::pair{"its place", absl::Hours(1000)},
                                       std::pair{"the extract instead", absl::Seconds(20)}}) {
    Held held;
    gateway::Admission admission({.answerer = &held,
                                  .model = true,
                                  .model_calls = kSlots,
                                  .waiting = waiting + 2 * kSlots,
                                  .patience = patience});
    std::stop_source stop;
    std::vector<std::jthread> askers;
    for (std::size_t i = 0; i < 2 * (waiting + kSlots); ++i) {
      askers.emplace_back([&, i] {
        // Batch questions wait however long it takes.
        const gateway::Question question{
            .text = "When?",
            .mode = i % 2 == 0 ? gateway::Mode::kDeep : gateway::Mode::kExtract,
            .caller = absl::StrCat(i),
            .batch = true,
            .stop = stop.get_token()};
        admission.Ask(question, [](const gateway::Event&) { return true; }).IgnoreError();
      });
    }
    while (admission.Stats().model.waiting < waiting || admission.Stats().reading.waiting < waiting)
      absl::SleepFor(absl::Milliseconds(10));
    std::vector<double> took, computed;
    for (int i = 0; i < kTimes; ++i) {
      const absl::Time start = absl::Now();
      const double start_ms = ProcessorMs();
      admission
          .Ask({.text = "When?", .caller = "me"},
               [&](const gateway::Event&) {
                 computed.push_back(ProcessorMs() - start_ms);
                 took.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
                 return false;
               })
          .IgnoreError();
    }
    std::printf(
        "%zu wait in each line: to %s p50 %.3f p99 %.3f most %.3f ms, of the processor p50 %.3f "
        "p99 "
        "%.3f most %.3f ms\n",
        waiting, what, Quantile(took, .5), Quantile(took, .99), Quantile(took, 1),
        Quantile(computed, .5), Quantile(computed, .99), Quantile(computed, 1));
    std::fflush(stdout);
    stop.request_stop();
    held.LetGo();
  }
  return 0;
}

int Run(const std::string& data, std::vector<std::string> questions, double seconds,
        int model_calls, const std::string& steps) {
  ModelServer model;
  testing::OpenAiServer server(
      [&](const testing::SeenRequest& request) { return model.Reply(request); });
  services::Log log("error");
  services::Config config{.data = data, .listen = "127.0.0.1:0"};
  config.openai = {.url = server.url(), .model = "scripted"};
  config.limits.model_calls = model_calls;
  config.limits.patience_s = 2;
  config.limits.answer_cache = 0;  // the questions come again and again
  auto app = services::App::Make(config, &log);
  if (!app.ok()) {
    std::fprintf(stderr, "overload_bench: %s\n", app.status().ToString().c_str());
    return 1;
  }
  const auto address = (*app)->Serve();
  const auto answerer = services::ConnectAnswerer(services::MakeChannel(*address));
  Load load(answerer.get(), std::move(questions));
  load.Run(kCapacity / 2, absl::Seconds(3));  // learns the costs
  for (const std::string& step : std::vector<std::string>(absl::StrSplit(steps, ','))) {
    const double rate = kCapacity * std::stod(step);
    const auto asked = step.ends_with('r')
                           ? load.Run(rate, absl::Seconds(seconds), 3, absl::Seconds(1))
                           : load.Run(rate, absl::Seconds(seconds));
    Print((step + "x").c_str(), asked, seconds);
    const auto after = load.Run(kCapacity / 2, absl::Seconds(6));
    Print("  then .5x", after, 6);
    PrintRecovery(after);
  }
  return 0;
}

}  // namespace
}  // namespace citeseek

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "decide") {
    return citeseek::Decide(argc > 2 ? std::stoul(argv[2]) : 10'000);
  }
  if (argc < 3) {
    std::fprintf(stderr,
                 "usage: overload_bench DATA queries.txt|queries.jsonl [SECONDS [MODEL_CALLS "
                 "[STEPS]]]\n");
    return 2;
  }
  std::vector<std::string> questions;
  std::ifstream file(argv[2]);
  for (std::string line; questions.size() < 1000 && std::getline(file, line);) {
    if (line.empty()) continue;
    questions.push_back(line.front() == '{' ? nlohmann::json::parse(line)["text"].get<std::string>()
                                            : line);
  }
  return citeseek::Run(argv[1], questions, argc > 3 ? std::stod(argv[3]) : 10,
                       argc > 4 ? std::stoi(argv[4]) : 0, argc > 5 ? argv[5] : "1,2,5,10,5r");
}
