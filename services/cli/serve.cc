#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "services/cli/commands.h"
#include "services/cli/target.h"

namespace citeseek::services {
namespace {

// SIGINT, SIGTERM and SIGHUP wait until somebody asks for them, in every thread made from now on.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  bool WaitBriefly() const {
    constexpr timespec kBriefly{.tv_sec = 0, .tv_nsec = 50'000'000};
    return sigtimedwait(&set_, nullptr, &kBriefly) > 0;
  }
  int Wait() const {
    int signal = 0;
    sigwait(&set_, &signal);
    return signal;
  }

 private:
  sigset_t set_;
};

// Serves until it is told to end, twice if it shall not wait for running answers. SIGHUP takes keys
// and model anew, as configured now; with a terminal it says that the terminal is gone, and ends
// the server.
void RunUntilStopped(const Signals& signals, const GlobalOptions& global,
                     const ServeOptions& options, absl::Duration grace, App& app, Log& log) {
  const bool terminal = isatty(STDIN_FILENO) != 0;
  int signal = 0;
  while ((signal = signals.Wait()) == SIGHUP && !terminal) {
    const auto config = MakeConfig(global, options);
    const absl::Status status = config.ok() ? app.Reload(*config) : config.status();
    log.Write(status.ok() ? LogLevel::kInfo : LogLevel::kError, "reload",
              {{"message", status.ok() ? "taken" : std::string(status.message())}});
  }
  log.Write(LogLevel::kInfo, "stopping", {{"signal", std::to_string(signal)}});
  // What was acknowledged is safe whenever the process ends.
  const std::jthread impatient([&signals](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (signals.WaitBriefly()) _exit(kFailed);
    }
  });
  app.Shutdown(grace);
}

void AddAddresses(const App& app, std::vector<JsonField>& fields) {
  if (const std::string address = app.http_address(); !address.empty()) {
    fields.emplace_back("http", address);
  }
  if (const std::string address = app.metrics_address(); !address.empty()) {
    fields.emplace_back("metrics", address);
  }
}

const char* Scheme(const Config& config) {
  return config.http.tls.certificate.empty() ? "http://" : "https://";
}

}  // namespace

int RunServe(const GlobalOptions& global, const ServeOptions& options) {
  const Signals signals;
  const auto config = MakeConfig(global, options);
  if (!config.ok()) return Fail(config.status());
  if (auto status = MakeDataDirectory(config->data); !status.ok()) return Fail(status);
  Log log(config->log);
  const auto app = App::Make(*config, &log);
  if (!app.ok()) return Fail(app.status());
  const auto address = (*app)->Serve();
  if (!address.ok()) return Fail(address.status());
  if (global.json) {
    std::vector<JsonField> fields = {{"address", *address}};
    AddAddresses(**app, fields);
    std::cout << FlatJson(fields) << std::endl;
  } else {
    std::cout << "serving on " << *address;
    if (const std::string http = (*app)->http_address(); !http.empty()) {
      std::cout << ", HTTP on " << Scheme(*config) << http;
    }
    std::cout << std::endl;
  }
  RunUntilStopped(signals, global, options, absl::Seconds(config->limits.grace_s), **app, log);
  return kDone;
}

int RunUp(const GlobalOptions& global, const ServeOptions& options) {
  const Signals signals;
  auto config = MakeConfig(global, options);
  if (!config.ok()) return Fail(config.status());
  if (config->http.listen.empty() && options.http.empty()) {
    config->http.listen = kDefaultHttpAddress;
    config->http.or_any_port = true;
  }
  if (options.log.empty() && options.config_file.empty()) config->log = "warn";  // people read it
  if (auto status = MakeDataDirectory(config->data); !status.ok()) return Fail(status);
  std::error_code error;
  const bool is_new = !std::filesystem::exists(IndexDirectory(config->data), error);
  Log log(config->log);
  const auto app = App::Make(*config, &log);
  if (!app.ok()) return Fail(app.status());
  const auto address = (*app)->Serve();
  if (!address.ok()) return Fail(address.status());
  if (is_new) {
    if (auto status = IndexSample(*(*app)->indexer()); !status.ok()) return Fail(status);
  }
  if (auto s = WriteServerFile(config->data, {*address, getpid(), config->tls}); !s.ok())
    return Fail(s);
  const auto stats = (*app)->indexer()->Stats();
  if (!stats.ok()) return Fail(stats.status());
  if (global.json) {
    std::vector<JsonField> fields = {{"address", *address},
                                     {"data", config->data},
                                     {"documents", static_cast<double>(stats->documents)}};
    AddAddresses(**app, fields);
    std::cout << FlatJson(fields) << std::endl;
  } else {
    std::cout << "CiteSeek serves " << stats->documents << " documents of " << config->data
              << " on " << *address;
    if (const std::string http = (*app)->http_address(); !http.empty()) {
      std::cout << ", HTTP on " << Scheme(*config) << http;
    }
    std::cout << "\n  citeseek ask \"...\"       a cited answer\n"
              << "  citeseek index PATH...   add documents\nCtrl-C stops it." << std::endl;
  }
  RunUntilStopped(signals, global, options, absl::Seconds(config->limits.grace_s), **app, log);
  RemoveServerFile(config->data);
  return kDone;
}

}  // namespace citeseek::services
