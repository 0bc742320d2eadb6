// InferenceServer: turns citeseek.v1.Inference calls into calls of a Generator, an Embedder and a
// Reranker.
//
// Thread-safe. Stop the gRPC server before destroying the service.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "inference/embedder.h"
#include "inference/generator.h"
#include "inference/reranker.h"
#include "services/call.h"

namespace citeseek::services {

// Any of them may be null: its calls fail with kFailedPrecondition. All outlive the service.
struct InferenceParts {
  inference::Generator* generator = nullptr;
  std::function<std::string()> generator_name;  // of now; asked only if there is a generator
  inference::Embedder* embedder = nullptr;
  inference::Reranker* reranker = nullptr;
};

std::unique_ptr<grpc::Service> MakeInferenceServer(const InferenceParts& parts,
                                                   const ServerOptions& options);

}  // namespace citeseek::services
