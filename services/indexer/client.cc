#include "services/indexer/client.h"

#include "absl/strings/str_cat.h"
#include "citeseek/v1/indexer.grpc.pb.h"
#include "services/indexer/convert.h"

namespace citeseek::services {
namespace {

constexpr std::size_t kBatchBytes = 16 << 20;

// What is not UTF-8 cannot travel in a message.
absl::Status ValidateKey(const indexer::DocumentKey& key) {
  if (auto status = CheckUtf8("document id", key.id); !status.ok()) return status;
  return CheckUtf8("collection", key.collection);
}

class IndexerClient final : public indexer::Indexer {
 public:
  explicit IndexerClient(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::Indexer::NewStub(channel)) {}

  absl::StatusOr<std::vector<indexer::AddResult>> Add(const indexer::AddRequest& request) override {
    std::vector<indexer::AddResult> results(request.documents.size());
    ClientCall call(request.deadline, request.stop);
    const auto stream = stub_->Add(call.context());
    v1::AddRequest batch;
    std::vector<std::size_t> places;  // of the batch's documents in `results`
    std::size_t bytes = 0;
    absl::Status fault;
    const auto send = [&] {
      v1::AddResponse response;
      if (!stream->Write(batch) || !stream->Read(&response)) return false;
      if (static_cast<std::size_t>(response.results_size()) != places.size()) {
        fault = absl::InternalError(absl::StrCat("the indexer answered ", response.results_size(),
                                                 " results for ", places.size(), " documents"));
        return false;
      }
      for (std::size_t i = 0; i < places.size(); ++i) {
        const v1::AddResult& result = response.results(static_cast<int>(i));
        results[places[i]] = {FromProto(result.status()), result.version()};
      }
      batch.Clear();
      places.clear();
      bytes = 0;
      return true;
    };
    bool alive = true;
    for (std::size_t i = 0; alive && i < request.documents.size(); ++i) {
      // What is not UTF-8 cannot travel in a message.
      results[i].status = indexer::ValidateDocument(request.documents[i]);
      if (!results[i].status.ok()) continue;
      if (bytes > 0 && bytes + request.documents[i].text.size() > kBatchBytes) alive = send();
      ToProto(request.documents[i], *batch.add_documents());
      places.push_back(i);
      bytes += request.documents[i].text.size() + 1;
    }
    // An empty Add is sent too: it must fail where the local one fails.
    if (alive && (!places.empty() || bytes == 0)) alive = send();
    stream->WritesDone();
    const absl::Status status = call.ToStatus(stream->Finish());
    if (!fault.ok()) return fault;
    if (!status.ok()) return status;
    if (!alive) return absl::UnavailableError("the indexer ended the stream");
    return results;
  }

  absl::StatusOr<std::vector<indexer::DeleteResult>> Delete(
      const indexer::DeleteRequest& request) override {
    std::vector<indexer::DeleteResult> results(request.keys.size());
    v1::DeleteRequest message;
    std::vector<std::size_t> places;  // of the message's keys in `results`
    for (std::size_t i = 0; i < request.keys.size(); ++i) {
      const indexer::DocumentKey& key = request.keys[i];
      results[i].status = ValidateKey(key);
      if (!results[i].status.ok()) continue;
      places.push_back(i);
      v1::DocumentKey& to = *message.add_keys();
      to.set_id(key.id);
      to.set_collection(key.collection);
    }
    ClientCall call(request.deadline, request.stop);
    v1::DeleteResponse response;
    const auto status = call.ToStatus(stub_->Delete(call.context(), message, &response));
    if (!status.ok()) return status;
    if (static_cast<std::size_t>(response.results_size()) != places.size()) {
      return absl::InternalError(absl::StrCat("the indexer answered ", response.results_size(),
                                              " results for ", places.size(), " keys"));
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      results[places[i]].status = FromProto(response.results(static_cast<int>(i)));
    }
    return results;
  }

  absl::StatusOr<std::uint64_t> Commit(const indexer::CommitRequest& request) override {
    ClientCall call(request.deadline, request.stop);
    v1::CommitResponse response;
    const auto status = call.ToStatus(stub_->Commit(call.context(), {}, &response));
    if (!status.ok()) return status;
    return response.generation();
  }

  absl::StatusOr<indexer::StoredDocument> Get(const indexer::GetRequest& request) override {
    if (auto status = ValidateKey(request.key); !status.ok()) return status;
    v1::GetRequest message;
    message.mutable_key()->set_id(request.key.id);
    message.mutable_key()->set_collection(request.key.collection);
    message.set_version(request.version);
    ClientCall call(request.deadline, request.stop);
    v1::GetResponse response;
    const auto status = call.ToStatus(stub_->Get(call.context(), message, &response));
    if (!status.ok()) return status;
    return indexer::StoredDocument{FromProto(response.document()), response.version()};
  }

  absl::StatusOr<indexer::IndexStats> Stats() override {
    ClientCall call(absl::Now() + absl::Seconds(10), {});
    v1::StatsResponse response;
    const auto status = call.ToStatus(stub_->Stats(call.context(), {}, &response));
    if (!status.ok()) return status;
    return FromProto(response);
  }

 private:
  const std::unique_ptr<v1::Indexer::Stub> stub_;
};

}  // namespace

std::unique_ptr<indexer::Indexer> ConnectIndexer(std::shared_ptr<grpc::Channel> channel) {
  return std::make_unique<IndexerClient>(channel);
}

}  // namespace citeseek::services
