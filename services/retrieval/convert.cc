#include "services/retrieval/convert.h"

#include "services/call.h"

namespace citeseek::services {
namespace {

v1::Legs ToProto(retrieval::Legs legs) {
  switch (legs) {
    case retrieval::Legs::kHybrid:
      return v1::LEGS_HYBRID;
    case retrieval::Legs::kLexical:
      return v1::LEGS_LEXICAL;
    case retrieval::Legs::kDense:
      return v1::LEGS_DENSE;
  }
  return v1::LEGS_UNSPECIFIED;
}

// A value of a newer client counts as the default.
retrieval::Legs FromProto(v1::Legs legs) {
  if (legs == v1::LEGS_LEXICAL) return retrieval::Legs::kLexical;
  if (legs == v1::LEGS_DENSE) return retrieval::Legs::kDense;
  return retrieval::Legs::kHybrid;
}

}  // namespace

void ToProto(const std::vector<retrieval::Filter>& filters,
             google::protobuf::RepeatedPtrField<v1::Filter>& proto) {
  for (const retrieval::Filter& filter : filters) {
    v1::Filter& to = *proto.Add();
    to.set_field(filter.field);
    to.set_value(filter.value);
  }
}

std::vector<retrieval::Filter> FromProto(
    const google::protobuf::RepeatedPtrField<v1::Filter>& filters) {
  std::vector<retrieval::Filter> result;
  for (const v1::Filter& filter : filters) result.push_back({filter.field(), filter.value()});
  return result;
}

absl::Status CheckScopeUtf8(const std::string& collection,
                            const std::vector<retrieval::Filter>& filters) {
  if (auto status = CheckUtf8("collection", collection); !status.ok()) return status;
  for (const retrieval::Filter& filter : filters) {
    if (auto status = CheckUtf8("filter field", filter.field); !status.ok()) return status;
    auto status = CheckUtf8(("filter " + filter.field).c_str(), filter.value);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

v1::SearchRequest ToProto(const retrieval::Query& query) {
  v1::SearchRequest request;
  request.set_text(query.text);
  request.set_top_k(query.top_k);
  request.set_collection(query.collection);
  ToProto(query.filters, *request.mutable_filters());
  request.set_legs(ToProto(query.legs));
  request.set_min_generation(query.min_generation);
  request.set_each_passage(query.each_passage);
  return request;
}

retrieval::Query FromProto(const v1::SearchRequest& request) {
  retrieval::Query query;
  query.text = request.text();
  if (request.has_top_k()) query.top_k = request.top_k();
  query.collection = request.collection();
  query.filters = FromProto(request.filters());
  query.legs = FromProto(request.legs());
  query.min_generation = request.min_generation();
  query.each_passage = request.each_passage();
  return query;
}

void ToProto(const retrieval::Place& place, v1::Place& proto) {
  proto.set_document_id(place.document_id);
  proto.set_collection(place.collection);
  proto.set_version(place.version);
  proto.set_start(place.start);
  proto.set_end(place.end);
}

retrieval::Place FromProto(const v1::Place& place) {
  return {place.document_id(), place.collection(), place.version(), place.start(), place.end()};
}

v1::ReadRequest ToProto(const retrieval::ReadRequest& request) {
  v1::ReadRequest proto;
  for (const retrieval::Place& place : request.places) ToProto(place, *proto.add_places());
  proto.set_collection(request.collection);
  ToProto(request.filters, *proto.mutable_filters());
  proto.set_min_generation(request.min_generation);
  return proto;
}

retrieval::ReadRequest FromProto(const v1::ReadRequest& proto) {
  retrieval::ReadRequest request;
  for (const v1::Place& place : proto.places()) request.places.push_back(FromProto(place));
  request.collection = proto.collection();
  request.filters = FromProto(proto.filters());
  request.min_generation = proto.min_generation();
  return request;
}

void ToProto(const retrieval::Hit& hit, v1::Hit& proto) {
  proto.set_document_id(hit.document_id);
  proto.set_collection(hit.collection);
  proto.set_passage_id(hit.passage_id);
  proto.set_version(hit.version);
  proto.set_title(hit.title);
  proto.set_uri(hit.uri);
  proto.set_start(hit.start);
  proto.set_end(hit.end);
  proto.set_text(hit.text);
  proto.set_score(hit.score);
  proto.set_lexical_score(hit.lexical_score);
  proto.set_dense_score(hit.dense_score);
}

retrieval::Hit FromProto(const v1::Hit& hit) {
  return {.document_id = hit.document_id(),
          .collection = hit.collection(),
          .passage_id = hit.passage_id(),
          .version = hit.version(),
          .title = hit.title(),
          .uri = hit.uri(),
          .start = hit.start(),
          .end = hit.end(),
          .text = hit.text(),
          .score = hit.score(),
          .lexical_score = hit.lexical_score(),
          .dense_score = hit.dense_score()};
}

v1::SearchResponse ToProto(const retrieval::Result& result) {
  v1::SearchResponse response;
  for (const retrieval::Hit& hit : result.hits) ToProto(hit, *response.add_hits());
  response.set_generation(result.generation);
  response.set_degraded(result.degraded);
  v1::SearchStats& stats = *response.mutable_stats();
  stats.set_analyze_ns(absl::ToInt64Nanoseconds(result.stats.analyze));
  stats.set_lexical_ns(absl::ToInt64Nanoseconds(result.stats.lexical));
  stats.set_dense_ns(absl::ToInt64Nanoseconds(result.stats.dense));
  stats.set_fuse_ns(absl::ToInt64Nanoseconds(result.stats.fuse));
  stats.set_fetch_ns(absl::ToInt64Nanoseconds(result.stats.fetch));
  return response;
}

retrieval::Result FromProto(const v1::SearchResponse& response) {
  retrieval::Result result;
  result.hits.reserve(static_cast<std::size_t>(response.hits_size()));
  for (const v1::Hit& hit : response.hits()) result.hits.push_back(FromProto(hit));
  result.generation = response.generation();
  result.degraded = response.degraded();
  const v1::SearchStats& stats = response.stats();
  result.stats = {.analyze = absl::Nanoseconds(stats.analyze_ns()),
                  .lexical = absl::Nanoseconds(stats.lexical_ns()),
                  .dense = absl::Nanoseconds(stats.dense_ns()),
                  .fuse = absl::Nanoseconds(stats.fuse_ns()),
                  .fetch = absl::Nanoseconds(stats.fetch_ns())};
  return result;
}

}  // namespace citeseek::services
