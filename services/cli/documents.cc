#include <iostream>

#include "absl/strings/str_cat.h"
#include "services/cli/commands.h"
#include "services/cli/target.h"

namespace citeseek::services {
namespace {

const std::set<ServiceRole> kRoles = {ServiceRole::kInference, ServiceRole::kIndexer};

}  // namespace

int RunGet(const GlobalOptions& global, const DocumentOptions& options) {
  Log log("warn");
  const auto app = OpenTarget(global, kRoles, &log);
  if (!app.ok()) return Fail(app.status());
  const auto stored = (*app)->indexer()->Get(
      {.key = {options.ids.front(), options.collection}, .version = options.version});
  if (!stored.ok()) return Fail(stored.status());
  if (global.json) {
    std::cout << DocumentJson(*stored) << "\n";
  } else {
    // The text goes out byte for byte: citations count its bytes.
    std::cerr << stored->document.title << "  (" << stored->document.id << ", version "
              << stored->version << ")\n";
    std::cout << stored->document.text;
  }
  return kDone;
}

int RunDelete(const GlobalOptions& global, const DocumentOptions& options) {
  Log log("warn");
  const auto app = OpenTarget(global, kRoles, &log);
  if (!app.ok()) return Fail(app.status());
  std::vector<indexer::DocumentKey> keys;
  for (const std::string& id : options.ids) keys.push_back({id, options.collection});
  const auto results = (*app)->indexer()->Delete({.keys = keys});
  if (!results.ok()) return Fail(results.status());
  const auto generation = (*app)->indexer()->Commit({});
  if (!generation.ok()) return Fail(generation.status());
  std::size_t deleted = 0;
  for (std::size_t i = 0; i < results->size(); ++i) {
    if ((*results)[i].status.ok()) {
      ++deleted;
    } else {
      Fail(absl::Status((*results)[i].status.code(),
                        absl::StrCat(keys[i].id, ": ", (*results)[i].status.message())));
    }
  }
  const auto number = [](auto n) { return static_cast<double>(n); };
  if (global.json) {
    std::cout << FlatJson({{"deleted", number(deleted)},
                           {"failed", number(keys.size() - deleted)},
                           {"generation", number(*generation)}})
              << "\n";
  } else {
    std::cout << "deleted " << deleted << " of " << keys.size() << " documents; generation "
              << *generation << "\n";
  }
  return deleted == keys.size() ? kDone : deleted > 0 ? kPartlyDone : kFailed;
}

int RunFsck(const GlobalOptions& global) {
  if (!global.server.empty()) {
    return Fail(absl::InvalidArgumentError(
                    "fsck reads files: stop the server and give its --data directory"),
                kWrongUsage);
  }
  const auto report = indexer::CheckIndex(IndexDirectory(DataDirectory(global)));
  if (!report.ok()) return Fail(report.status());
  if (global.json) {
    std::cout << FsckJson(*report) << "\n";
  } else {
    std::cout << "generation " << report->generation << " is sound: " << report->segments
              << " segments, " << report->documents << " documents, " << report->passages
              << " passages, " << report->terms << " terms, " << report->postings << " postings\n";
  }
  return kDone;
}

int RunVersion(const GlobalOptions& global) {
  if (global.json) {
    std::cout << FlatJson({{"version", std::string(CITESEEK_VERSION)}}) << "\n";
  } else {
    std::cout << VersionText() << "\n";
  }
  return kDone;
}

std::string VersionText() { return "citeseek " CITESEEK_VERSION; }

}  // namespace citeseek::services
