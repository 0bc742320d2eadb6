// ask_bench: the time from a question to its cited answer through gRPC, in extract mode.
//
//   citeseek index --data DIR FILES...
//   ask_bench DIR queries.jsonl|queries.txt [QUESTIONS]
//
// Serves all roles of the data directory on a loopback port in this process and asks one question
// after the other through the gRPC client, and each at once again. Prints the times from the call
// of Ask to the hits, the first citation and the end, those of the answers that were known by then,
// and the means of the stages in the receipts.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/clock.h"
#include "nlohmann/json.hpp"
#include "services/app.h"
#include "services/call.h"
#include "services/gateway/client.h"

namespace citeseek {
namespace {

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "ask_bench: %s\n", value.status().ToString().c_str());
  std::exit(1);
}

std::vector<std::string> ReadQuestions(const std::string& path, std::size_t limit) {
  std::ifstream file(path);
  std::vector<std::string> questions;
  for (std::string line; questions.size() < limit && std::getline(file, line);) {
    if (line.empty()) continue;
    questions.push_back(line.front() == '{' ? nlohmann::json::parse(line)["text"].get<std::string>()
                                            : line);
  }
  return questions;
}

void Print(const char* name, std::vector<double> times) {
  if (times.empty()) return;
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))];
  };
  std::printf("%-15s p50 %.2f  p99 %.2f  max %.2f ms  (%zu)\n", name, at(.5), at(.99), times.back(),
              times.size());
}

struct Times {
  std::vector<double> searched, cited, finished;
};

gateway::Answer Ask(gateway::Answerer* answerer, const std::string& question, bool no_cache,
                    Times* times) {
  const absl::Time start = absl::Now();
  const auto elapsed = [&] { return absl::ToDoubleMilliseconds(absl::Now() - start); };
  double searched = -1, cited = -1;
  const auto answer =
      OrDie(answerer->Ask({.text = question, .mode = gateway::Mode::kExtract, .no_cache = no_cache},
                          [&](const gateway::Event& event) {
                            if (std::holds_alternative<gateway::SearchedEvent>(event))
                              searched = elapsed();
                            if (std::holds_alternative<gateway::CitationEvent>(event) && cited < 0)
                              cited = elapsed();
                            return true;
                          }));
  const double finished = elapsed();
  if (answer.receipt.cached == no_cache) return answer;  // it was not what was wanted
  times->searched.push_back(searched);
  if (cited >= 0) times->cited.push_back(cited);
  times->finished.push_back(finished);
  return answer;
}

int Run(const std::string& data, const std::vector<std::string>& questions) {
  services::Log log("warn");
  const auto app = OrDie(services::App::Make({.data = data, .listen = "127.0.0.1:0"}, &log));
  const auto answerer = services::ConnectAnswerer(services::MakeChannel(OrDie(app->Serve())));
  Times fresh, known;
  std::map<std::string, double> stages;
  for (const std::string& question : questions) {
    const gateway::Answer answer = Ask(answerer.get(), question, true, &fresh);
    for (const gateway::Stage& stage : answer.receipt.stages) {
      stages[stage.name] += absl::ToDoubleMilliseconds(stage.duration);
    }
    Ask(answerer.get(), question, false, &known);
  }
  Print("searched", fresh.searched);
  Print("first citation", fresh.cited);
  Print("finished", fresh.finished);
  Print("known: citation", known.cited);
  Print("known: finished", known.finished);
  for (const auto& [name, total] : stages) {
    std::printf("mean of %-8s %.2f ms\n", name.c_str(),
                total / static_cast<double>(questions.size()));
  }
  return 0;
}

}  // namespace
}  // namespace citeseek

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: ask_bench DIR queries.jsonl|queries.txt [QUESTIONS]\n");
    return 2;
  }
  return citeseek::Run(argv[1],
                       citeseek::ReadQuestions(argv[2], argc > 3 ? std::stoul(argv[3]) : 500));
}
