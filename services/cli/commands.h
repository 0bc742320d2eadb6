// Commands: what the command line asks for, and the functions that do it.
//
// Each function prints results on stdout, progress and errors on stderr, and returns the exit code:
// 0 done, 1 failed, 2 wrong usage, 3 partly done. Called from the main thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "retrieval/retriever.h"
#include "services/config.h"
#include "services/gateway/answerer.h"

namespace citeseek::services {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;
inline constexpr int kPartlyDone = 3;

// Options that every command takes.
struct GlobalOptions {
  std::string data;    // empty: $CITESEEK_HOME, else ~/.local/share/citeseek
  std::string server;  // empty: the one that runs on `data`, else none: open `data` in this process
  bool json = false;
  TlsConfig tls;  // of gRPC
  OpenAiConfig openai;
  EngineConfig engine;
};

struct ServeOptions {
  std::string config_file;  // empty: none
  std::string listen;       // empty: the config's
  std::string roles;        // empty: the config's
  std::string metrics;      // empty: the config's
  std::string http;         // empty: the config's, else `up` has a default; "off": none
  std::string log;          // empty: the config's
};
int RunUp(const GlobalOptions& global, const ServeOptions& options);
int RunServe(const GlobalOptions& global, const ServeOptions& options);

struct IndexOptions {
  std::vector<std::string> paths;
  std::string collection;  // empty: the default one
};
int RunIndex(const GlobalOptions& global, const IndexOptions& options);

struct ScopeOptions {
  std::string collection;            // empty: all
  std::vector<std::string> filters;  // "field=value"
};

struct SearchOptions {
  ScopeOptions scope;
  std::string query;         // "-": read it from stdin
  std::string queries_file;  // batch: a query a line
  std::string run_file;      // batch: TREC run, written whole or not at all
  retrieval::Legs legs = retrieval::Legs::kHybrid;
  int top_k = 10;
  int threads = 1;
};
int RunSearch(const GlobalOptions& global, const SearchOptions& options);

struct EvalOptions {
  ScopeOptions scope;
  std::string queries_file;
  std::string qrels_file;
  retrieval::Legs legs = retrieval::Legs::kHybrid;
  int top_k = 100;
  int threads = 1;
};
int RunEval(const GlobalOptions& global, const EvalOptions& options);

struct AskOptions {
  ScopeOptions scope;
  std::string question;  // "-": read it from stdin
  gateway::Mode mode = gateway::Mode::kAuto;
  int top_k = 8;
  int thinking_budget = 0;
  std::string session;  // its id, or "new"; empty: none
  std::uint64_t seed = 0;
  gateway::Drawing drawing;
  bool no_cache = false;
  bool follow_ups = false;
};
int RunAsk(const GlobalOptions& global, const AskOptions& options);

struct ConversationOptions {
  std::string session;
  int before = 0;
  int limit = 50;
};
int RunListConversations(const GlobalOptions& global, const ConversationOptions& options);
int RunShowConversation(const GlobalOptions& global, const ConversationOptions& options);
int RunDeleteConversation(const GlobalOptions& global, const ConversationOptions& options);

// Makes the answer of a receipt again, and tells what is not the same.
struct ReplayOptions {
  std::string receipt;  // file with a line of `ask --json`, or its receipt; "-": stdin
};
int RunReplay(const GlobalOptions& global, const ReplayOptions& options);

struct CheckOptions {
  ScopeOptions scope;
  std::string answer;                  // file; "-": read it from stdin
  std::vector<std::string> documents;  // [n] is the n-th; none: search the index
};
int RunCheck(const GlobalOptions& global, const CheckOptions& options);

struct DocumentOptions {
  std::vector<std::string> ids;
  std::string collection;  // empty: the one that holds the id
  std::uint64_t version = 0;
};
int RunGet(const GlobalOptions& global, const DocumentOptions& options);
int RunDelete(const GlobalOptions& global, const DocumentOptions& options);

int RunDoctor(const GlobalOptions& global, const ServeOptions& options);
int RunFsck(const GlobalOptions& global);
int RunVersion(const GlobalOptions& global);
std::string VersionText();  // "citeseek 0.1.0"

// Prints "citeseek: <message>" on stderr.
int Fail(const absl::Status& status, int code = kFailed);

}  // namespace citeseek::services
