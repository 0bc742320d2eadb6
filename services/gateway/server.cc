#include "services/gateway/server.h"

#include <algorithm>
#include <variant>

#include "citeseek/v1/gateway.grpc.pb.h"
#include "services/gateway/convert.h"

namespace citeseek::services {
namespace {

class GatewayServer final : public v1::Gateway::CallbackService {
 public:
  GatewayServer(gateway::Answerer* answerer, const ServerOptions& options)
      : answerer_(answerer), runner_("gateway", options) {}

  grpc::ServerWriteReactor<v1::AskResponse>* Ask(grpc::CallbackServerContext* context,
                                                 const v1::AskRequest* request) override {
    using Stream = StreamCall<v1::AskResponse>;
    return Stream::Start(
        runner_, "Gateway.Ask", *context,
        [this, request](const Call& call, const Stream::Push& push) {
          gateway::Question question = FromProto(*request);
          question.deadline = std::min(call.deadline, absl::Now() + kAskDeadline);
          question.stop = call.stop;
          question.caller = call.caller;
          question.request_id = call.request_id;
          return answerer_
              ->Ask(question, [&](const gateway::Event& event) { return push(ToProto(event)); })
              .status();
        });
  }

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const v1::CheckRequest* request,
                                  v1::CheckResponse* response) override {
    return RunUnary(runner_, "Gateway.Check", *context,
                    [this, request, response](const Call& call) {
                      gateway::CheckRequest check = FromProto(*request);
                      check.deadline = std::min(call.deadline, absl::Now() + kAskDeadline);
                      check.stop = call.stop;
                      const auto report = answerer_->Check(check);
                      if (report.ok()) ToProto(*report, *response);
                      return report.status();
                    });
  }

  grpc::ServerUnaryReactor* AnswerNow(grpc::CallbackServerContext* context,
                                      const v1::AnswerNowRequest* request,
                                      v1::AnswerNowResponse*) override {
    return RunUnary(runner_, "Gateway.AnswerNow", *context, [this, request](const Call&) {
      return answerer_->AnswerNow(request->request_id());
    });
  }

  grpc::ServerUnaryReactor* GetConversation(grpc::CallbackServerContext* context,
                                            const v1::GetConversationRequest* request,
                                            v1::GetConversationResponse* response) override {
    return RunUnary(runner_, "Gateway.GetConversation", *context,
                    [this, request, response](const Call& call) {
                      gateway::ConversationRequest asked = Asked(*request, call);
                      asked.session = request->session();
                      const auto conversation = answerer_->GetConversation(asked);
                      if (conversation.ok())
                        ToProto(*conversation, *response->mutable_conversation());
                      return conversation.status();
                    });
  }

  grpc::ServerUnaryReactor* ListConversations(grpc::CallbackServerContext* context,
                                              const v1::ListConversationsRequest* request,
                                              v1::ListConversationsResponse* response) override {
    return RunUnary(runner_, "Gateway.ListConversations", *context,
                    [this, request, response](const Call& call) {
                      const auto all = answerer_->ListConversations(Asked(*request, call));
                      if (!all.ok()) return all.status();
                      for (const gateway::Conversation& conversation : *all) {
                        ToProto(conversation, *response->add_conversations());
                      }
                      return absl::OkStatus();
                    });
  }

  grpc::ServerUnaryReactor* DeleteConversation(grpc::CallbackServerContext* context,
                                               const v1::DeleteConversationRequest* request,
                                               v1::DeleteConversationResponse*) override {
    return RunUnary(runner_, "Gateway.DeleteConversation", *context,
                    [this, request](const Call& call) {
                      return answerer_->DeleteConversation({.owner = request->owner(),
                                                            .session = request->session(),
                                                            .deadline = call.deadline,
                                                            .stop = call.stop});
                    });
  }

 private:
  template <class Request>
  static gateway::ConversationRequest Asked(const Request& request, const Call& call) {
    gateway::ConversationRequest asked{.owner = request.owner(),
                                       .before = request.before(),
                                       .deadline = call.deadline,
                                       .stop = call.stop};
    if (request.has_limit()) asked.limit = request.limit();
    return asked;
  }

  gateway::Answerer* const answerer_;
  CallRunner runner_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeGatewayServer(gateway::Answerer* answerer,
                                                 const ServerOptions& options) {
  return std::make_unique<GatewayServer>(answerer, options);
}

}  // namespace citeseek::services
