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

  grpc::ServerUnaryReactor* Read(grpc::CallbackServerContext* context,
                                 const v1::ReadRequest* request,
                                 v1::ReadResponse* response) override {
    return RunUnary(runner_, "Retrieval.Read", *context,
                    [this, request, response](const Call& call) {
                      retrieval::ReadRequest read = FromProto(*request);
                      read.deadline = call.deadline;
                      read.stop = call.stop;
                      auto result = retriever_->Read(read);
                      if (!result.ok()) return result.status();
                      for (const retrieval::Hit& hit : result->hits) {
                        ToProto(hit, *response->add_hits());
                      }
                      response->set_generation(result->generation);
                      return absl::OkStatus();
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
