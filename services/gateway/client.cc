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
    if (auto status = CheckUtf8("session", question.session); !status.ok()) return status;
    if (auto status = CheckUtf8("owner", question.owner); !status.ok()) return status;
    for (const std::string& stop : question.drawing.stop) {
      if (auto status = CheckUtf8("stop", stop); !status.ok()) return status;
    }
    for (const gateway::Turn& turn : question.history) {
      if (auto s = CheckUtf8("question of a turn", turn.question); !s.ok()) return s;
      if (auto s = CheckUtf8("answer of a turn", turn.answer); !s.ok()) return s;
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

  absl::StatusOr<gateway::Conversation> GetConversation(
      const gateway::ConversationRequest& request) override {
    if (auto status = CheckNames(request); !status.ok()) return status;
    v1::GetConversationRequest proto;
    proto.set_session(request.session);
    Fill(request, &proto);
    ClientCall call(request.deadline, request.stop);
    v1::GetConversationResponse response;
    const auto status = call.ToStatus(stub_->GetConversation(call.context(), proto, &response));
    if (!status.ok()) return status;
    return FromProto(response.conversation());
  }

  absl::StatusOr<std::vector<gateway::Conversation>> ListConversations(
      const gateway::ConversationRequest& request) override {
    if (auto status = CheckNames(request); !status.ok()) return status;
    v1::ListConversationsRequest proto;
    Fill(request, &proto);
    ClientCall call(request.deadline, request.stop);
    v1::ListConversationsResponse response;
    const auto status = call.ToStatus(stub_->ListConversations(call.context(), proto, &response));
    if (!status.ok()) return status;
    std::vector<gateway::Conversation> all;
    for (const v1::Conversation& one : response.conversations()) all.push_back(FromProto(one));
    return all;
  }

  absl::Status DeleteConversation(const gateway::ConversationRequest& request) override {
    if (auto status = CheckNames(request); !status.ok()) return status;
    v1::DeleteConversationRequest proto;
    proto.set_session(request.session);
    proto.set_owner(request.owner);
    ClientCall call(request.deadline, request.stop);
    v1::DeleteConversationResponse response;
    return call.ToStatus(stub_->DeleteConversation(call.context(), proto, &response));
  }

 private:
  static absl::Status CheckNames(const gateway::ConversationRequest& request) {
    if (auto status = CheckUtf8("session", request.session); !status.ok()) return status;
    return CheckUtf8("owner", request.owner);
  }
  template <class Proto>
  static void Fill(const gateway::ConversationRequest& request, Proto* proto) {
    proto->set_owner(request.owner);
    proto->set_before(request.before);
    proto->set_limit(request.limit);
  }

  const std::unique_ptr<v1::Gateway::Stub> stub_;
};

}  // namespace

std::unique_ptr<gateway::Answerer> ConnectAnswerer(std::shared_ptr<grpc::Channel> channel) {
  return std::make_unique<GatewayClient>(channel);
}

}  // namespace citeseek::services
