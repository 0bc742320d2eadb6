// Json: the shapes that `--json` prints, one object a line; scripts rely on the names.
//
// Free functions, thread-safe. Each returns one line without its line break.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "indexer/indexer.h"
#include "retrieval/retriever.h"
#include "services/config.h"
#include "services/gateway/answerer.h"

namespace citeseek::services {

std::string HitJson(const retrieval::Hit& hit, std::size_t rank);
std::string EventJson(const gateway::Event& event);
// With its turns; a list has none.
std::string ConversationJson(const gateway::Conversation& conversation);
std::string ConversationsJson(const std::vector<gateway::Conversation>& conversations);
// A line a sentence, with its own words and citations, then one with the counts.
std::vector<std::string> CheckJson(std::string_view text, const gateway::CheckReport& report);
std::string VerdictName(gateway::Verdict verdict);  // "supported"
std::string DocumentJson(const indexer::StoredDocument& stored);
std::string FsckJson(const indexer::FsckReport& report);

// Numbers and texts in the order given, for flat reports.
struct JsonField {
  std::string name;
  double number = 0;
  std::string text;
  bool is_text = false;
  JsonField(std::string n, double v) : name(std::move(n)), number(v) {}
  JsonField(std::string n, std::string t) : name(std::move(n)), text(std::move(t)), is_text(true) {}
};
std::string FlatJson(const std::vector<JsonField>& fields);

// One line of a queries file, {"_id", "text", ...}. kInvalidArgument says what is wrong.
struct QueryLine {
  std::string id;
  std::string text;
};
absl::StatusOr<QueryLine> ParseQueryLine(std::string_view line);

// What `up` leaves in its data directory so that other commands find it.
struct ServerFile {
  std::string address;
  int pid = 0;
  TlsConfig tls;  // of its gRPC, for who may read the files
};
std::string ServerJson(const ServerFile& server);
absl::StatusOr<ServerFile> ParseServerJson(std::string_view json);

}  // namespace citeseek::services
