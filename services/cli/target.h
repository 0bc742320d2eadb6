// Target: decides whom a command talks to: a given server, the one that runs on the data directory,
// or the data directory itself, opened in this process.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/app.h"
#include "services/cli/commands.h"
#include "services/cli/json.h"

namespace citeseek::services {

std::string DataDirectory(const GlobalOptions& global);

// What a server of these options runs with: the options win over the file that they name.
absl::StatusOr<Config> MakeConfig(const GlobalOptions& global, const ServeOptions& options);

// Adds the sample corpus and makes it visible.
absl::Status IndexSample(indexer::Indexer& indexer);

// The server that runs on this data directory, if one answers.
absl::StatusOr<ServerFile> FindServer(const std::string& data);
absl::Status WriteServerFile(const std::string& data, const ServerFile& server);
void RemoveServerFile(const std::string& data);

// `roles`: what is opened in this process if there is no server. If there is no data directory
// either, `make` makes one; without it that is kNotFound.
absl::StatusOr<std::unique_ptr<App>> OpenTarget(const GlobalOptions& global,
                                                const std::set<ServiceRole>& roles, Log* log,
                                                bool make = false);

// Names the directory and what the system says.
absl::Status MakeDataDirectory(const std::string& data);

// "field=value" each. kInvalidArgument names the one without "=".
absl::StatusOr<std::vector<retrieval::Filter>> ParseFilters(
    const std::vector<std::string>& filters);

// The argument, or all of stdin if it is "-".
std::string ArgumentOrStdin(const std::string& argument);

// The text with control characters other than line breaks and tabs made harmless to a terminal.
std::string Printable(std::string_view text);

}  // namespace citeseek::services
