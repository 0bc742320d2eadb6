// Config: turns a YAML file into plain options.
//
// Free functions, thread-safe. An unknown key or a wrong type is kInvalidArgument with
// "file:line:column: " and, for a key, the allowed ones. Secrets are never in the file: it names
// the file that holds them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace citeseek::services {

enum class ServiceRole { kGateway, kRetrieval, kIndexer, kInference };

inline constexpr std::string_view kDefaultAddress = "127.0.0.1:7601";
inline constexpr std::string_view kDefaultHttpAddress = "127.0.0.1:8080";  // of `citeseek up`

// Where the roles are that this process needs but does not run: "host:port", empty: nowhere.
struct Remotes {
  std::string gateway;
  std::string retrieval;
  std::string indexer;
  std::string inference;
};

// A model server that speaks OpenAI's chat/completions.
struct OpenAiConfig {
  std::string url;       // "http://host:port/v1"; empty: none
  std::string model;     // the name it knows the model by
  std::string key_file;  // holds the key; empty: $CITESEEK_OPENAI_KEY, or none
};

// Models that this process runs itself: folders or GGUF files.
struct EngineConfig {
  std::string model;     // that answers; empty: none
  std::string embedder;  // empty: the one that needs no model
  std::string reranker;  // empty: hits keep the order of their search
  std::string quantize;  // "q8", "q5" or "q4": the answering model's weights; empty: as they are
  std::int64_t kv_memory = 0;  // bytes of its keys and values; 0: a quarter of what is free, 1 GiB
                               // at most
  int threads = 0;             // 0: one a processor
  std::string device;          // "cpu", "cuda"; empty or "auto": the GPU if there is one
};

// Who may call over HTTP, known by the hash of a key that is nowhere in the configuration.
struct KeyConfig {
  std::string name;    // in logs and messages
  std::string sha256;  // of the key, 64 hex digits
  absl::Time expires = absl::InfiniteFuture();
  int requests_per_minute = 0;         // 0: no limit
  std::int64_t tokens_per_minute = 0;  // of prompts and answers; 0: no limit
};

// PEM files; empty: none.
struct TlsConfig {
  std::string certificate;  // that we show, with the chain up to the authority
  std::string key;          // of the certificate
  std::string authority;    // whose certificates we believe; callers must then show one
};

struct HttpConfig {
  std::string listen;             // "host:port"; empty: no HTTP
  TlsConfig tls;                  // with a certificate it is HTTPS
  bool or_any_port = false;       // if the port is taken; not in the file
  std::vector<std::string> cors;  // origins whose pages may call; "*": all
  std::vector<KeyConfig> keys;    // none: everybody may call
  std::int64_t max_body = 4 << 20;
  int connections = 12000;
};

struct Limits {
  int workers = 16;               // calls of one service that run at once, in [1, 1024]
  std::size_t queue_limit = 256;  // calls that wait behind them, in [1, 65536]
  // Of questions, which have lines of their own (services/gateway/admission.h):
  // That the model answers at once, in [1, 256]. 0: of a model in the process as many as it has
  // slots, of a server what it is found to take.
  int model_calls = 0;
  std::size_t questions = 512;  // that wait for it, in [1, 4096]
  int patience_s = 20;          // a longer wait is answered with less work, in [1, 600]
  int grace_s = 30;             // that running calls get when the server stops, in [0, 3600]
  absl::Duration session_ttl = absl::Hours(24 * 7);  // of conversations, since their last turn
  std::int64_t answer_cache = 64 << 20;              // bytes of answers kept in memory; 0: none
};

struct Config {
  std::string data;  // directory
  std::string listen{kDefaultAddress};
  std::string metrics;  // "host:port" of the Prometheus page; empty: none
  std::string log = "info";
  std::set<ServiceRole> roles = {ServiceRole::kGateway, ServiceRole::kRetrieval,
                                 ServiceRole::kIndexer, ServiceRole::kInference};
  Remotes remotes;
  TlsConfig tls;  // of gRPC: what this process serves, and its calls to remotes
  OpenAiConfig openai;
  EngineConfig engine;
  HttpConfig http;
  Limits limits;
};

// `name` stands for the file in messages.
absl::StatusOr<Config> ParseConfig(std::string_view yaml, const std::string& name);
absl::StatusOr<Config> ReadConfig(const std::string& path);

// "gateway,retrieval" -> roles. kInvalidArgument names the unknown one and the allowed ones.
absl::StatusOr<std::set<ServiceRole>> ParseRoles(std::string_view list);

// "512MiB", "1.5G", "1073741824" -> bytes; units are powers of 1024.
absl::StatusOr<std::int64_t> ParseSize(std::string_view text);

// kInvalidArgument unless it is HOST:PORT with a port in [0, 65535].
absl::Status CheckAddress(std::string_view what, std::string_view address);

// The key of the model server: from the file, else from $CITESEEK_OPENAI_KEY, else empty.
absl::StatusOr<std::string> ReadOpenAiKey(const OpenAiConfig& config);

}  // namespace citeseek::services
