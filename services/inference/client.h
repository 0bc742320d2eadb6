// InferenceClient: a Generator, an Embedder and a Reranker that ask citeseek.v1.Inference on
// another machine.
//
// Thread-safe. Errors: those of the remote object, unchanged, and kUnavailable.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "inference/embedder.h"
#include "inference/generator.h"
#include "inference/reranker.h"
#include "services/call.h"

namespace citeseek::services {

struct InferenceClients {
  std::unique_ptr<inference::Generator> generator;  // null: the server has none
  std::string generator_name;
  std::unique_ptr<inference::Embedder> embedder;  // null: the server has none
  std::unique_ptr<inference::Reranker> reranker;  // null: the server has none
};

// Asks once what is loaded there: names and dimension are taken as fixed from then on, and an
// answer from another embedder is kFailedPrecondition.
absl::StatusOr<InferenceClients> ConnectInference(std::shared_ptr<grpc::Channel> channel,
                                                  absl::Time deadline);

}  // namespace citeseek::services
