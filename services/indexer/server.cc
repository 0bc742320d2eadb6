#include "services/indexer/server.h"

#include "citeseek/v1/indexer.grpc.pb.h"
#include "services/indexer/convert.h"

namespace citeseek::services {
namespace {

// read a batch -> add it on the pool -> write its results -> read the next; one of them at a time,
// so nothing here is touched by two threads at once.
class AddCall final : public grpc::ServerBidiReactor<v1::AddRequest, v1::AddResponse> {
 public:
  AddCall(CallRunner& runner, indexer::Indexer* indexer, const grpc::CallbackServerContext& context)
      : runner_(runner), indexer_(indexer), state_(runner, "Indexer.Add", context) {
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return End(absl::OkStatus());  // the caller has said everything, or is gone
    runner_.Run([this] { AddBatch(); }, [this](const absl::Status& status) { End(status); });
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return End(absl::CancelledError("the caller is gone"));
    StartRead(&request_);
  }

  void OnCancel() override { state_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  void AddBatch() {
    if (auto status = state_.StillWanted(); !status.ok()) return End(status);
    const Call call = state_.call();
    std::vector<indexer::Document> documents;
    documents.reserve(static_cast<std::size_t>(request_.documents_size()));
    for (const v1::Document& document : request_.documents()) {
      documents.push_back(FromProto(document));
    }
    const auto results =
        indexer_->Add({.documents = documents, .deadline = call.deadline, .stop = call.stop});
    if (!results.ok()) return End(results.status());
    response_.Clear();
    for (const indexer::AddResult& result : *results) {
      v1::AddResult& to = *response_.add_results();
      ToProto(result.status, *to.mutable_status());
      to.set_version(result.version);
    }
    StartWrite(&response_);
  }

  void End(const absl::Status& status) { Finish(state_.End(status)); }

  CallRunner& runner_;
  indexer::Indexer* const indexer_;
  CallState state_;
  v1::AddRequest request_;
  v1::AddResponse response_;
};

class IndexerServer final : public v1::Indexer::CallbackService {
 public:
  IndexerServer(indexer::Indexer* indexer, const ServerOptions& options)
      : indexer_(indexer), runner_("indexer", options) {}

  grpc::ServerBidiReactor<v1::AddRequest, v1::AddResponse>* Add(
      grpc::CallbackServerContext* context) override {
    return new AddCall(runner_, indexer_, *context);  // deletes itself in OnDone
  }

  grpc::ServerUnaryReactor* Delete(grpc::CallbackServerContext* context,
                                   const v1::DeleteRequest* request,
                                   v1::DeleteResponse* response) override {
    return RunUnary(
        runner_, "Indexer.Delete", *context, [this, request, response](const Call& call) {
          std::vector<indexer::DocumentKey> keys;
          for (const v1::DocumentKey& key : request->keys()) {
            keys.push_back({key.id(), key.collection()});
          }
          const auto results =
              indexer_->Delete({.keys = keys, .deadline = call.deadline, .stop = call.stop});
          if (!results.ok()) return results.status();
          for (const auto& result : *results) ToProto(result.status, *response->add_results());
          return absl::OkStatus();
        });
  }

  grpc::ServerUnaryReactor* Commit(grpc::CallbackServerContext* context, const v1::CommitRequest*,
                                   v1::CommitResponse* response) override {
    return RunUnary(runner_, "Indexer.Commit", *context, [this, response](const Call& call) {
      const auto generation = indexer_->Commit({.deadline = call.deadline, .stop = call.stop});
      if (generation.ok()) response->set_generation(*generation);
      return generation.status();
    });
  }

  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const v1::GetRequest* request,
                                v1::GetResponse* response) override {
    return RunUnary(runner_, "Indexer.Get", *context, [this, request, response](const Call& call) {
      const auto stored = indexer_->Get({.key = {request->key().id(), request->key().collection()},
                                         .version = request->version(),
                                         .deadline = call.deadline,
                                         .stop = call.stop});
      if (!stored.ok()) return stored.status();
      ToProto(stored->document, *response->mutable_document());
      response->set_version(stored->version);
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* Stats(grpc::CallbackServerContext* context, const v1::StatsRequest*,
                                  v1::StatsResponse* response) override {
    return RunUnary(runner_, "Indexer.Stats", *context, [this, response](const Call&) {
      const auto stats = indexer_->Stats();
      if (stats.ok()) *response = ToProto(*stats);
      return stats.status();
    });
  }

 private:
  indexer::Indexer* const indexer_;
  CallRunner runner_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeIndexerServer(indexer::Indexer* indexer,
                                                 const ServerOptions& options) {
  return std::make_unique<IndexerServer>(indexer, options);
}

}  // namespace citeseek::services
