#include "services/cli/target.h"

#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/call.h"

namespace citeseek::services {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kConnectTimeout = absl::Seconds(5);

std::string ServerPath(const std::string& data) {
  return (fs::path(data) / "server.json").string();
}

}  // namespace

int Fail(const absl::Status& status, int code) {
  std::cout.flush();
  std::cerr << "citeseek: " << Printable(std::string(status.message())) << std::endl;
  return code;
}

std::string DataDirectory(const GlobalOptions& global) {
  if (!global.data.empty()) return global.data;
  if (const char* home = std::getenv("CITESEEK_HOME"); home != nullptr && *home != '\0') {
    return home;
  }
  const char* home = std::getenv("HOME");
  return (fs::path(home == nullptr ? "." : home) / ".local/share/citeseek").string();
}

absl::StatusOr<ServerFile> FindServer(const std::string& data) {
  std::ifstream file(ServerPath(data));
  if (!file) return absl::NotFoundError("no server has run here");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto server = ParseServerJson(text);
  if (!server.ok()) return server.status();
  // The file outlives a server that was killed, and its pid may be somebody else by now.
  if (server->pid <= 0 || (kill(server->pid, 0) != 0 && errno == ESRCH)) {
    return absl::NotFoundError("the server is gone");
  }
  const auto channel = MakeChannel(server->address);
  auto status = WaitConnected(*channel, server->address, absl::Now() + absl::Seconds(10),
                              /*patient=*/false);
  if (!status.ok()) return status;
  return server;
}

absl::Status WriteServerFile(const std::string& data, const ServerFile& server) {
  const std::string path = ServerPath(data), temporary = path + ".new";
  {
    std::ofstream file(temporary, std::ios::trunc);
    file << ServerJson(server) << "\n";
    file.close();
    if (!file) return absl::UnavailableError(absl::StrCat(temporary, " cannot be written"));
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(path, " cannot be written"));
  }
  return absl::OkStatus();
}

void RemoveServerFile(const std::string& data) { std::remove(ServerPath(data).c_str()); }

absl::StatusOr<std::unique_ptr<App>> OpenTarget(const GlobalOptions& global,
                                                const std::set<ServiceRole>& roles, Log* log,
                                                bool make) {
  Config config;
  config.data = DataDirectory(global);
  config.roles = {};
  std::string address = global.server;
  if (address.empty()) {
    if (const auto server = FindServer(config.data); server.ok()) address = server->address;
  } else if (auto status = CheckAddress("--server", address); !status.ok()) {
    return status;
  }
  if (!address.empty()) {
    const EngineConfig& engine = global.engine;
    const char* option = !global.openai.url.empty() ? "--openai"
                         : !engine.model.empty()    ? "--model"
                         : !engine.embedder.empty() ? "--embedder"
                         : !engine.reranker.empty() ? "--reranker"
                                                    : nullptr;
    if (option != nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(option, " is for a process that answers itself, but the server at ", address,
                       " answers: give ", option, " to it"));
    }
    if (!global.server.empty()) {
      const auto status = WaitConnected(*MakeChannel(address), address,
                                        absl::Now() + kConnectTimeout, /*patient=*/false);
      if (!status.ok()) return status;
    }
    config.remotes = {address, address, address, address};
    return App::Make(config, log);
  }
  std::error_code error;
  if (make) {
    if (auto status = MakeDataDirectory(config.data); !status.ok()) return status;
  } else if (!fs::is_directory(IndexDirectory(config.data), error)) {
    return absl::NotFoundError(
        absl::StrCat("data directory ", config.data,
                     " holds no index: index something first, or give --data or --server"));
  }
  config.openai = global.openai;
  config.engine = global.engine;
  config.roles = roles;
  return App::Make(config, log);
}

absl::Status MakeDataDirectory(const std::string& data) {
  std::error_code error;
  fs::create_directories(data, error);
  if (!error) return absl::OkStatus();
  return absl::ErrnoToStatus(error.value(), absl::StrCat("data directory ", data));
}

absl::StatusOr<std::vector<retrieval::Filter>> ParseFilters(
    const std::vector<std::string>& filters) {
  std::vector<retrieval::Filter> result;
  for (const std::string& filter : filters) {
    const std::size_t equals = filter.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(absl::StrCat("--filter '", filter, "' is not FIELD=VALUE"));
    }
    result.push_back({filter.substr(0, equals), filter.substr(equals + 1)});
  }
  return result;
}

std::string ArgumentOrStdin(const std::string& argument) {
  if (argument != "-") return argument;
  std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

std::string Printable(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) c = ' ';
  }
  return result;
}

}  // namespace citeseek::services
