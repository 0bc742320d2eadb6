#include "services/inference/server.h"

#include "citeseek/v1/inference.grpc.pb.h"
#include "services/inference/convert.h"

namespace citeseek::services {
namespace {

class InferenceServer final : public v1::Inference::CallbackService {
 public:
  InferenceServer(const InferenceParts& parts, const ServerOptions& options)
      : parts_(parts), generating_("inference", options), scoring_("inference", options) {}

  grpc::ServerWriteReactor<v1::GenerateResponse>* Generate(
      grpc::CallbackServerContext* context, const v1::GenerateRequest* request) override {
    using Stream = StreamCall<v1::GenerateResponse>;
    return Stream::Start(generating_, "Inference.Generate", *context,
                         [this, request](const Call& call, const Stream::Push& push) {
                           return Generate(*request, call, push);
                         });
  }

  grpc::ServerUnaryReactor* Embed(grpc::CallbackServerContext* context,
                                  const v1::EmbedRequest* request,
                                  v1::EmbedResponse* response) override {
    return RunUnary(
        scoring_, "Inference.Embed", *context,
        [this, request, response](const Call& call) { return Embed(*request, call, *response); });
  }

  grpc::ServerUnaryReactor* Rerank(grpc::CallbackServerContext* context,
                                   const v1::RerankRequest* request,
                                   v1::RerankResponse* response) override {
    return RunUnary(
        scoring_, "Inference.Rerank", *context,
        [this, request, response](const Call& call) { return Rerank(*request, call, *response); });
  }

  grpc::ServerUnaryReactor* Info(grpc::CallbackServerContext* context, const v1::InfoRequest*,
                                 v1::InfoResponse* response) override {
    return RunUnary(scoring_, "Inference.Info", *context, [this, response](const Call&) {
      if (parts_.generator != nullptr) response->set_generator(parts_.generator_name());
      if (parts_.embedder != nullptr) {
        response->set_embedder(parts_.embedder->Name());
        response->set_embedder_dimension(parts_.embedder->Dimension());
        response->set_embedder_knows_meaning(parts_.embedder->KnowsMeaning());
      }
      if (parts_.reranker != nullptr) response->set_reranker(parts_.reranker->Name());
      return absl::OkStatus();
    });
  }

 private:
  absl::Status Generate(const v1::GenerateRequest& message, const Call& call,
                        const StreamCall<v1::GenerateResponse>::Push& push) {
    if (parts_.generator == nullptr) {
      return absl::FailedPreconditionError("no generator is loaded");
    }
    inference::GenerateRequest request = FromProto(message);
    request.deadline = call.deadline;
    request.stop = call.stop;
    const auto finish = parts_.generator->Generate(request, [&](const inference::Piece& piece) {
      v1::GenerateResponse response;
      *response.mutable_piece() = ToProto(piece);
      return push(std::move(response));
    });
    if (!finish.ok()) return finish.status();
    v1::GenerateResponse response;
    *response.mutable_finish() = ToProto(*finish);
    push(std::move(response));
    return absl::OkStatus();
  }

  absl::Status Embed(const v1::EmbedRequest& message, const Call& call,
                     v1::EmbedResponse& response) {
    if (parts_.embedder == nullptr) return absl::FailedPreconditionError("no embedder is loaded");
    const std::vector<std::string> texts(message.texts().begin(), message.texts().end());
    const int dimension = parts_.embedder->Dimension();
    response.set_dimension(dimension);
    auto& values = *response.mutable_values();
    values.Resize(message.texts_size() * dimension, 0.0f);
    return parts_.embedder->Embed({.texts = texts,
                                   .kind = FromProto(message.kind()),
                                   .deadline = call.deadline,
                                   .stop = call.stop},
                                  {values.mutable_data(), static_cast<std::size_t>(values.size())});
  }

  absl::Status Rerank(const v1::RerankRequest& message, const Call& call,
                      v1::RerankResponse& response) {
    if (parts_.reranker == nullptr) return absl::FailedPreconditionError("no reranker is loaded");
    const std::vector<std::string> passages(message.passages().begin(), message.passages().end());
    auto& scores = *response.mutable_scores();
    scores.Resize(message.passages_size(), 0.0f);
    return parts_.reranker->Score({.query = message.query(),
                                   .passages = passages,
                                   .deadline = call.deadline,
                                   .stop = call.stop},
                                  {scores.mutable_data(), static_cast<std::size_t>(scores.size())});
  }

  const InferenceParts parts_;
  // Generating takes minutes, scoring milliseconds: one must not wait behind the other.
  CallRunner generating_;
  CallRunner scoring_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeInferenceServer(const InferenceParts& parts,
                                                   const ServerOptions& options) {
  return std::make_unique<InferenceServer>(parts, options);
}

}  // namespace citeseek::services
