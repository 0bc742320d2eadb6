#include "services/inference/client.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "citeseek/v1/inference.grpc.pb.h"
#include "services/inference/convert.h"

namespace citeseek::services {
namespace {

using Stub = v1::Inference::Stub;

// A call for more texts than this travels as several: rows do not depend on each other.
constexpr std::size_t kBatchBytes = 4 << 20;
constexpr std::size_t kBatchTexts = 1024;

class GeneratorClient final : public inference::Generator {
 public:
  explicit GeneratorClient(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::Inference::NewStub(channel)) {}

  absl::StatusOr<inference::Finish> Generate(const inference::GenerateRequest& request,
                                             const inference::PieceSink& sink) override {
    for (const inference::Message& message : request.messages) {
      if (auto status = CheckUtf8("message", message.text); !status.ok()) return status;
    }
    for (const std::string& stop : request.sampling.stop_strings) {
      if (auto status = CheckUtf8("stop string", stop); !status.ok()) return status;
    }
    ClientCall call(request.deadline, request.stop);
    const auto stream = stub_->Generate(call.context(), ToProto(request));
    absl::StatusOr<inference::Finish> finish = absl::InternalError("the stream has no finish");
    const absl::Status status =
        ReadStream(call, *stream, [&](const v1::GenerateResponse& response) {
          if (response.has_finish()) finish = FromProto(response.finish());
          return !response.has_piece() || sink(FromProto(response.piece()));
        });
    if (!status.ok()) return status;
    return finish;
  }

 private:
  const std::unique_ptr<Stub> stub_;
};

class EmbedderClient final : public inference::Embedder {
 public:
  EmbedderClient(const std::shared_ptr<grpc::Channel>& channel, const v1::InfoResponse& info)
      : stub_(v1::Inference::NewStub(channel)),
        name_(info.embedder()),
        dimension_(info.embedder_dimension()),
        knows_meaning_(info.embedder_knows_meaning()) {}

  std::string Name() const override { return name_; }
  int Dimension() const override { return dimension_; }
  bool KnowsMeaning() const override { return knows_meaning_; }

  absl::Status Embed(const inference::EmbedRequest& request, std::span<float> out) override {
    const auto columns = static_cast<std::size_t>(dimension_);
    if (out.size() != request.texts.size() * columns) {
      return absl::InvalidArgumentError(absl::StrCat("out of ", out.size(), " floats is not ",
                                                     request.texts.size(), " rows of ", columns));
    }
    v1::EmbedRequest batch;
    batch.set_kind(ToProto(request.kind));
    std::size_t bytes = 0, done = 0;
    for (std::size_t i = 0; i < request.texts.size(); ++i) {
      if (auto status = CheckUtf8(absl::StrCat("text ", i).c_str(), request.texts[i]); !status.ok())
        return status;
      batch.add_texts(request.texts[i]);
      bytes += request.texts[i].size();
      const std::size_t count = i + 1 - done;
      if (i + 1 < request.texts.size() && count < kBatchTexts && bytes < kBatchBytes) continue;
      const auto rows = out.subspan(done * columns, count * columns);
      if (auto status = Send(request, batch, rows); !status.ok()) return status;
      batch.clear_texts();
      bytes = 0;
      done = i + 1;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Send(const inference::EmbedRequest& request, const v1::EmbedRequest& batch,
                    std::span<float> out) {
    ClientCall call(request.deadline, request.stop);
    v1::EmbedResponse response;
    const auto status = call.ToStatus(stub_->Embed(call.context(), batch, &response));
    if (!status.ok()) return status;
    if (response.dimension() != dimension_ ||
        static_cast<std::size_t>(response.values_size()) != out.size()) {
      return absl::FailedPreconditionError(
          absl::StrCat("the embedder at the server now has dimension ", response.dimension(),
                       ", not ", dimension_, " as when we connected"));
    }
    std::copy(response.values().begin(), response.values().end(), out.begin());
    return absl::OkStatus();
  }

  const std::unique_ptr<Stub> stub_;
  const std::string name_;
  const int dimension_;
  const bool knows_meaning_;
};

class RerankerClient final : public inference::Reranker {
 public:
  RerankerClient(const std::shared_ptr<grpc::Channel>& channel, std::string name)
      : stub_(v1::Inference::NewStub(channel)), name_(std::move(name)) {}

  std::string Name() const override { return name_; }

  absl::Status Score(const inference::RerankRequest& request, std::span<float> out) override {
    if (out.size() != request.passages.size()) {
      return absl::InvalidArgumentError(absl::StrCat("out of ", out.size(), " floats is not ",
                                                     request.passages.size(), " scores"));
    }
    if (auto status = CheckUtf8("query", request.query); !status.ok()) return status;
    v1::RerankRequest message;
    message.set_query(request.query);
    for (std::size_t i = 0; i < request.passages.size(); ++i) {
      const std::string& passage = request.passages[i];
      const std::string name = absl::StrCat("passage ", i);
      if (auto status = CheckUtf8(name.c_str(), passage); !status.ok()) return status;
      message.add_passages(passage);
    }
    ClientCall call(request.deadline, request.stop);
    v1::RerankResponse response;
    const auto status = call.ToStatus(stub_->Rerank(call.context(), message, &response));
    if (!status.ok()) return status;
    if (static_cast<std::size_t>(response.scores_size()) != out.size()) {
      return absl::InternalError(absl::StrCat("the reranker answered ", response.scores_size(),
                                              " scores for ", out.size(), " passages"));
    }
    std::copy(response.scores().begin(), response.scores().end(), out.begin());
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<Stub> stub_;
  const std::string name_;
};

}  // namespace

absl::StatusOr<InferenceClients> ConnectInference(std::shared_ptr<grpc::Channel> channel,
                                                  absl::Time deadline) {
  ClientCall call(deadline, {});
  call.context()->set_wait_for_ready(true);
  v1::InfoResponse info;
  const auto status =
      call.ToStatus(v1::Inference::NewStub(channel)->Info(call.context(), {}, &info));
  if (!status.ok()) return status;
  InferenceClients clients;
  clients.generator_name = info.generator();
  if (!info.generator().empty()) clients.generator = std::make_unique<GeneratorClient>(channel);
  if (!info.embedder().empty()) {
    clients.embedder = std::make_unique<EmbedderClient>(channel, info);
  }
  if (!info.reranker().empty()) {
    clients.reranker = std::make_unique<RerankerClient>(channel, info.reranker());
  }
  return clients;
}

}  // namespace citeseek::services
