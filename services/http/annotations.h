// Annotations: turns the citations of an answer into places in its text as OpenAI's clients count
// them, in Unicode code points.
//
// Single-threaded; one an answer.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "services/gateway/answerer.h"

namespace citeseek::http {

struct Annotation {
  std::string url;
  std::string title;
  std::size_t start = 0;  // code points of the answer: the marker, else the sentence
  std::size_t end = 0;
};

// The document's own address if it is of the web, else the one that it has on this server.
std::string UrlOf(const gateway::Citation& citation);

class Annotations {
 public:
  // `text`: the answer so far.
  Annotation Place(std::string_view text, const gateway::Citation& citation);

 private:
  std::size_t CodePoint(std::string_view text, std::size_t byte);

  std::set<std::size_t> used_;  // markers that have their citation, by their first byte
  std::size_t known_byte_ = 0;
  std::size_t known_code_point_ = 0;
};

}  // namespace citeseek::http
