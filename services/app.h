// App: turns a Config into the running parts of one process; the only place that constructs them.
//
// A role of Config::roles becomes a local object; any other whose address is in Config::remotes
// becomes a client of the same door; the rest are absent (null). Make it on one thread; the doors
// are thread-safe.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "indexer/indexer.h"
#include "inference/generator.h"
#include "retrieval/retriever.h"
#include "services/config.h"
#include "services/gateway/answerer.h"
#include "services/log.h"

namespace citeseek::services {

// kUnavailable says why nothing can listen there.
absl::Status CheckListen(const std::string& address);

// The index of a data directory.
std::string IndexDirectory(const std::string& data);
// And where its gateway keeps conversations.
std::string ConversationDirectory(const std::string& data);

class App {
 public:
  // Errors: kInvalidArgument (a role lacks what it needs), those of the index directory,
  // kUnavailable (a remote role does not answer within 30 s).
  static absl::StatusOr<std::unique_ptr<App>> Make(const Config& config, Log* log);
  ~App();

  // Null where this process has neither the role nor its address.
  inference::Embedder* embedder() const;
  indexer::Indexer* indexer() const;
  retrieval::Retriever* retriever() const;
  gateway::Answerer* answerer() const;

  // Serves the local roles at Config::listen, and the doors at Config::http.listen; returns the
  // address with the real port. kUnavailable names the address and why it cannot be used.
  absl::StatusOr<std::string> Serve();

  // Of the Prometheus page and of HTTP, with the real port; empty: there is none.
  std::string metrics_address() const;
  std::string http_address() const;

  // Takes what may change without a restart: the keys of HTTP, and the answering model, which is
  // opened beside the old one; running calls end with the model that they began with. What fails
  // stays as it was, and the error says so. kFailedPrecondition if this process has neither.
  absl::Status Reload(const Config& config);

  // Stops taking calls, lets the running ones finish for `grace`, then cancels them.
  void Shutdown(absl::Duration grace);

 private:
  struct Parts;
  explicit App(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace citeseek::services
