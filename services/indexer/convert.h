// Convert: indexer/indexer.h to and from citeseek/v1/indexer.proto, field by field.
//
// Free functions, thread-safe.
#pragma once

#include "absl/status/status.h"
#include "citeseek/v1/indexer.pb.h"
#include "indexer/indexer.h"

namespace citeseek::services {

void ToProto(const indexer::Document& document, v1::Document& proto);
// An absent collection is the default one.
indexer::Document FromProto(const v1::Document& document);

void ToProto(const absl::Status& status, v1::ItemStatus& proto);
absl::Status FromProto(const v1::ItemStatus& status);

v1::StatsResponse ToProto(const indexer::IndexStats& stats);
indexer::IndexStats FromProto(const v1::StatsResponse& response);

}  // namespace citeseek::services
