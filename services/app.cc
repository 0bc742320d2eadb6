#include "services/app.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "indexer/analyzer.h"
#include "indexer/snapshot.h"
#include "inference/embedder.h"
#include "inference/engine.h"
#include "inference/reranker.h"
#include "retrieval/hybrid_retriever.h"
#include "retrieval/reranking_retriever.h"
#include "services/call.h"
#include "services/gateway/admission.h"
#include "services/gateway/answer_cache.h"
#include "services/gateway/client.h"
#include "services/gateway/conversations.h"
#include "services/gateway/server.h"
#include "services/health.h"
#include "services/http/connect.h"
#include "services/http/keys.h"
#include "services/http/page.h"
#include "services/http/routes.h"
#include "services/http/server.h"
#include "services/indexer/client.h"
#include "services/indexer/server.h"
#include "services/inference/client.h"
#include "services/inference/hot_engine.h"
#include "services/inference/openai_client.h"
#include "services/inference/server.h"
#include "services/metrics.h"
#include "services/retrieval/client.h"
#include "services/retrieval/server.h"
#include "services/tls.h"

namespace citeseek::services {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(30);
constexpr int kMostModelCalls = 64;  // of a server, however many it takes
constexpr absl::Duration kFirstTokenTimeout = absl::Minutes(2);

absl::Status Missing(const char* role, const char* needed) {
  return absl::InvalidArgumentError(absl::StrCat("role ", role, " needs ", needed, ": add ", needed,
                                                 " to roles or give its address in remotes.",
                                                 needed));
}

int Threads(const EngineConfig& config) {
  const auto processors = static_cast<int>(std::thread::hardware_concurrency());
  return config.threads > 0 ? config.threads : std::max(1, processors);
}

inference::Device DeviceOf(const EngineConfig& config) {
  if (config.device == "cpu") return inference::Device::kCpu;
  return config.device == "cuda" ? inference::Device::kCuda : inference::Device::kAuto;
}

// Opens the model and lets it say a token.
absl::StatusOr<std::unique_ptr<inference::Engine>> OpenTried(const EngineConfig& config) {
  const inference::ModelOptions model = {
      .device = DeviceOf(config),
      .threads = Threads(config),
      .storage = config.quantize == "q8"   ? inference::Storage::kQ8
                 : config.quantize == "q5" ? inference::Storage::kQ5
                 : config.quantize == "q4" ? inference::Storage::kQ4
                                           : inference::Storage::kAsStored};
  auto engine = inference::OpenEngine(config.model, {.model = model, .kv_bytes = config.kv_memory});
  if (!engine.ok()) return engine.status();
  std::int64_t steps = 0;
  const absl::Status tried = TryEngine(**engine, absl::Now() + kFirstTokenTimeout, &steps);
  if (tried.ok()) return engine;
  return absl::Status(tried.code(),
                      absl::StrCat(config.model, " says nothing: ", std::string(tried.message())));
}

}  // namespace

absl::Status CheckListen(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  std::string reason;
  if (const int code = getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found);
      code != 0) {
    reason = gai_strerror(code);
  } else {
    const int fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    // As servers do it: what waits for its last packets is no one.
    const int on = 1;
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0) {
      reason = absl::StrCat(std::strerror(errno), errno == EADDRINUSE
                                                      ? ": another process listens there; give "
                                                        "--listen another port, or port 0"
                                                      : "");
    }
    if (fd >= 0) close(fd);
    freeaddrinfo(found);
  }
  if (reason.empty()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("listen address ", address, ": ", reason));
}

std::string IndexDirectory(const std::string& data) {
  return (std::filesystem::path(data) / "index").string();
}

std::string ConversationDirectory(const std::string& data) {
  return (std::filesystem::path(data) / "conversations").string();
}

// Members are destroyed from the last to the first: callers before what they call.
struct App::Parts {
  Config config;
  Log* log = nullptr;

  // inference
  std::unique_ptr<inference::Embedder> embedder;
  std::unique_ptr<inference::Reranker> reranker;
  std::unique_ptr<inference::Generator> generator;
  HotEngine* engine = nullptr;    // the generator, if it is a model of this process
  std::int64_t engine_steps = 0;  // the canary's
  std::function<std::string()> generator_name;
  // indexer and retrieval
  std::unique_ptr<const indexer::Analyzer> analyzer;
  std::unique_ptr<indexer::Indexer> indexer;
  std::unique_ptr<indexer::SnapshotSource> snapshots;
  std::unique_ptr<retrieval::Retriever> search;  // what a reranking retriever is made of
  std::unique_ptr<retrieval::Retriever> retriever;
  // gateway
  std::mutex store_mutex;
  std::unique_ptr<gateway::ConversationStore> store;  // once it is needed; guarded by store_mutex
  std::unique_ptr<gateway::MeasuredGenerator> measured;  // where it is not known what it takes
  std::unique_ptr<gateway::Answerer> unlimited;          // answers whatever comes
  std::unique_ptr<gateway::Admission> admission;         // has a line before it
  std::unique_ptr<gateway::AnswerCache> cache;           // knows what it has answered
  std::unique_ptr<gateway::Answerer> answerer;           // knows what was said before

  std::unique_ptr<Metrics> metrics;
  std::vector<std::unique_ptr<grpc::Service>> services;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<Health> health;
  std::unique_ptr<http::Keys> keys;
  std::unique_ptr<TlsContext> http_tls;
  std::unique_ptr<http::Server> http;

  bool Has(ServiceRole role) const { return config.roles.contains(role); }
  // Questions wait on their threads, in the lines of the admission: those are the limit.
  int QuestionThreads() const {
    return 2 * static_cast<int>(config.limits.questions) + ModelCalls() + config.limits.workers;
  }
  // At most, where it is found out how many.
  int ModelCalls() const {
    if (config.limits.model_calls > 0) return config.limits.model_calls;
    return engine != nullptr ? inference::EngineOptions().max_running : kMostModelCalls;
  }
  absl::Status MakeInference();
  absl::Status MakeEmbedder();
  absl::Status MakeReranker();
  absl::Status MakeGenerator();
  absl::Status MakeIndexer();
  absl::Status MakeRetrieval();
  bool HasRerankingModel() const;
  absl::Status MakeGateway();
  absl::StatusOr<gateway::ConversationStore*> Store();
  void MakeServices(const ServerOptions& options);
  absl::Status ServeHttp(const ServerOptions& options);
  std::vector<Canary> Canaries();
};

absl::Status App::Parts::MakeEmbedder() {
  const std::string& path = config.engine.embedder;
  if (path.empty()) {
    embedder = inference::MakeHashingEmbedder();
    return absl::OkStatus();
  }
  log->Write(LogLevel::kInfo, "load", {{"embedder", path}});
  auto opened = inference::OpenEmbedder(
      path, {.model = {.device = DeviceOf(config.engine), .threads = Threads(config.engine)}});
  if (opened.ok()) embedder = *std::move(opened);
  return opened.status();
}

absl::Status App::Parts::MakeReranker() {
  const std::string& path = config.engine.reranker;
  if (path.empty()) {
    reranker = inference::MakeCoverageReranker();
    return absl::OkStatus();
  }
  log->Write(LogLevel::kInfo, "load", {{"reranker", path}});
  auto opened = inference::OpenReranker(
      path, {.device = DeviceOf(config.engine), .threads = Threads(config.engine)});
  if (opened.ok()) reranker = *std::move(opened);
  return opened.status();
}

absl::Status App::Parts::MakeGenerator() {
  if (!config.engine.model.empty()) {
    log->Write(LogLevel::kInfo, "load", {{"model", config.engine.model}});
    auto opened = OpenTried(config.engine);
    if (!opened.ok()) return opened.status();
    auto hot = std::make_unique<HotEngine>(*std::move(opened));
    engine = hot.get();
    generator_name = [this] { return engine->Name(); };
    generator = std::move(hot);
    return absl::OkStatus();
  }
  if (config.openai.url.empty()) return absl::OkStatus();
  auto key = ReadOpenAiKey(config.openai);
  if (!key.ok()) return key.status();
  auto client = ConnectOpenAi(
      {.url = config.openai.url, .model = config.openai.model, .api_key = *std::move(key)});
  if (!client.ok()) return client.status();
  generator = *std::move(client);
  generator_name = [this] { return config.openai.model; };
  return absl::OkStatus();
}

absl::Status App::Parts::MakeInference() {
  if (Has(ServiceRole::kInference)) {
    if (auto status = MakeEmbedder(); !status.ok()) return status;
    if (auto status = MakeReranker(); !status.ok()) return status;
    return MakeGenerator();
  }
  // A process that only forwards to other roles has no use for it.
  const bool needed =
      Has(ServiceRole::kIndexer) || Has(ServiceRole::kRetrieval) || Has(ServiceRole::kGateway);
  const std::string& address = config.remotes.inference;
  if (!needed || address.empty()) return absl::OkStatus();
  log->Write(LogLevel::kInfo, "connect", {{"role", "inference"}, {"address", address}});
  const auto channel = MakeChannel(address, config.tls);
  const absl::Time deadline = absl::Now() + kConnectTimeout;
  if (auto status = WaitConnected(*channel, address, deadline); !status.ok()) return status;
  auto clients = ConnectInference(channel, deadline);
  if (!clients.ok()) return clients.status();
  embedder = std::move(clients->embedder);
  reranker = std::move(clients->reranker);
  generator = std::move(clients->generator);
  return absl::OkStatus();
}

absl::Status App::Parts::MakeIndexer() {
  if (!Has(ServiceRole::kIndexer)) {
    if (!config.remotes.indexer.empty()) {
      indexer = ConnectIndexer(MakeChannel(config.remotes.indexer, config.tls));
    }
    return absl::OkStatus();
  }
  if (embedder == nullptr) return Missing("indexer", "inference");
  auto opened = indexer::OpenIndexer({.directory = IndexDirectory(config.data),
                                      .analyzer = analyzer.get(),
                                      .embedder = embedder.get()});
  if (!opened.ok()) return opened.status();
  indexer = *std::move(opened);
  return absl::OkStatus();
}

absl::Status App::Parts::MakeRetrieval() {
  if (!Has(ServiceRole::kRetrieval)) {
    if (!config.remotes.retrieval.empty()) {
      retriever = ConnectRetriever(MakeChannel(config.remotes.retrieval, config.tls));
    }
    return absl::OkStatus();
  }
  if (embedder == nullptr) return Missing("retrieval", "inference");
  auto source = indexer::OpenSnapshotSource(IndexDirectory(config.data));
  if (!source.ok()) return source.status();
  snapshots = *std::move(source);
  retriever = retrieval::MakeHybridRetriever(
      {.snapshots = snapshots.get(), .analyzer = analyzer.get(), .embedder = embedder.get()});
  if (HasRerankingModel()) {
    search = std::move(retriever);
    retriever =
        retrieval::MakeRerankingRetriever({.retriever = search.get(), .reranker = reranker.get()});
  }
  return absl::OkStatus();
}

// The reranker without a model sees no more than the search does.
bool App::Parts::HasRerankingModel() const {
  return reranker != nullptr && reranker->Name() != inference::MakeCoverageReranker()->Name();
}

absl::Status App::Parts::MakeGateway() {
  if (!Has(ServiceRole::kGateway)) {
    if (!config.remotes.gateway.empty()) {
      answerer = ConnectAnswerer(MakeChannel(config.remotes.gateway, config.tls));
    }
    return absl::OkStatus();
  }
  if (retriever == nullptr) return Missing("gateway", "retrieval");
  inference::Generator* model = generator.get();
  if (model != nullptr && engine == nullptr && config.limits.model_calls == 0) {
    measured = std::make_unique<gateway::MeasuredGenerator>(
        gateway::MeasuredGeneratorOptions{.generator = model, .limit = {.most = kMostModelCalls}});
    model = measured.get();
  }
  unlimited =
      gateway::MakeAnswerer({.retriever = retriever.get(),
                             .generator = model,
                             .analyzer = analyzer.get(),
                             .meaning = {.reranker = HasRerankingModel() ? reranker.get() : nullptr,
                                         .embedder = embedder.get()}});
  admission = std::make_unique<gateway::Admission>(
      gateway::AdmissionOptions{.answerer = unlimited.get(),
                                .model = generator != nullptr,
                                .model_calls = ModelCalls(),
                                .measured = measured.get(),
                                .reading_calls = Threads(config.engine),
                                .waiting = config.limits.questions,
                                .patience = absl::Seconds(config.limits.patience_s),
                                .observer = [this](const gateway::Answer& answer) {
                                  if (metrics != nullptr) metrics->RecordAnswer(answer);
                                }});
  cache = std::make_unique<gateway::AnswerCache>(gateway::AnswerCacheOptions{
      .answerer = admission.get(),
      .retriever = retriever.get(),
      .bytes = config.limits.answer_cache,
      .model = [this] { return generator_name ? generator_name() : std::string(); }});
  answerer = std::make_unique<gateway::Conversations>(gateway::ConversationsOptions{
      .answerer = cache.get(), .retriever = retriever.get(), .store = [this] { return Store(); }});
  return absl::OkStatus();
}

absl::StatusOr<gateway::ConversationStore*> App::Parts::Store() {
  const std::scoped_lock lock(store_mutex);
  if (store != nullptr) return store.get();
  auto opened = gateway::ConversationStore::Open(
      {.directory = ConversationDirectory(config.data), .ttl = config.limits.session_ttl});
  if (!opened.ok()) return opened.status();
  store = *std::move(opened);
  return store.get();
}

void App::Parts::MakeServices(const ServerOptions& options) {
  if (Has(ServiceRole::kInference)) {
    services.push_back(MakeInferenceServer({.generator = generator.get(),
                                            .generator_name = generator_name,
                                            .embedder = embedder.get(),
                                            .reranker = reranker.get()},
                                           options));
  }
  if (Has(ServiceRole::kIndexer)) services.push_back(MakeIndexerServer(indexer.get(), options));
  if (Has(ServiceRole::kRetrieval)) {
    services.push_back(MakeRetrievalServer(retriever.get(), options));
  }
  if (Has(ServiceRole::kGateway)) {
    ServerOptions threads = options;
    threads.workers = QuestionThreads();
    services.push_back(MakeGatewayServer(answerer.get(), threads));
  }
}

absl::Status App::Parts::ServeHttp(const ServerOptions& options) {
  if (config.http.listen.empty()) return absl::OkStatus();
  if (!config.http.keys.empty()) {
    auto made = http::Keys::Make(config.http.keys);
    if (!made.ok()) return made.status();
    keys = *std::move(made);
  }
  if (!config.http.tls.certificate.empty()) {
    auto made = TlsContext::Make(config.http.tls);
    if (!made.ok()) return made.status();
    http_tls = *std::move(made);
  } else if (auto status = CheckTls(config.http.tls); !status.ok()) {
    return status;
  }
  const http::Doors doors = {.answerer = answerer.get(),
                             .retriever = retriever.get(),
                             .indexer = indexer.get(),
                             .embedder = embedder.get(),
                             .reranker = reranker.get(),
                             .ready = [this] { return health->status(); }};
  std::vector<http::Route> routes;
  for (auto make : {http::ApiRoutes, http::ChatRoutes, http::ResponsesRoutes, http::ModelRoutes,
                    http::ConnectRoutes}) {
    for (http::Route& route : make(doors)) routes.push_back(std::move(route));
  }
  if (answerer != nullptr) {
    for (http::Route& route : http::PageRoutes()) routes.push_back(std::move(route));
  }
  http::ServerOptions serving = {
      .listen = config.http.listen,
      .routes = std::move(routes),
      .keys = keys.get(),
      .tls = http_tls.get(),
      .cors = config.http.cors,
      .workers = options.workers,
      .line_workers = QuestionThreads(),
      .queue_limit = options.queue_limit,
      .max_connections = static_cast<std::size_t>(config.http.connections),
      .max_body_bytes = static_cast<std::size_t>(config.http.max_body),
      .observer = options.observer};
  auto started = http::Server::Start(serving);
  if (absl::IsUnavailable(started.status()) && config.http.or_any_port) {
    serving.listen = absl::StrCat(serving.listen.substr(0, serving.listen.rfind(':')), ":0");
    started = http::Server::Start(serving);
  }
  if (!started.ok()) return started.status();
  http = *std::move(started);
  log->Write(LogLevel::kInfo, "serving", {{"http", http->address()}});
  return absl::OkStatus();
}

std::vector<Canary> App::Parts::Canaries() {
  std::vector<Canary> canaries;
  if (Has(ServiceRole::kInference)) {
    canaries.push_back(
        {"citeseek.v1.Inference", [this](absl::Time deadline) {
           const std::string text = "canary";
           std::vector<float> out(static_cast<std::size_t>(embedder->Dimension()));
           auto status = embedder->Embed({.texts = {&text, 1}, .deadline = deadline}, out);
           if (!status.ok() || engine == nullptr) return status;
           return TryEngine(*engine, deadline, &engine_steps);
         }});
  }
  if (Has(ServiceRole::kIndexer)) {
    canaries.push_back(
        {"citeseek.v1.Indexer", [this](absl::Time) { return indexer->Stats().status(); }});
  }
  if (Has(ServiceRole::kRetrieval)) {
    canaries.push_back(
        {"citeseek.v1.Retrieval", [this](absl::Time deadline) {
           return retriever->Search({.text = "canary", .top_k = 1, .deadline = deadline}).status();
         }});
  }
  if (Has(ServiceRole::kGateway)) {
    canaries.push_back(
        {"citeseek.v1.Gateway", [this](absl::Time deadline) {
           return unlimited  // a long line is no fault
               ->Ask({.text = "canary", .mode = gateway::Mode::kExtract, .deadline = deadline},
                     [](const gateway::Event&) { return true; })
               .status();
         }});
  }
  return canaries;
}

App::App(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

App::~App() { Shutdown(absl::ZeroDuration()); }

absl::StatusOr<std::unique_ptr<App>> App::Make(const Config& config, Log* log) {
  if (auto status = CheckTls(config.tls); !status.ok()) return status;
  auto parts = std::make_unique<Parts>();
  parts->config = config;
  parts->log = log;
  parts->analyzer = indexer::MakeAnalyzer();
  if (auto status = parts->MakeInference(); !status.ok()) return status;
  if (auto status = parts->MakeIndexer(); !status.ok()) return status;
  if (auto status = parts->MakeRetrieval(); !status.ok()) return status;
  if (auto status = parts->MakeGateway(); !status.ok()) return status;
  return std::unique_ptr<App>(new App(std::move(parts)));
}

inference::Embedder* App::embedder() const { return parts_->embedder.get(); }
indexer::Indexer* App::indexer() const { return parts_->indexer.get(); }
retrieval::Retriever* App::retriever() const { return parts_->retriever.get(); }
gateway::Answerer* App::answerer() const { return parts_->answerer.get(); }

absl::StatusOr<std::string> App::Serve() {
  const Config& config = parts_->config;
  if (auto status = CheckAddress("listen address", config.listen); !status.ok()) return status;
  // Conversations that cannot be kept are found out now, not by the first who asks for one.
  if (parts_->Has(ServiceRole::kGateway)) {
    if (auto store = parts_->Store(); !store.ok()) return store.status();
  }
  if (!config.metrics.empty()) {
    auto metrics = Metrics::Serve(config.metrics);
    if (!metrics.ok()) return metrics.status();
    parts_->metrics = *std::move(metrics);
    if (const gateway::Admission* admission = parts_->admission.get()) {
      parts_->metrics->WatchAdmission([admission] { return admission->Stats(); });
    }
    if (const gateway::AnswerCache* cache = parts_->cache.get()) {
      parts_->metrics->WatchAnswerCache([cache] { return cache->Stats(); });
    }
    if (const HotEngine* engine = parts_->engine) {
      parts_->metrics->WatchEngine([engine] { return engine->Stats(); });
    }
  }
  const ServerOptions options = {.workers = config.limits.workers,
                                 .queue_limit = config.limits.queue_limit,
                                 .observer = [parts = parts_.get()](const CallRecord& record) {
                                   parts->log->WriteCall(record);
                                   if (parts->metrics != nullptr)
                                     parts->metrics->RecordCall(record);
                                 }};
  parts_->MakeServices(options);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  ApplyServerSettings(builder);
  int port = 0;
  builder.AddListeningPort(config.listen, MakeServerCredentials(config.tls), &port);
  for (const auto& service : parts_->services) builder.RegisterService(service.get());
  parts_->server = builder.BuildAndStart();
  if (parts_->server == nullptr || port == 0) {  // gRPC only says that it failed
    const absl::Status reason = CheckListen(config.listen);
    return reason.ok()
               ? absl::UnavailableError("listen address " + config.listen + ": it cannot be bound")
               : reason;
  }
  parts_->health = std::make_unique<Health>(parts_->server->GetHealthCheckService(),
                                            parts_->Canaries(), parts_->log);
  const std::string address =
      absl::StrCat(config.listen.substr(0, config.listen.rfind(':')), ":", port);
  parts_->log->Write(LogLevel::kInfo, "serving", {{"address", address}});
  if (auto status = parts_->ServeHttp(options); !status.ok()) return status;
  return address;
}

std::string App::metrics_address() const {
  return parts_->metrics == nullptr ? "" : parts_->metrics->address();
}

std::string App::http_address() const {
  return parts_->http == nullptr ? "" : parts_->http->address();
}

absl::Status App::Reload(const Config& config) {
  const bool model = parts_->engine != nullptr && !config.engine.model.empty();
  if (!model && parts_->keys == nullptr) {
    return absl::FailedPreconditionError(
        "this process has no keys and no model of its own: nothing to reload");
  }
  absl::Status status;
  if (parts_->keys != nullptr) status = parts_->keys->Replace(config.http.keys);
  if (!model) return status;
  auto opened = OpenTried(config.engine);
  status.Update(opened.status());
  if (opened.ok()) {
    parts_->engine->Swap(*std::move(opened));
    if (parts_->cache != nullptr) parts_->cache->Clear();
  }
  return status;
}

void App::Shutdown(absl::Duration grace) {
  const absl::Time deadline = absl::Now() + grace;
  if (parts_->health != nullptr) parts_->health->Stop();  // balancers look elsewhere
  if (parts_->http != nullptr) parts_->http->Drain();
  if (parts_->server != nullptr) parts_->server->Shutdown(absl::ToChronoTime(deadline));
  if (parts_->http != nullptr) parts_->http->Shutdown(deadline);
  parts_->http.reset();
  parts_->health.reset();
  parts_->server.reset();
  parts_->services.clear();
}

}  // namespace citeseek::services
