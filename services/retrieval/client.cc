#include "services/retrieval/client.h"

#include "citeseek/v1/retrieval.grpc.pb.h"
#include "services/retrieval/convert.h"

namespace citeseek::services {
namespace {

class RetrievalClient final : public retrieval::Retriever {
 public:
  explicit RetrievalClient(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::Retrieval::NewStub(channel)) {}

  absl::StatusOr<retrieval::Result> Search(const retrieval::Query& query) override {
    if (auto status = CheckUtf8("query", query.text); !status.ok()) return status;
    if (auto status = CheckScopeUtf8(query.collection, query.filters); !status.ok()) return status;
    ClientCall call(query.deadline, query.stop);
    v1::SearchResponse response;
    const auto status = call.ToStatus(stub_->Search(call.context(), ToProto(query), &response));
    if (!status.ok()) return status;
    return FromProto(response);
  }

  absl::StatusOr<retrieval::Result> Read(const retrieval::ReadRequest& request) override {
    if (auto s = CheckScopeUtf8(request.collection, request.filters); !s.ok()) return s;
    for (const retrieval::Place& place : request.places) {
      if (auto s = CheckUtf8("document id", place.document_id); !s.ok()) return s;
      if (auto s = CheckUtf8("collection", place.collection); !s.ok()) return s;
    }
    ClientCall call(request.deadline, request.stop);
    v1::ReadResponse response;
    const auto status = call.ToStatus(stub_->Read(call.context(), ToProto(request), &response));
    if (!status.ok()) return status;
    retrieval::Result result{.generation = response.generation()};
    for (const v1::Hit& hit : response.hits()) result.hits.push_back(FromProto(hit));
    return result;
  }

 private:
  const std::unique_ptr<v1::Retrieval::Stub> stub_;
};

}  // namespace

std::unique_ptr<retrieval::Retriever> ConnectRetriever(std::shared_ptr<grpc::Channel> channel) {
  return std::make_unique<RetrievalClient>(channel);
}

}  // namespace citeseek::services
