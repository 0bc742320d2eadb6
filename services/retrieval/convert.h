// Convert: retrieval/retriever.h to and from citeseek/v1/retrieval.proto, field by field.
//
// Free functions, thread-safe. Deadlines and stop tokens travel with the call, not in the message.
#pragma once

#include "citeseek/v1/retrieval.pb.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "retrieval/retriever.h"

namespace citeseek::services {

v1::SearchRequest ToProto(const retrieval::Query& query);
retrieval::Query FromProto(const v1::SearchRequest& request);

void ToProto(const retrieval::Place& place, v1::Place& proto);
retrieval::Place FromProto(const v1::Place& place);

v1::ReadRequest ToProto(const retrieval::ReadRequest& request);
retrieval::ReadRequest FromProto(const v1::ReadRequest& request);

void ToProto(const retrieval::Hit& hit, v1::Hit& proto);
retrieval::Hit FromProto(const v1::Hit& hit);

v1::SearchResponse ToProto(const retrieval::Result& result);
retrieval::Result FromProto(const v1::SearchResponse& response);

void ToProto(const std::vector<retrieval::Filter>& filters,
             google::protobuf::RepeatedPtrField<v1::Filter>& proto);
std::vector<retrieval::Filter> FromProto(
    const google::protobuf::RepeatedPtrField<v1::Filter>& filters);

// kInvalidArgument, in the retriever's words, if they cannot travel in a message.
absl::Status CheckScopeUtf8(const std::string& collection,
                            const std::vector<retrieval::Filter>& filters);

}  // namespace citeseek::services
