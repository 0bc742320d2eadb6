#include "services/http/annotations.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/http/target.h"

namespace citeseek::http {

std::string UrlOf(const gateway::Citation& citation) {
  const std::string& uri = citation.uri;
  if (uri.starts_with("https://") || uri.starts_with("http://")) return uri;
  return absl::StrCat("/api/v1/documents/", EncodePath(citation.document_id),
                      "?version=", citation.version,
                      "&collection=", EncodePath(citation.collection));
}

const Annotation* Annotations::Note(const gateway::Event& event) {
  if (const auto* searched = std::get_if<gateway::SearchedEvent>(&event)) {
    for (std::size_t i = 0; i < searched->hits.size(); ++i) {
      const int marker =
          i < searched->markers.size() ? searched->markers[i] : static_cast<int>(i) + 1;
      passages_[marker] = searched->hits[i].passage_id;
    }
  } else if (const auto* answer = std::get_if<gateway::AnswerEvent>(&event)) {
    text_ += answer->text;
  } else if (const auto* cited = std::get_if<gateway::CitationEvent>(&event)) {
    return &all_.emplace_back(Place(cited->citation));
  }
  return nullptr;
}

Annotation Annotations::Place(const gateway::Citation& citation) {
  const std::string marker = absl::StrCat("[", citation.marker, "]");
  std::size_t start = std::min<std::size_t>(citation.answer_start, text_.size());
  std::size_t end =
      std::min<std::size_t>(std::max(citation.answer_end, citation.answer_start), text_.size());
  for (std::size_t at = text_.find(marker, start); at != std::string::npos;
       at = text_.find(marker, at + 1)) {
    if (!used_.insert(at).second) continue;
    start = at;
    end = at + marker.size();
    break;
  }
  const auto passage = passages_.find(citation.marker);
  return {.url = UrlOf(citation),
          .title = citation.title.empty() ? citation.document_id : citation.title,
          .start = CodePoint(start),
          .end = CodePoint(end),
          .marker = citation.marker,
          .document_id = citation.document_id,
          .passage_id = passage == passages_.end() ? "" : passage->second,
          .quote = citation.quote};
}

std::size_t Annotations::CodePoint(std::size_t byte) {
  if (byte < known_byte_) known_byte_ = known_code_point_ = 0;
  for (; known_byte_ < byte; ++known_byte_) {
    if ((text_[known_byte_] & '\xC0') != '\x80') ++known_code_point_;
  }
  return known_code_point_;
}

}  // namespace citeseek::http
