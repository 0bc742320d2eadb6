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
    v1::AskResponse response;
    absl::StatusOr<gateway::Answer> answer =
        absl::InternalError("the gateway ended the stream without an answer");
    bool taken = true;
    while (taken && stream->Read(&response)) {
      const auto event = FromProto(response);
      if (!event.ok()) continue;  // an event of a newer server
      if (const auto* finished = std::get_if<gateway::FinishedEvent>(&*event)) {
        answer = finished->answer;
      }
      taken = sink(*event);
    }
    if (!taken) {
      call.context()->TryCancel();
      while (stream->Read(&response)) {
      }
      stream->Finish();
      return absl::CancelledError("cancelled");
    }
    const absl::Status status = call.ToStatus(stream->Finish());
    if (!status.ok()) return status;
    return answer;
  }

 private:
  const std::unique_ptr<v1::Gateway::Stub> stub_;
};

}  // namespace

std::unique_ptr<gateway::Answerer> ConnectAnswerer(std::shared_ptr<grpc::Channel> channel) {
  return std::make_unique<GatewayClient>(channel);
}

}  // namespace citeseek::services
