// SentenceCiter: turns a model's marked text into sentences, each followed by its citations.
//
// The quote of a citation is the sentence of the cited source that best carries the answer's
// sentence. Markers belong to the sentence they stand in, or right behind. Single-threaded; one per
// answer; linear in the text, times the sentences of a cited source.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "services/gateway/answerer.h"
#include "services/gateway/evidence.h"
#include "services/gateway/markers.h"

namespace citeseek::gateway {

// A citation of hit.text[range]; everything about the source is filled in.
Citation MakeCitation(const retrieval::Hit& hit, int marker, indexer::ByteRange range);

using CitedText = std::variant<std::string, Citation>;  // never an empty string

class SentenceCiter {
 public:
  // `offset`: bytes that the answer holds already. `evidence` outlives the citer.
  SentenceCiter(Evidence* evidence, std::size_t offset) : evidence_(evidence), offset_(offset) {}

  void Feed(const MarkedText& part, std::vector<CitedText>* out);
  void Finish(std::vector<CitedText>* out) { EndSentence(out); }

 private:
  void EndSentence(std::vector<CitedText>* out);

  Evidence* evidence_;
  std::size_t offset_;        // of the answer, all that went out
  std::string sentence_;      // text of the current sentence, without markers
  std::size_t start_ = 0;     // of the current sentence in the answer
  std::size_t end_ = 0;       // after its last byte that is not blank
  std::vector<int> markers_;  // of the current sentence
  bool dot_ = false;          // it may end here: . ! or ? was last
  bool ended_ = false;        // it ends here; markers may follow
};

}  // namespace citeseek::gateway
