// How much memory a silent SSE stream costs while others answer.
//
//   idle_streams_bench [--idle 10000] [--answering 100] [--seconds 10]
//
// A child process serves: --answering questions stream a piece every 50 ms, --idle more wait in
// line behind them, kept open by heartbeats. Prints one JSON object: the child's growth of resident
// memory a waiting stream, its threads, how late pieces come, and streams that were lost.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/time/clock.h"
#include "services/http/routes.h"
#include "services/http/server.h"
#include "tests/support/http_client.h"

namespace citeseek {
namespace {

constexpr auto kPiece = std::chrono::milliseconds(50);

// Answers for ever, with the time in each piece.
class ClockAnswerer final : public gateway::Answerer {
 public:
  absl::StatusOr<gateway::Answer> Ask(const gateway::Question& question,
                                      const gateway::EventSink& sink) override {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    auto next = std::chrono::steady_clock::now();
    while (!question.stop.stop_requested()) {
      next += kPiece;
      changed.wait_until(lock, question.stop, next, [] { return false; });
      if (!sink(gateway::AnswerEvent{std::to_string(absl::GetCurrentTimeNanos())})) break;
    }
    return absl::CancelledError("left");
  }
  absl::StatusOr<gateway::CheckReport> Check(const gateway::CheckRequest&) override {
    return absl::UnimplementedError("no check");
  }
};

int Serve(int answering, int idle, int out) {
  ClockAnswerer answerer;
  const auto server =
      http::Server::Start({.listen = "127.0.0.1:0",
                           .routes = http::ApiRoutes({.answerer = &answerer}),
                           .line_workers = answering,
                           .queue_limit = static_cast<std::size_t>(idle),
                           .max_connections = static_cast<std::size_t>(answering + idle + 100)});
  if (!server.ok()) return 1;
  const std::string address = (*server)->address();
  if (write(out, address.data(), address.size()) < 0) return 1;
  pause();
  return 0;
}

std::int64_t StatusOf(pid_t child, const std::string& key) {
  std::ifstream file("/proc/" + std::to_string(child) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key + ":")) return std::stoll(line.substr(key.size() + 1));
  }
  return -1;
}

std::unique_ptr<testing::HttpClient> OpenStream(const std::string& address) {
  auto client = std::make_unique<testing::HttpClient>(address);
  client->Request("POST", "/api/v1/ask", R"({"question":"When was Halden Bridge opened?"})");
  return client;
}

double Percentile(std::vector<double>& values, double share) {
  std::sort(values.begin(), values.end());
  return values.empty()
             ? -1
             : values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

int Run(int idle, int answering, int seconds) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  int ends[2];
  if (pipe(ends) != 0) return 1;
  const pid_t child = fork();
  if (child == 0) _exit(Serve(answering, idle, ends[1]));
  char text[64] = {};
  if (read(ends[0], text, sizeof(text) - 1) <= 0) return 1;
  const std::string address = text;

  std::vector<std::unique_ptr<testing::HttpClient>> busy, silent;
  for (int i = 0; i < answering; ++i) {
    busy.push_back(OpenStream(address));
    busy.back()->ReadUntil("\"text\"");  // it has its thread
  }
  const std::int64_t before = StatusOf(child, "VmRSS");
  for (int i = 0; i < idle; ++i) silent.push_back(OpenStream(address));
  int begun = 0;
  for (const auto& client : silent)
    begun += client->ReadUntil(": ping\n\n").ends_with(": ping\n\n");

  // How long pieces are under way, as their readers see it.
  std::vector<double> late_ms;
  std::mutex mutex;
  std::vector<std::jthread> readers;
  const absl::Time start = absl::Now();
  for (const auto& client : busy) {
    readers.emplace_back([&, client = client.get()] {
      while (absl::Now() < start + absl::Seconds(seconds)) {
        client->ReadUntil("\"text\":\"");
        const absl::Time sent = absl::FromUnixNanos(std::stoll(client->ReadUntil("\"")));
        const absl::Time now = absl::Now();
        if (sent < start) continue;  // it waited for this bench to read it
        const std::scoped_lock lock(mutex);
        late_ms.push_back(absl::ToDoubleMilliseconds(now - sent));
      }
    });
  }
  readers.clear();
  int kept = 0;
  for (const auto& client : silent) kept += client->ReadUntil(": ping\n\n").ends_with(": ping\n\n");
  const std::int64_t after = StatusOf(child, "VmRSS");
  const std::int64_t threads = StatusOf(child, "Threads");
  std::cout << nlohmann::ordered_json{{"idle", idle},
                                      {"answering", answering},
                                      {"begun", begun},
                                      {"kept", kept},
                                      {"rss_before_kib", before},
                                      {"rss_after_kib", after},
                                      {"kib_a_stream", static_cast<double>(after - before) / idle},
                                      {"threads", threads},
                                      {"pieces", late_ms.size()},
                                      {"late_p50_ms", Percentile(late_ms, 0.5)},
                                      {"late_p99_ms", Percentile(late_ms, 0.99)},
                                      {"late_max_ms", Percentile(late_ms, 1)}}
                   .dump()
            << "\n";
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return begun == idle && kept == idle ? 0 : 1;
}

}  // namespace
}  // namespace citeseek

int main(int argc, char** argv) {
  CLI::App app{"Memory of silent HTTP streams while others answer"};
  int idle = 10000, answering = 100, seconds = 10;
  app.add_option("--idle", idle, "Streams that wait");
  app.add_option("--answering", answering, "Streams that are answered");
  app.add_option("--seconds", seconds, "How long the pieces are timed");
  CLI11_PARSE(app, argc, argv);
  return citeseek::Run(idle, answering, seconds);
}
