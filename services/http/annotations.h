// Annotations: turns the citations of an answer into places in its text as OpenAI's clients count
// them, in Unicode code points.
//
// Single-threaded; one an answer.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "services/gateway/answerer.h"

namespace citeseek::http {

struct Annotation {
  std::string url;
  std::string title;
  std::size_t start = 0;  // code points of the answer: the marker, else the sentence
  std::size_t end = 0;
  int marker = 0;
  std::string document_id;
  std::string passage_id;
  std::string quote;
};

// The document's own address if it is of the web, else the one that it has on this server.
std::string UrlOf(const gateway::Citation& citation);

class Annotations {
 public:
  // To be told every event. What a citation became, else null; until the next call.
  const Annotation* Note(const gateway::Event& event);

  const std::vector<Annotation>& all() const { return all_; }

 private:
  Annotation Place(const gateway::Citation& citation);
  std::size_t CodePoint(std::size_t byte);

  std::string text_;                     // of the answer so far
  std::map<int, std::string> passages_;  // by marker
  std::vector<Annotation> all_;
  std::set<std::size_t> used_;  // markers that have their citation, by their first byte
  std::size_t known_byte_ = 0;
  std::size_t known_code_point_ = 0;
};

}  // namespace citeseek::http
