#include "services/gateway/client.h"

#include <variant>

#include "citeseek/v1/gateway.grpc.pb.h"
#include "services/gateway/convert.h"
#include "services/retrieval/convert.h"

namespace citeseek::services {
namespace {

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
    const auto stream = stub_->Ask(call.context(), ToProto(question));
    absl::StatusOr<gateway::Answer> answer =
        absl::InternalError("the gateway ended the stream without an answer");
    const absl::Status status = ReadStream(call, *stream, [&](const v1::AskResponse& response) {
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

 private:
  const std::unique_ptr<v1::Gateway::Stub> stub_;
};

}  // namespace

std::unique_ptr<gateway::Answerer> ConnectAnswerer(std::shared_ptr<grpc::Channel> channel) {
  return std::make_unique<GatewayClient>(channel);
}

}  // namespace citeseek::services
