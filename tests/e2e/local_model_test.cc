// Quick and deep answers by a model of the server's own process, with real processes.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "absl/time/clock.h"
#include "services/call.h"
#include "services/inference/client.h"
#include "tests/support/process.h"
#include "tests/support/temp_directory.h"
#include "tests/support/tiny_bert.h"
#include "tests/support/tiny_model.h"

namespace citeseek::testing {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(60);

std::vector<Json> Lines(const std::string& text) {
  std::vector<Json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  if (lines.empty()) lines.push_back({{"event", "none"}});
  return lines;
}

std::string Joined(const std::vector<Json>& events, const std::string& event) {
  std::string all;
  for (const Json& e : events) {
    if (e["event"] == event) all += e["text"].get<std::string>();
  }
  return all;
}

// The numbers of a Prometheus page at "127.0.0.1:port".
std::map<std::string, double> Metrics(const std::string& address) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port =
      htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string page;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof(at)) == 0) {
    const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
    if (write(fd, request.data(), request.size()) > 0) {
      char buffer[4096];
      for (ssize_t n; (n = read(fd, buffer, sizeof(buffer))) > 0;) {
        page.append(buffer, static_cast<std::size_t>(n));
      }
    }
  }
  close(fd);
  std::map<std::string, double> out;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t blank = line.rfind(' ');
    if (line.starts_with("citeseek_") && blank != std::string::npos) {
      out[line.substr(0, blank)] = std::strtod(line.c_str() + blank, nullptr);
    }
  }
  return out;
}

class LocalModel : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteTinyModel(model_, 1);
    const std::string file =
        directory_.Write("wombat.txt", "Wombats dig long burrows. They eat grass at night.");
    const auto indexed = RunCiteseek({"index", file, "--data", data_});
    ASSERT_EQ(indexed.exit_code, 0) << indexed.err;
  }

  void Start(const std::vector<std::string>& arguments) {
    std::vector<std::string> all = {"up",          "--data", data_,       "--listen",
                                    "127.0.0.1:0", "--json", "--threads", "1"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    up_ = std::make_unique<ServerProcess>(all);
    ASSERT_NE(up_->address(), "") << up_->Errors();
  }

  std::vector<Json> Ask(const std::string& mode) {
    const auto asked = RunCiteseek(
        {"ask", "What do wombats eat?", "--mode", mode, "--server", up_->address(), "--json"});
    EXPECT_EQ(asked.exit_code, 0) << asked.err;
    return Lines(asked.out);
  }

  const TempDirectory directory_;
  const std::string data_ = directory_.path() / "data";
  const std::string model_ = directory_.path() / "tiny";
  std::unique_ptr<ServerProcess> up_;
};

TEST_F(LocalModel, QuickAndDeepAnswersStream) {
  ASSERT_NO_FATAL_FAILURE(Start({"--model", model_, "--quantize", "q8", "--kv-memory", "8MiB"}));
  for (const char* mode : {"quick", "deep"}) {
    const auto events = Ask(mode);
    const Json& finished = events.back();
    EXPECT_EQ(finished["event"], "finished");
    EXPECT_EQ(finished["mode"], mode) << finished["receipt"];
    EXPECT_EQ(finished["receipt"]["model"], "tiny");
    EXPECT_GT(finished["receipt"]["prompt_tokens"], 100);
    EXPECT_EQ(Joined(events, "answer"), finished["answer"].get<std::string>());
    EXPECT_GT(events.size(), 10u) << "the answer came in few pieces";
  }
}

TEST_F(LocalModel, IsReadyOnceItHasSaidAToken) {
  ASSERT_NO_FATAL_FAILURE(
      Start({"--model", model_, "--kv-memory", "8MiB", "--metrics", "127.0.0.1:0"}));
  auto metrics = Metrics(Json::parse(up_->first_line())["metrics"]);  // nobody has asked yet
  EXPECT_GE(metrics["citeseek_engine_completion_tokens_total"], 1);
  EXPECT_GE(metrics["citeseek_engine_calls_finished_total"], 1);
}

TEST_F(LocalModel, AnOpenedThoughtIsShownAsOne) {
  WriteTinyModel(model_, 1, TinyThinking::kAlways);
  ASSERT_NO_FATAL_FAILURE(Start({"--model", model_, "--kv-memory", "8MiB"}));
  const auto events = Ask("deep");
  EXPECT_GT(Joined(events, "thought").size(), 100u);
  EXPECT_EQ(Joined(Ask("quick"), "thought"), "");
}

TEST_F(LocalModel, AKilledClientFreesItsSlot) {
  ASSERT_NO_FATAL_FAILURE(
      Start({"--model", model_, "--kv-memory", "8MiB", "--metrics", "127.0.0.1:0"}));
  const std::string page = Json::parse(up_->first_line())["metrics"];
  const double blocks = Metrics(page)["citeseek_engine_kv_blocks"];
  EXPECT_GT(blocks, 100);
  EXPECT_EQ(Metrics(page)["citeseek_engine_kv_blocks_free"], blocks);
  // Many, so that some of them are still at work when they are killed.
  std::vector<std::unique_ptr<ServerProcess>> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<ServerProcess>(std::vector<std::string>{
        "ask", "What do wombats eat?", "--mode", "deep", "--server", up_->address(), "--json"}));
  }
  const absl::Time limit = absl::Now() + kPatience;
  const auto await = [&](auto condition) {
    while (!condition(Metrics(page)) && absl::Now() < limit) std::this_thread::yield();
  };
  await([](auto metrics) { return metrics["citeseek_engine_calls_running"] > 0; });
  clients.clear();  // SIGKILL
  await([](auto metrics) { return metrics["citeseek_engine_calls_running"] == 0; });
  auto metrics = Metrics(page);
  EXPECT_EQ(metrics["citeseek_engine_calls_running"], 0);
  EXPECT_EQ(metrics["citeseek_engine_calls_waiting"], 0);
  EXPECT_EQ(metrics["citeseek_engine_kv_blocks_free"], blocks);
  EXPECT_GE(metrics["citeseek_engine_calls_cancelled_total"], 1);
  EXPECT_TRUE(up_->running());
}

TEST_F(LocalModel, ChangesUnderLoadWithoutAFailedCall) {
  const std::string second = directory_.path() / "second";
  WriteTinyModel(second, 2);
  const auto configure = [&](const std::string& path) {
    return directory_.Write(
        "config.yaml", "data: " + data_ + "\nlisten: 127.0.0.1:0\nlog: info\nengine: {model: " +
                           path + ", kv_memory: 8MiB, threads: 1}\n");
  };
  up_ = std::make_unique<ServerProcess>(
      std::vector<std::string>{"serve", "--config", configure(model_), "--json"});
  ASSERT_NE(up_->address(), "") << up_->Errors();
  const auto clients =
      services::ConnectInference(services::MakeChannel(up_->address()), absl::Now() + kPatience);
  ASSERT_TRUE(clients.ok()) << clients.status();
  EXPECT_EQ(clients->generator_name, "tiny");
  std::atomic<int> failed = 0, old_ones = 0, new_ones = 0;
  std::vector<std::jthread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&](const std::stop_token& stop) {
      const absl::Time limit = absl::Now() + kPatience;
      while (!stop.stop_requested() && absl::Now() < limit) {
        const auto finish = clients->generator->Generate(
            {.messages = {{inference::Role::kUser, "Hello"}}, .sampling = {.max_tokens = 50}},
            [](const inference::Piece&) { return true; });
        if (!finish.ok()) {
          ADD_FAILURE() << finish.status();
          ++failed;
        } else {
          ++(finish->model == "second" ? new_ones : old_ones);
        }
      }
    });
  }
  const absl::Time limit = absl::Now() + kPatience;
  while (old_ones < 5 && absl::Now() < limit) std::this_thread::yield();
  configure(second);
  kill(up_->pid(), SIGHUP);
  while (new_ones < 5 && absl::Now() < limit) std::this_thread::yield();
  // A model that cannot be opened changes nothing.
  configure("/nonexistent");
  kill(up_->pid(), SIGHUP);
  while (up_->Errors().find("/nonexistent") == std::string::npos && absl::Now() < limit) {
    std::this_thread::yield();
  }
  const int before = new_ones;
  while (new_ones < before + 5 && absl::Now() < limit) std::this_thread::yield();
  callers.clear();
  EXPECT_EQ(failed, 0);
  EXPECT_GE(old_ones, 5);
  EXPECT_GE(new_ones, before + 5);
  EXPECT_EQ(up_->Kill(SIGTERM), 0);
}

TEST_F(LocalModel, HitsAreEmbeddedAndRerankedByModels) {
  const TempDirectory embedder, reranker;
  WriteTinyBert(embedder);
  WriteTinyBert(reranker, 1);
  const std::string data = directory_.path() / "vectors";
  for (const char* text : {"red green", "green blue", "blue and not red"}) {
    directory_.Write(std::string("colours/") + text + ".txt", text);
  }
  const std::vector<std::string> models = {
      "--embedder", embedder.path(), "--reranker", reranker.path(), "--data", data, "--json"};
  const auto run = [&](std::vector<std::string> command, bool with_models) {
    command.insert(command.end(), models.begin() + (with_models ? 0 : 4), models.end());
    return RunCiteseek(command);
  };
  const Output indexed = run({"index", directory_.path() / "colours"}, true);
  ASSERT_EQ(indexed.exit_code, 0) << indexed.err;
  const Output found = run({"search", "red"}, true);
  ASSERT_EQ(found.exit_code, 0) << found.err;
  EXPECT_EQ(Lines(found.out).size(), 3u) << "all have a vector";
  EXPECT_EQ(found.err, "");
  // Vectors of two embedders are never mixed: searching goes on by words, writing is refused.
  const Output without = run({"search", "red"}, false);
  EXPECT_EQ(without.exit_code, 0);
  EXPECT_EQ(Lines(without.out).size(), 2u);
  EXPECT_THAT(without.err, HasSubstr("lexical only: the index was made with embedder"));
  const Output refused = run({"index", directory_.path() / "colours"}, false);
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("open it with that embedder, or index the documents again"));
}

TEST_F(LocalModel, TheDoctorOpensEachModelOnce) {
  const TempDirectory embedder;
  WriteTinyBert(embedder);
  const TempDirectory data;
  const std::vector<std::string> with = {"--data",     data.path(),     "--model",     model_,
                                         "--embedder", embedder.path(), "--kv-memory", "8MiB"};
  const auto run = [&](std::vector<std::string> command) {
    command.insert(command.end(), with.begin(), with.end());
    return RunCiteseek(command);
  };
  const Output indexed = run({"index", directory_.path() / "wombat.txt"});
  ASSERT_EQ(indexed.exit_code, 0) << indexed.err;
  const int opened = inotify_init1(IN_NONBLOCK);
  for (const std::string& model : {model_, std::string(embedder.path())}) {
    ASSERT_GE(inotify_add_watch(opened, (model + "/model.safetensors").c_str(), IN_OPEN), 0);
  }
  const auto openings = [&] {
    std::map<int, int> times;
    alignas(inotify_event) char events[4096];
    for (ssize_t n; (n = read(opened, events, sizeof(events))) > 0;) {
      for (ssize_t at = 0; at < n;) {
        const auto* event = reinterpret_cast<const inotify_event*>(events + at);
        ++times[event->wd];
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      }
    }
    return times;
  };
  const Output well = run({"doctor", "--json"});
  EXPECT_EQ(well.exit_code, 0) << well.out << well.err;
  std::map<std::string, Json> checks;
  for (const Json& line : Lines(well.out)) checks[line["check"]] = line;
  for (const char* check : {"model", "embedder", "index", "answer", "generator"}) {
    EXPECT_EQ(checks[check]["status"], "ok") << check << well.out;
  }
  EXPECT_THAT(checks["index"]["found"].get<std::string>(), HasSubstr("1 documents"));
  const std::map<int, int> times = openings();
  EXPECT_EQ(times.size(), 2u);
  for (const auto& [file, count] : times) EXPECT_EQ(count, 1) << file;
  close(opened);
}

TEST_F(LocalModel, WhatDoesNotFitOrCannotAnswerIsRefusedAtTheStart) {
  const auto refused = [&](const std::vector<std::string>& options) {
    std::vector<std::string> all = {"up", "--data", data_, "--listen", "127.0.0.1:0"};
    all.insert(all.end(), options.begin(), options.end());
    const Output output = RunCiteseek(all);
    EXPECT_NE(output.exit_code, 0);
    return output.err;
  };
  EXPECT_THAT(refused({"--model", model_, "--kv-memory", "100TiB"}),
              ::testing::AllOf(HasSubstr("does not fit the memory: weights"),
                               HasSubstr("keys and values 100.0 TiB"), HasSubstr("is free")));
  EXPECT_THAT(refused({"--model", model_, "--kv-memory", "4 apples"}),
              HasSubstr("size '4 apples' is not like 512MiB"));
  EXPECT_THAT(refused({"--model", "/nonexistent"}), HasSubstr("/nonexistent"));
  EXPECT_THAT(refused({"--model", data_}), HasSubstr("config.json"));
  EXPECT_THAT(refused({"--model", model_, "--quantize", "q6"}), HasSubstr("q6"));
  EXPECT_THAT(refused({"--model", model_, "--device", "gpu"}), HasSubstr("gpu"));
}

}  // namespace
}  // namespace citeseek::testing
