// doctor: looks at everything that a start and an answer need, and says what to do about the rest.
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "indexer/analyzer.h"
#include "inference/workbench.h"
#include "services/app.h"
#include "services/call.h"
#include "services/cli/commands.h"
#include "services/cli/json.h"
#include "services/cli/target.h"
#include "services/sample.h"
#include "services/tls.h"

namespace citeseek::services {
namespace {

namespace fs = std::filesystem;

constexpr double kGiB = 1 << 30;
constexpr double kLeastDiskGiB = 1;
constexpr double kLeastDiskShare = 0.1;
constexpr absl::Duration kAnswerPatience = absl::Minutes(2);
constexpr char kQuestion[] = "When was Halden Bridge opened?";

enum class Health { kGood, kDoubtful, kBad };

// Prints what was found, one line a thing, and remembers the worst.
class Report {
 public:
  explicit Report(bool json) : json_(json) {}

  void Good(const std::string& what, const std::string& found) {
    Add(Health::kGood, what, found, "");
  }
  void Doubtful(const std::string& what, const std::string& found, const std::string& fix) {
    Add(Health::kDoubtful, what, found, fix);
  }
  void Bad(const std::string& what, const std::string& found, const std::string& fix) {
    Add(Health::kBad, what, found, fix);
  }
  void Bad(const std::string& what, const absl::Status& status, const std::string& fix) {
    Bad(what, std::string(status.message()), fix);
  }
  // Good if the status is ok.
  bool Told(const std::string& what, const absl::Status& status, const std::string& found,
            const std::string& fix) {
    if (status.ok()) {
      Good(what, found);
    } else {
      Bad(what, status, fix);
    }
    return status.ok();
  }
  bool bad() const { return bad_; }

 private:
  void Add(Health health, const std::string& what, const std::string& found,
           const std::string& fix) {
    bad_ = bad_ || health == Health::kBad;
    const char* name = health == Health::kGood ? "ok" : health == Health::kBad ? "bad" : "doubtful";
    if (json_) {
      std::cout << FlatJson({{"check", what},
                             {"status", std::string(name)},
                             {"found", found},
                             {"fix", fix}})
                << std::endl;
      return;
    }
    std::cout << absl::StrFormat("%-9s %-10s %s", name, what, Printable(found)) << std::endl;
    if (!fix.empty()) std::cout << std::string(21, ' ') << "-> " << fix << std::endl;
  }

  const bool json_;
  bool bad_ = false;
};

void CheckVersions(Report& report) {
  utsname system{};
  uname(&system);
  report.Good("version", absl::StrCat(VersionText(), ", ", system.sysname, " ", system.release, " ",
                                      system.machine, ", ", grpc::Version(), " (gRPC)"));
}

// The directory itself, or the nearest one above it that exists.
fs::path Existing(fs::path path) {
  std::error_code error;
  path = fs::absolute(path, error);
  while (!fs::exists(path, error) && path.has_parent_path() && path != path.parent_path()) {
    path = path.parent_path();
  }
  return path;
}

void CheckDirectory(const std::string& data, Report& report) {
  const fs::path existing = Existing(data);
  const bool there = existing == fs::absolute(data);
  std::error_code error;
  if (!fs::is_directory(existing, error)) {
    report.Bad("data", existing.string() + " is no directory", "give another --data");
  } else if (access(existing.c_str(), R_OK | W_OK | X_OK) != 0) {
    report.Bad("data", absl::StrCat(existing.string(), ": ", std::strerror(errno)),
               absl::StrCat("chown it to this user (", geteuid(), "), or give another --data"));
  } else {
    report.Good("data", there ? data : data + " will be made");
  }
  struct statvfs disk {};
  if (statvfs(existing.c_str(), &disk) != 0) {
    report.Doubtful("disk", std::strerror(errno), "see df " + existing.string());
    return;
  }
  const double free = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
  const double all = static_cast<double>(disk.f_blocks) * static_cast<double>(disk.f_frsize);
  const std::string found = absl::StrFormat("%.1f of %.1f GiB are free", free / kGiB, all / kGiB);
  const std::string fix = "an index takes 2 to 3 times its text, twice that while it is merged";
  if (free < kLeastDiskGiB * kGiB / 4) {
    report.Bad("disk", found, "free some: " + fix);
  } else if (free < kLeastDiskGiB * kGiB || free < kLeastDiskShare * all) {
    report.Doubtful("disk", found, fix);
  } else {
    report.Good("disk", found);
  }
}

void CheckMachine(const HttpConfig& http, Report& report) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const auto wanted = static_cast<rlim_t>(http.listen.empty() ? 256 : http.connections + 256);
  const std::string found = absl::StrCat(files.rlim_max, " files may be open");
  if (files.rlim_max < wanted) {
    report.Doubtful(
        "files", found,
        absl::StrCat("ulimit -Hn ", wanted, ", or less http.connections (", http.connections, ")"));
  } else {
    report.Good("files", found);
  }
  timex clock{};
  const int state = adjtimex(&clock);
  const std::string now = absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::UTCTimeZone());
  if (absl::Now() < absl::FromCivil(absl::CivilDay(2025, 1, 1), absl::UTCTimeZone())) {
    report.Bad("clock", now, "set it: keys and certificates are judged by it");
  } else if (state == TIME_ERROR) {
    report.Doubtful("clock", now + ", not synchronised",
                    "run an NTP client (systemd-timesyncd, chrony): keys and certificates are "
                    "judged by the clock");
  } else {
    report.Good("clock", now);
  }
}

void CheckPort(const std::string& what, const std::string& address, bool ours, Report& report) {
  if (address.empty()) return;
  if (auto status = CheckAddress(what + " address", address); !status.ok()) {
    report.Bad(what, status, "give HOST:PORT");
  } else if (const auto used = CheckListen(address); used.ok()) {
    report.Good(what, address + " is free");
  } else if (ours) {
    report.Good(what, address + ": the server of this data directory");
  } else {
    report.Bad(what, used, "stop the other process, or take another port");
  }
}

void CheckFiles(const Config& config, Report& report) {
  for (const auto& [what, tls] : {std::pair<const char*, const TlsConfig&>{"tls", config.tls},
                                  {"http tls", config.http.tls}}) {
    if (tls.certificate.empty() && tls.key.empty() && tls.authority.empty()) continue;
    report.Told(what, CheckTls(tls), tls.certificate + tls.authority,
                "see \"Encryption\" in docs/operations.md");
  }
}

// `loaded`: a start has opened them all, once; else each is looked at, to find the one at fault.
void CheckModels(const EngineConfig& config, bool loaded, Report& report) {
  for (const auto& [what, path] :
       {std::pair<const char*, const std::string&>{"model", config.model},
        {"embedder", config.embedder},
        {"reranker", config.reranker}}) {
    if (path.empty()) continue;
    const absl::Status status =
        loaded ? absl::OkStatus() : inference::Workbench(path, {}).Info().status();
    report.Told(what, status, path + (loaded ? ": loaded" : ""),
                absl::StrCat("give a whole Hugging Face folder or GGUF file; `citeseek model info "
                             "--model ",
                             path, "`"));
  }
}

void CheckRemotes(const Config& config, Report& report) {
  for (const auto& [role, address] :
       {std::pair<const char*, const std::string&>{"gateway", config.remotes.gateway},
        {"retrieval", config.remotes.retrieval},
        {"indexer", config.remotes.indexer},
        {"inference", config.remotes.inference}}) {
    if (address.empty()) continue;
    report.Told(role,
                WaitConnected(*MakeChannel(address, config.tls), address,
                              absl::Now() + absl::Seconds(5), /*patient=*/false),
                address + " answers", "start it, or correct remotes." + std::string(role));
  }
}

// Asks, and proves the first citation on the stored document.
absl::Status AskAndProve(App& app, gateway::Mode mode, std::string* told) {
  const auto answer = app.answerer()->Ask({.text = kQuestion,
                                           .mode = mode,
                                           .collection = kSampleCollection,
                                           .deadline = absl::Now() + kAnswerPatience},
                                          [](const gateway::Event&) { return true; });
  if (!answer.ok()) return answer.status();
  *told = absl::StrFormat("answered in %.0f ms", absl::ToDoubleMilliseconds(answer->receipt.total));
  if (mode != gateway::Mode::kExtract) {
    if (answer->receipt.mode == mode) return absl::OkStatus();
    return absl::UnavailableError(answer->receipt.degraded);
  }
  if (answer->citations.empty()) return absl::InternalError("the answer has no citation");
  const gateway::Citation& citation = answer->citations.front();
  const auto document =
      app.indexer()->Get({.key = {citation.document_id, citation.collection}, .version = 0});
  if (!document.ok()) return document.status();
  if (document->document.text.substr(citation.start, citation.end - citation.start) ==
      citation.quote) {
    return absl::OkStatus();
  }
  return absl::InternalError("the quote of the citation is not in the document");
}

// The index of the data directory, if no server has it.
// `embedder`: the configured one; null if it could not be opened, which was told.
void CheckIndex(const Config& config, bool served, inference::Embedder* embedder, Report& report) {
  const std::string path = IndexDirectory(config.data);
  std::error_code error;
  if (served || embedder == nullptr) return;
  if (!fs::exists(path, error)) {
    report.Good("index", "none yet: `citeseek index PATH...` makes one");
    return;
  }
  const auto analyzer = indexer::MakeAnalyzer();
  const auto opened =
      indexer::OpenIndexer({.directory = path, .analyzer = analyzer.get(), .embedder = embedder});
  absl::Status status = opened.status();
  std::string found;
  if (status.ok()) {
    const auto stats = (*opened)->Stats();
    status = stats.status();
    if (stats.ok()) {
      found = absl::StrCat(stats->documents, " documents, generation ", stats->generation);
    }
  }
  report.Told("index", status, found,
              absl::IsFailedPrecondition(status)
                  ? "stop the process that holds it, or give its address with --server; another "
                    "embedder needs a new --data"
                  : "`citeseek fsck`, then restore a copy or index the documents again");
}

// Starts all that is configured, on the sample corpus in a directory of its own, and asks it. No
// model is opened twice: the index of the data directory is looked at with the same embedder.
void CheckAnswers(const Config& configured, bool served, Log* log, Report& report) {
  std::string directory = (fs::temp_directory_path() / "citeseek_doctor_XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) {
    report.Bad("answer", absl::StrCat(directory, ": ", std::strerror(errno)),
               "make the directory for temporary files writable, or set TMPDIR");
    return;
  }
  Config config = configured;
  config.data = directory;
  config.remotes = {};
  config.roles = Config().roles;
  {
    const auto app = App::Make(config, log);
    absl::Status status = app.status();
    CheckModels(config.engine, status.ok(), report);
    const auto hashing = inference::MakeHashingEmbedder();
    CheckIndex(configured, served,
               status.ok()                      ? (*app)->embedder()
               : config.engine.embedder.empty() ? hashing.get()
                                                : nullptr,
               report);
    if (status.ok()) status = IndexSample(*(*app)->indexer());
    std::string told;
    const bool answers =
        status.ok() && (status = AskAndProve(**app, gateway::Mode::kExtract, &told)).ok();
    report.Told("answer", status, told + " with an exact citation",
                "correct what the message names; if nothing is wrong with it, it is a bug of ours");
    if (answers && !(config.openai.url.empty() && config.engine.model.empty())) {
      status = AskAndProve(**app, gateway::Mode::kQuick, &told);
      report.Told("generator", status, told,
                  config.openai.url.empty() ? "see `citeseek model generate`"
                                            : "see that " + config.openai.url + " answers");
    }
  }
  std::error_code ignored;
  fs::remove_all(directory, ignored);
}

}  // namespace

int RunDoctor(const GlobalOptions& global, const ServeOptions& options) {
  Report report(global.json);
  CheckVersions(report);
  const auto config = MakeConfig(global, options);
  if (!options.config_file.empty() || !config.ok()) {
    report.Told("config", config.status(), options.config_file,
                "see \"Start and stop\" in docs/operations.md");
  }
  if (!config.ok()) return kFailed;
  CheckDirectory(config->data, report);
  CheckMachine(config->http, report);
  const auto server = FindServer(config->data);
  if (server.ok()) {
    report.Good("server", absl::StrCat("runs at ", server->address, ", process ", server->pid));
  }
  CheckPort("listen", config->listen, server.ok(), report);
  CheckPort("http", config->http.listen, server.ok(), report);
  CheckPort("metrics", config->metrics, server.ok(), report);
  CheckFiles(*config, report);
  CheckRemotes(*config, report);
  Log log("off");
  CheckAnswers(*config, server.ok(), &log, report);
  return report.bad() ? kFailed : kDone;
}

}  // namespace citeseek::services
