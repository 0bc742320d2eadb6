#include "services/gateway/client.h"

#include <utility>
#include <variant>

#include "citeseek/v1/gateway.grpc.pb.h"
#include "services/gateway/convert.h"
#include "services/retrieval/convert.h"

namespace citeseek::services {
namespace {

constexpr absl::Duration kAnswerNowDeadline = absl::Seconds(10);

class GatewayClient final : public gateway::Answerer {
 public:
  explicit GatewayClient(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::Gateway::NewStub(channel)) {}

  absl::StatusOr<gateway::Answer> Ask(const gateway::Question& question,
                                      const gateway::EventSink& sink) override {
    if (auto status = CheckUtf8("question", question.text); !status.ok()) return status;
    if (auto status = CheckScopeUtf8(question.collection, question.filters); !status.ok()) {
      return status;
    }
    ClientCall call(question.deadline, question.stop);
    const std::string id =
        question.request_id.empty() ? gateway::MakeRequestId() : question.request_id;
    call.context()->AddMetadata("x-request-id", id);
    const std::stop_callback now(question.answer_now, [this, id] { (void)AnswerNow(id); });
    const auto stream = stub_->Ask(call.context(), ToProto(question));
    bool running = false;
    absl::StatusOr<gateway::Answer> answer =
        absl::InternalError("the gateway ended the stream without an answer");
    const absl::Status status = ReadStream(call, *stream, [&](const v1::AskResponse& response) {
      // Asked for before the gateway knew the call: it does now.
      if (!std::exchange(running, true) && question.answer_now.stop_requested()) {
        (void)AnswerNow(id);
      }
      const auto event = FromProto(response);
      if (!event.ok()) return true;  // an event of a newer server
      if (const auto* finished = std::get_if<gateway::FinishedEvent>(&*event)) {
        answer = finished->answer;
      }
      return sink(*event);
    });
    if (!status.ok()) return status;
    return answer;
  }

  absl::StatusOr<gateway::CheckReport> Check(const gateway::CheckRequest& request) override {
    if (auto status = CheckUtf8("text to check", request.text); !status.ok()) return status;
    for (const indexer::Document& document : request.documents) {
      if (auto status = indexer::ValidateDocument(document); !status.ok()) return status;
    }
    if (auto status = CheckScopeUtf8(request.collection, request.filters); !status.ok()) {
      return status;
    }
    ClientCall call(request.deadline, request.stop);
    v1::CheckResponse response;
    const absl::Status status =
        call.ToStatus(stub_->Check(call.context(), ToProto(request), &response));
    if (!status.ok()) return status;
    return FromProto(response);
  }

  absl::Status AnswerNow(const std::string& request_id) override {
    if (auto status = CheckUtf8("request id", request_id); !status.ok()) return status;
    ClientCall call(absl::Now() + kAnswerNowDeadline, {});
    v1::AnswerNowRequest request;
    request.set_request_id(request_id);
    v1::AnswerNowResponse response;
    return call.ToStatus(stub_->AnswerNow(call.context(), request, &response));
  }

 private:
  const std::unique_ptr<v1::Gateway::Stub> stub_;
};

}  // namespace

std::unique_ptr<gateway::Answerer> ConnectAnswerer(std::shared_ptr<grpc::Channel> channel) {
  return std::make_unique<GatewayClient>(channel);
}

}  // namespace citeseek::services
