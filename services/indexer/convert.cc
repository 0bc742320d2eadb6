#include "services/indexer/convert.h"

namespace citeseek::services {

void ToProto(const indexer::Document& document, v1::Document& proto) {
  proto.set_id(document.id);
  proto.set_collection(document.collection);
  proto.set_title(document.title);
  proto.set_uri(document.uri);
  proto.set_text(document.text);
  for (const auto& [key, value] : document.metadata) (*proto.mutable_metadata())[key] = value;
}

indexer::Document FromProto(const v1::Document& document) {
  indexer::Document result;
  result.id = document.id();
  if (!document.collection().empty()) result.collection = document.collection();
  result.title = document.title();
  result.uri = document.uri();
  result.text = document.text();
  for (const auto& [key, value] : document.metadata()) result.metadata.emplace(key, value);
  return result;
}

void ToProto(const absl::Status& status, v1::ItemStatus& proto) {
  proto.set_code(status.raw_code());
  proto.set_message(std::string(status.message()));
}

absl::Status FromProto(const v1::ItemStatus& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.code()), status.message());
}

v1::StatsResponse ToProto(const indexer::IndexStats& stats) {
  v1::StatsResponse response;
  response.set_generation(stats.generation);
  response.set_documents(stats.documents);
  response.set_passages(stats.passages);
  response.set_pending_documents(stats.pending_documents);
  response.set_segments(stats.segments);
  response.set_bytes_on_disk(stats.bytes_on_disk);
  response.set_text_bytes(stats.text_bytes);
  response.set_embedder(stats.embedder);
  return response;
}

indexer::IndexStats FromProto(const v1::StatsResponse& response) {
  return {.generation = response.generation(),
          .documents = response.documents(),
          .passages = response.passages(),
          .pending_documents = response.pending_documents(),
          .segments = response.segments(),
          .bytes_on_disk = response.bytes_on_disk(),
          .text_bytes = response.text_bytes(),
          .embedder = response.embedder()};
}

}  // namespace citeseek::services
