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
#include "indexer/parser.h"
#include "services/call.h"
#include "services/sample.h"

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
  // Who serves its own certificate without an authority is believed by that certificate.
  if (server->tls.authority.empty()) server->tls.authority = server->tls.certificate;
  const auto channel = MakeChannel(server->address, server->tls);
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
  config.tls = global.tls;
  std::string address = global.server;
  if (address.empty()) {
    if (const auto server = FindServer(config.data); server.ok()) {
      address = server->address;
      config.tls = server->tls;
    }
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
      const auto status = WaitConnected(*MakeChannel(address, config.tls), address,
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

absl::StatusOr<Config> MakeConfig(const GlobalOptions& global, const ServeOptions& options) {
  Config config;
  if (!options.config_file.empty()) {
    auto read = ReadConfig(options.config_file);
    if (!read.ok()) return read.status();
    config = *std::move(read);
  }
  if (!global.data.empty() || config.data.empty()) config.data = DataDirectory(global);
  if (!options.listen.empty()) config.listen = options.listen;
  if (!options.metrics.empty()) config.metrics = options.metrics;
  if (!options.http.empty()) config.http.listen = options.http == "off" ? "" : options.http;
  if (!options.log.empty()) config.log = options.log;
  if (!global.tls.certificate.empty()) config.tls.certificate = global.tls.certificate;
  if (!global.tls.key.empty()) config.tls.key = global.tls.key;
  if (!global.tls.authority.empty()) config.tls.authority = global.tls.authority;
  if (!global.openai.url.empty()) {
    config.openai = global.openai;
    config.engine.model.clear();
  }
  const EngineConfig& engine = global.engine;
  if (!engine.model.empty()) {
    config.engine.model = engine.model;
    config.openai = {};
  }
  if (!engine.embedder.empty()) config.engine.embedder = engine.embedder;
  if (!engine.reranker.empty()) config.engine.reranker = engine.reranker;
  if (!engine.quantize.empty()) config.engine.quantize = engine.quantize;
  if (engine.kv_memory > 0) config.engine.kv_memory = engine.kv_memory;
  if (!engine.device.empty()) config.engine.device = engine.device;
  if (engine.threads > 0) config.engine.threads = engine.threads;
  if (!options.roles.empty()) {
    auto roles = ParseRoles(options.roles);
    if (!roles.ok()) return roles.status();
    config.roles = *std::move(roles);
  }
  if (!config.http.listen.empty()) {
    if (auto s = CheckAddress("http address", config.http.listen); !s.ok()) return s;
  }
  if (!config.metrics.empty()) {
    if (auto s = CheckAddress("metrics address", config.metrics); !s.ok()) return s;
  }
  if (auto s = CheckAddress("listen address", config.listen); !s.ok()) return s;
  return config;
}

absl::Status IndexSample(indexer::Indexer& indexer) {
  std::vector<indexer::Document> documents;
  for (const SampleFile& file : SampleCorpus()) {
    absl::Status fault;
    const auto parsed =
        indexer::ParseBytes(file.name, file.bytes, [&](absl::StatusOr<indexer::Document> document) {
          if (!document.ok()) {
            fault = document.status();
            return false;
          }
          document->collection = kSampleCollection;
          documents.push_back(*std::move(document));
          return true;
        });
    if (!fault.ok()) return fault;
    if (!parsed.ok()) return parsed;
  }
  if (const auto added = indexer.Add({.documents = documents}); !added.ok()) return added.status();
  return indexer.Commit({}).status();
}

}  // namespace citeseek::services
