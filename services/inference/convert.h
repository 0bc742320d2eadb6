// Convert: inference/generator.h to and from citeseek/v1/inference.proto, field by field.
//
// Free functions, thread-safe. Embeddings and scores are plain arrays: server and client copy them.
#pragma once

#include "citeseek/v1/inference.pb.h"
#include "inference/embedder.h"
#include "inference/generator.h"

namespace citeseek::services {

v1::GenerateRequest ToProto(const inference::GenerateRequest& request);
inference::GenerateRequest FromProto(const v1::GenerateRequest& request);

v1::Piece ToProto(const inference::Piece& piece);
inference::Piece FromProto(const v1::Piece& piece);

v1::Finish ToProto(const inference::Finish& finish);
inference::Finish FromProto(const v1::Finish& finish);

v1::EmbedKind ToProto(inference::EmbedKind kind);
inference::EmbedKind FromProto(v1::EmbedKind kind);

}  // namespace citeseek::services
