#include "services/retrieval/server.h"

#include "citeseek/v1/retrieval.grpc.pb.h"
#include "services/retrieval/convert.h"

namespace citeseek::services {
namespace {

class RetrievalServer final : public v1::Retrieval::CallbackService {
 public:
  RetrievalServer(retrieval::Retriever* retriever, const ServerOptions& options)
      : retriever_(retriever), runner_("retrieval", options) {}

  grpc::ServerUnaryReactor* Search(grpc::CallbackServerContext* context,
                                   const v1::SearchRequest* request,
                                   v1::SearchResponse* response) override {
    return RunUnary(runner_, "Retrieval.Search", *context,
                    [this, request, response](const Call& call) {
                      retrieval::Query query = FromProto(*request);
                      query.deadline = call.deadline;
                      query.stop = call.stop;
                      auto result = retriever_->Search(query);
                      if (result.ok()) *response = ToProto(*result);
                      return result.status();
                    });
  }

 private:
  retrieval::Retriever* const retriever_;
  CallRunner runner_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeRetrievalServer(retrieval::Retriever* retriever,
                                                   const ServerOptions& options) {
  return std::make_unique<RetrievalServer>(retriever, options);
}

}  // namespace citeseek::services
