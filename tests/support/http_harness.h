// HttpHarness: a real HTTP server on loopback over fake doors.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "services/http/keys.h"
#include "services/http/routes.h"
#include "services/http/server.h"
#include "tests/support/fake_doors.h"
#include "tests/support/http_client.h"

namespace citeseek::testing {

class HttpHarness {
 public:
  using Routes = std::vector<http::Route> (*)(const http::Doors&);

  explicit HttpHarness(http::ServerOptions options = {},
                       const std::vector<Routes>& apis = {http::ApiRoutes, http::ChatRoutes,
                                                          http::ResponsesRoutes,
                                                          http::ModelRoutes}) {
    const http::Doors doors = {.answerer = &answerer,
                               .retriever = &retriever,
                               .indexer = &indexer,
                               .embedder = &embedder,
                               .reranker = &reranker,
                               .ready = [this] { return ready; }};
    options.listen = "127.0.0.1:0";
    for (const Routes routes : apis) {
      for (http::Route& route : routes(doors)) options.routes.push_back(std::move(route));
    }
    options.observer = [this](const services::CallRecord& record) {
      const std::scoped_lock lock(mutex_);
      records_.push_back(record);
    };
    server = *http::Server::Start(std::move(options));
  }

  std::string address() const { return server->address(); }
  HttpReply Get(std::string_view target, const HttpHeaders& headers = {}) const {
    return Fetch(address(), "GET", target, "", headers);
  }
  HttpReply Post(std::string_view target, std::string_view body,
                 const HttpHeaders& headers = {}) const {
    return Fetch(address(), "POST", target, body, headers);
  }
  std::vector<services::CallRecord> records() const {
    const std::scoped_lock lock(mutex_);
    return records_;
  }

  FakeAnswerer answerer;
  FakeRetriever retriever;
  FakeIndexer indexer;
  FakeEmbedder embedder;
  FakeReranker reranker;
  absl::Status ready;

 private:
  mutable std::mutex mutex_;
  std::vector<services::CallRecord> records_;

 public:
  std::unique_ptr<http::Server> server;  // goes before what it calls
};

}  // namespace citeseek::testing
