#include "services/call.h"

#include <google/protobuf/descriptor.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "inference/utf8.h"
#include "services/config.h"
#include "services/request_id.h"

namespace citeseek::services {
namespace {

constexpr int kMaxMessageBytes = 32 << 20;  // a document of 16 MiB and all that goes with it
constexpr int kMaxMetadataBytes = 64 << 10;
// Error messages travel percent-encoded in the trailing metadata: three bytes a byte at worst.
constexpr std::size_t kMaxErrorBytes = 16 << 10;

// Only calls that change nothing are tried again, and only if no server could be reached.
constexpr char kServiceConfig[] = R"({
  "loadBalancingConfig": [{"round_robin": {}}],
  "methodConfig": [{
    "name": [{"service": "citeseek.v1.Retrieval"},
             {"service": "citeseek.v1.Inference", "method": "Embed"},
             {"service": "citeseek.v1.Inference", "method": "Rerank"},
             {"service": "citeseek.v1.Inference", "method": "Info"}],
    "retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.05s", "maxBackoff": "0.5s",
                    "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}}],
  "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1}
})";

absl::Time DeadlineWithReserve(const grpc::CallbackServerContext& context, absl::Time now) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteFuture();
  const absl::Time wanted = absl::FromChrono(deadline);
  const absl::Duration left = wanted - now;
  if (left <= absl::ZeroDuration()) return wanted;
  return wanted - std::min(absl::Milliseconds(20), left / 4);
}

// All calls of a machine are one caller's: it opens as many connections as it likes.
std::string WithoutPort(std::string peer) {
  if (peer.starts_with("ipv")) peer.resize(std::min(peer.size(), peer.rfind(':')));
  return peer;
}

Trace TraceOf(const grpc::CallbackServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto value = [&](const char* name) {
    const auto found = metadata.find(name);
    return found == metadata.end() ? std::string_view()
                                   : std::string_view(found->second.data(), found->second.size());
  };
  return {RequestId(value("x-request-id")), TraceId(value("traceparent"))};
}

class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  UnaryCall(CallRunner& runner, const char* method, const grpc::CallbackServerContext& context)
      : state_(runner, method, context) {}

  void OnCancel() override { state_.Cancel(); }
  void OnDone() override { delete this; }

  void Run(const UnaryWork& work) {
    absl::Status status = state_.StillWanted();
    if (status.ok()) {
      const TraceScope scope(state_.trace());
      status = work(state_.call());
    }
    End(status);
  }
  void End(const absl::Status& status) { Finish(state_.End(status)); }

 private:
  CallState state_;
};

namespace gx = grpc::experimental;
constexpr unsigned kLookAgainSeconds = 60;

// gRPC answers a message that it cannot parse as if the method were missing, without a word.
class BrokenMessages final : public gx::Interceptor {
 public:
  explicit BrokenMessages(const char* method) : method_(method) {}

  void Intercept(gx::InterceptorBatchMethods* batch) override {
    if (batch->QueryInterceptionHookPoint(gx::InterceptionHookPoints::PRE_SEND_STATUS)) {
      const grpc::Status status = batch->GetSendStatus();
      if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED &&
          status.error_message().empty() && IsMethod()) {
        batch->ModifySendStatus(
            {grpc::StatusCode::INVALID_ARGUMENT,
             absl::StrCat("the message is not a request of ", method_, ", or its text not UTF-8")});
      }
    }
    batch->Proceed();
  }

  class Factory final : public gx::ServerInterceptorFactoryInterface {
    gx::Interceptor* CreateServerInterceptor(gx::ServerRpcInfo* info) override {
      return new BrokenMessages(info->method());
    }
  };

 private:
  // A real one, of any service.
  bool IsMethod() const {
    std::string name(method_);
    std::replace(name.begin(), name.end(), '/', '.');
    name.erase(0, 1);
    return google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name) != nullptr;
  }

  const char* const method_;
};

std::shared_ptr<gx::CertificateProviderInterface> WatchFiles(const TlsConfig& tls) {
  return std::make_shared<gx::FileWatcherCertificateProvider>(tls.key, tls.certificate,
                                                              tls.authority, kLookAgainSeconds);
}

std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(const TlsConfig& tls) {
  if (tls.certificate.empty() && tls.authority.empty()) return grpc::InsecureChannelCredentials();
  gx::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(WatchFiles(tls));
  if (!tls.certificate.empty()) options.watch_identity_key_cert_pairs();
  if (!tls.authority.empty()) options.watch_root_certs();
  return gx::TlsCredentials(options);
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      std::string(status.message().substr(0, kMaxErrorBytes)));
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

absl::Status CheckUtf8(const char* name, std::string_view text) {
  const std::size_t valid = inference::ValidUtf8Prefix(text);
  if (valid == text.size()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " is not UTF-8 at byte ", valid));
}

CallRunner::CallRunner(std::string service, const ServerOptions& options)
    : service_(std::move(service)),
      observer_(options.observer),
      pool_(options.workers, options.queue_limit) {}

void CallRunner::Run(std::function<void()> work, const std::function<void(absl::Status)>& refused) {
  if (pool_.Submit(std::move(work))) return;
  refused(absl::ResourceExhaustedError(
      absl::StrCat(service_, " has ", pool_.queue_limit(), " calls waiting, the limit")));
}

CallState::CallState(CallRunner& runner, const char* method,
                     const grpc::CallbackServerContext& context)
    : runner_(runner),
      method_(method),
      start_(absl::Now()),
      deadline_(DeadlineWithReserve(context, start_)),
      trace_(TraceOf(context)),
      caller_(WithoutPort(context.peer())) {}

absl::Status CallState::StillWanted() const {
  if (stop_.stop_requested()) return absl::CancelledError("cancelled while waiting for a thread");
  if (absl::Now() >= deadline_) {
    return absl::DeadlineExceededError("deadline passed while waiting for a thread");
  }
  return absl::OkStatus();
}

grpc::Status CallState::End(const absl::Status& status) const {
  runner_.Observe({method_, trace_.request_id, trace_.id, status, absl::Now() - start_});
  return ToGrpc(status);
}

grpc::ServerUnaryReactor* RunUnary(CallRunner& runner, const char* method,
                                   const grpc::CallbackServerContext& context, UnaryWork work) {
  auto* call = new UnaryCall(runner, method, context);  // deletes itself in OnDone
  runner.Run([call, work = std::move(work)] { call->Run(work); },
             [call](const absl::Status& status) { call->End(status); });
  return call;
}

ClientCall::ClientCall(absl::Time deadline, const std::stop_token& stop)
    : stop_(stop), on_stop_(stop, [this] { context_.TryCancel(); }) {
  if (deadline != absl::InfiniteFuture()) context_.set_deadline(absl::ToChronoTime(deadline));
  if (const Trace* trace = TraceScope::Current()) {
    context_.AddMetadata("x-request-id", trace->request_id);
    context_.AddMetadata("traceparent", Traceparent(trace->id));
  }
}

absl::Status ClientCall::ToStatus(const grpc::Status& status) const {
  if (!status.ok() && stop_.stop_requested()) return absl::CancelledError("cancelled");
  // gRPC's own words for a deadline that no server has spoken about.
  if (status.error_code() == grpc::DEADLINE_EXCEEDED &&
      status.error_message() == "Deadline Exceeded") {
    return absl::DeadlineExceededError("deadline passed before the server answered");
  }
  return FromGrpc(status);
}

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const TlsConfig& tls) {
  if (tls.certificate.empty()) return grpc::InsecureServerCredentials();
  gx::TlsServerCredentialsOptions options(WatchFiles(tls));
  options.watch_identity_key_cert_pairs();
  if (!tls.authority.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return gx::TlsServerCredentials(options);
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  return MakeChannel(address, {});
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, const TlsConfig& tls) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000);
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 5000);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // How long one attempt may take, its name notwithstanding: a busy server, or a far one with TLS,
  // takes more than a moment to say its first word.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  arguments.SetMaxReceiveMessageSize(2 * kMaxMessageBytes);
  arguments.SetServiceConfigJSON(kServiceConfig);
  return grpc::CreateCustomChannel(address, MakeChannelCredentials(tls), arguments);
}

absl::Status WaitConnected(grpc::Channel& channel, const std::string& address, absl::Time deadline,
                           bool patient) {
  const auto until = absl::ToChronoTime(deadline);
  auto state = channel.GetState(/*try_to_connect=*/true);
  while (state != GRPC_CHANNEL_READY) {
    if (!patient && state == GRPC_CHANNEL_TRANSIENT_FAILURE) break;
    if (!channel.WaitForStateChange(state, until)) break;
    state = channel.GetState(/*try_to_connect=*/true);
  }
  if (state == GRPC_CHANNEL_READY) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("no server answers at ", address));
}

void ApplyServerSettings(grpc::ServerBuilder& builder) {
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, 600000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 60000);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 1000);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  // A second server on a port must fail, not share it.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  std::vector<std::unique_ptr<gx::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::make_unique<BrokenMessages::Factory>());
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
}

}  // namespace citeseek::services
