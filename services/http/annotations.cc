#include "services/http/annotations.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/http/target.h"

namespace citeseek::http {

std::string UrlOf(const gateway::Citation& citation) {
  const std::string& uri = citation.uri;
  if (uri.starts_with("https://") || uri.starts_with("http://")) return uri;
  return absl::StrCat("/api/v1/documents/", EncodePath(citation.document_id),
                      "?version=", citation.version);
}

Annotation Annotations::Place(std::string_view text, const gateway::Citation& citation) {
  Annotation annotation{.url = UrlOf(citation),
                        .title = citation.title.empty() ? citation.document_id : citation.title};
  const std::string marker = absl::StrCat("[", citation.marker, "]");
  std::size_t start = std::min<std::size_t>(citation.answer_start, text.size());
  std::size_t end =
      std::min<std::size_t>(std::max(citation.answer_end, citation.answer_start), text.size());
  for (std::size_t at = text.find(marker, start); at != std::string_view::npos;
       at = text.find(marker, at + 1)) {
    if (!used_.insert(at).second) continue;
    start = at;
    end = at + marker.size();
    break;
  }
  annotation.start = CodePoint(text, start);
  annotation.end = CodePoint(text, end);
  return annotation;
}

std::size_t Annotations::CodePoint(std::string_view text, std::size_t byte) {
  if (byte < known_byte_) known_byte_ = known_code_point_ = 0;
  for (; known_byte_ < byte; ++known_byte_) {
    if ((text[known_byte_] & '\xC0') != '\x80') ++known_code_point_;
  }
  return known_code_point_;
}

}  // namespace citeseek::http
