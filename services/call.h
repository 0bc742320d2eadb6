// Call: what every RPC has in common: status, deadline, cancellation, request id, its thread.
//
// Servers use gRPC's callback API: a reaction never blocks; the work runs on the service's
// WorkerPool and sees a Call. No lock is held over Finish or StartWrite. Clients block the calling
// thread. Codes of absl::Status and grpc::Status are the same numbers; messages cross unchanged.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/call_record.h"
#include "services/trace.h"
#include "services/worker_pool.h"

namespace citeseek::services {

struct TlsConfig;

grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

// kInvalidArgument "<name> is not UTF-8 at byte <n>": such bytes cannot travel in a proto string.
absl::Status CheckUtf8(const char* name, std::string_view text);

struct ServerOptions {
  int workers = 8;                // calls of one service that run at once
  std::size_t queue_limit = 256;  // calls that wait behind them
  std::function<void(const CallRecord&)> observer = [](const CallRecord&) {};
};

// One call as its work sees it. The deadline is earlier than the caller's by a reserve, so that our
// own message arrives before the caller's clock runs out.
struct Call {
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};
  std::string request_id;
  std::string caller;  // "ipv4:1.2.3.4": where the call comes from
};

// Threads and observer of one service; outlives its calls.
class CallRunner {
 public:
  CallRunner(std::string service, const ServerOptions& options);

  // Runs `work` on the pool, or `refused` at once on this thread if the queue is full.
  void Run(std::function<void()> work, const std::function<void(absl::Status)>& refused);
  void Observe(const CallRecord& record) const { observer_(record); }

 private:
  const std::string service_;
  const std::function<void(const CallRecord&)> observer_;
  WorkerPool pool_;
};

// State that all kinds of server calls share: the stop source and the record.
class CallState {
 public:
  CallState(CallRunner& runner, const char* method, const grpc::CallbackServerContext& context);

  Call call() const { return {deadline_, stop_.get_token(), trace_.request_id, caller_}; }
  const Trace& trace() const { return trace_; }
  // kCancelled or kDeadlineExceeded if the caller is gone before the work began.
  absl::Status StillWanted() const;
  void Cancel() { stop_.request_stop(); }
  // Reports the outcome and gives its gRPC form; call once.
  grpc::Status End(const absl::Status& status) const;

 private:
  CallRunner& runner_;
  const char* const method_;
  const absl::Time start_;
  const absl::Time deadline_;
  const Trace trace_;
  const std::string caller_;
  std::stop_source stop_;
};

using UnaryWork = std::function<absl::Status(const Call&)>;

// A call with one request and one response, which `work` reads and fills.
grpc::ServerUnaryReactor* RunUnary(CallRunner& runner, const char* method,
                                   const grpc::CallbackServerContext& context, UnaryWork work);

// A call with one request and a stream of responses. `work` gets a function that takes the next
// response: it blocks while kStreamQueue responses wait for a slow reader, and returns false once
// the caller is gone or has taken nothing for kStreamStall.
inline constexpr std::size_t kStreamQueue = 64;
inline constexpr std::chrono::seconds kStreamStall{30};

template <class Response>
class StreamCall final : public grpc::ServerWriteReactor<Response> {
 public:
  using Push = std::function<bool(Response)>;
  using Work = std::function<absl::Status(const Call&, const Push&)>;

  static StreamCall* Start(CallRunner& runner, const char* method,
                           const grpc::CallbackServerContext& context, Work work) {
    auto* call = new StreamCall(runner, method, context);
    runner.Run(
        [call, work = std::move(work)] {
          absl::Status status = call->state_.StillWanted();
          if (status.ok()) {
            const TraceScope scope(call->state_.trace());
            status = work(call->state_.call(),
                          [call](Response response) { return call->Add(std::move(response)); });
          }
          call->End(status);
        },
        [call](const absl::Status& status) { call->End(status); });
    return call;
  }

  void OnWriteDone(bool ok) override {
    const Response* next = nullptr;
    bool finish = false;
    {
      const std::scoped_lock lock(mutex_);
      queue_.pop_front();
      if (!ok) {
        gone_ = true;
        queue_.clear();
      }
      if (!queue_.empty()) next = &queue_.front();
      writing_ = next != nullptr;
      finish = ended_ && !writing_;
    }
    taken_.notify_all();
    if (next != nullptr) this->StartWrite(next);
    if (finish) this->Finish(status_);
  }

  void OnCancel() override {
    state_.Cancel();
    {
      const std::scoped_lock lock(mutex_);
      gone_ = true;
    }
    taken_.notify_all();
  }

  void OnDone() override { delete this; }

 private:
  StreamCall(CallRunner& runner, const char* method, const grpc::CallbackServerContext& context)
      : state_(runner, method, context) {}

  bool Add(Response response) {
    const Response* next = nullptr;
    {
      std::unique_lock lock(mutex_);
      const bool room = taken_.wait_for(lock, kStreamStall,
                                        [this] { return gone_ || queue_.size() < kStreamQueue; });
      if (!room || gone_) return false;
      queue_.push_back(std::move(response));  // leaves references to other elements valid
      if (!writing_) next = &queue_.front();
      writing_ = true;
    }
    if (next != nullptr) this->StartWrite(next);
    return true;
  }

  void End(const absl::Status& status) {
    const grpc::Status ended = state_.End(status);
    bool finish = false;
    {
      const std::scoped_lock lock(mutex_);
      status_ = ended;
      ended_ = true;
      finish = !writing_;
    }
    if (finish) this->Finish(ended);
  }

  CallState state_;
  std::mutex mutex_;
  std::condition_variable taken_;
  std::deque<Response> queue_;  // the front is being written while writing_
  bool writing_ = false;
  bool gone_ = false;
  bool ended_ = false;
  grpc::Status status_;
};

// One call of a client: carries the deadline and the trace of the thread, and cancels when the stop
// token fires.
class ClientCall {
 public:
  ClientCall(absl::Time deadline, const std::stop_token& stop);

  grpc::ClientContext* context() { return &context_; }
  // Once stopped, every failure is kCancelled.
  absl::Status ToStatus(const grpc::Status& status) const;

 private:
  grpc::ClientContext context_;
  std::stop_token stop_;
  std::stop_callback<std::function<void()>> on_stop_;
};

// Hands each message of a stream to visit(message) -> bool and returns how the call ended. False
// abandons the call: kCancelled.
template <typename Message, typename Visit>
absl::Status ReadStream(ClientCall& call, grpc::ClientReader<Message>& stream, const Visit& visit) {
  Message message;
  bool taken = true;
  while (taken && stream.Read(&message)) taken = visit(message);
  if (taken) return call.ToStatus(stream.Finish());
  call.context()->TryCancel();
  while (stream.Read(&message)) {
  }
  stream.Finish();
  return absl::CancelledError("cancelled");
}

// A channel with the house's keepalive, message size and retry settings; connects at first use.
// Encrypted if `tls` names anything; without an authority the system's are believed.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, const TlsConfig& tls);
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address);  // plain

// kUnavailable, with the address, if no connection stands before the deadline, or, unless
// `patient`, as soon as the first try has failed.
absl::Status WaitConnected(grpc::Channel& channel, const std::string& address, absl::Time deadline,
                           bool patient = true);

// Encrypted if `tls` names a certificate; with an authority callers must show one of its own. Files
// are read again when they change.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const TlsConfig& tls);

// The house's keepalive, message size and stream settings of a server.
void ApplyServerSettings(grpc::ServerBuilder& builder);

}  // namespace citeseek::services
