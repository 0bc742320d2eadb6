// Verifier: decides whether a passage supports a sentence, and which stretch of it does.
//
// The sentence and the stretch of the passage that carries most of it are aligned token by token
// (Needleman and Wunsch 1970, with a bonus for neighbours). A number, date or name that stands in
// the place of another one, a negation on one side only, a comparison the other way round, or two
// things that have changed places make it unsupported; so does a number or name that the passage
// does not hold. Another word that is not known to mean the same, a condition on one side only, or
// a clause that the passage does not have leave it partly supported. What remains is the share of
// the sentence's idf weight that the stretch, with its title, heading and table header, carries.
// Where nothing contradicts and only the words are others, a loaded reranker or embedder decides
// (meaning.h); it never outweighs a fault found by form. Single-threaded; what it is made of
// outlives it. Linear in the passage times the sentence.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "services/gateway/align.h"
#include "services/gateway/answerer.h"
#include "services/gateway/evidence.h"
#include "services/gateway/meaning.h"
#include "services/gateway/statement.h"

namespace citeseek::gateway {

struct Support {
  Verdict verdict = Verdict::kUnsupported;
  double score = 0;          // [0, 1]: share of the sentence's weight that is carried
  int source = -1;           // hits[source]
  indexer::ByteRange range;  // in that hit's text: the shortest stretch that carries it
  std::string fault;         // what is not supported, for people; may be empty
  // Other words, no contradiction: the sentences in that hit's text that may mean the same; else
  // empty.
  indexer::ByteRange reworded;
};

// By verdict, then by score.
bool IsBetter(const Support& a, const Support& b);

class Verifier {
 public:
  // `meaning` may be null: no model is asked.
  Verifier(const Evidence* evidence, const indexer::Analyzer* analyzer, Meaning* meaning = nullptr);

  Support Check(std::string_view sentence, int source);
  // By the source that supports it best; of equals the first.
  Support CheckAll(std::string_view sentence);

  std::span<const retrieval::Hit> hits() const { return evidence_->hits(); }

  // True for a sentence that claims something that could be checked.
  bool StatesFact(std::string_view sentence) const;

 private:
  // A sentence of a source, read once.
  struct Line {
    const Sentence* sentence = nullptr;
    Statement statement;
  };
  struct Source {
    std::vector<Line> lines;
    Statement title;
    std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> holders;  // lines, by token
  };
  struct Claim;
  struct Stretch;

  const Source& Read(int source);
  std::vector<std::size_t> Promising(const Source& source, const Claim& claim) const;
  std::vector<double> HeldAround(const Claim& claim, const Source& source, std::size_t first) const;
  Claim Read(std::string_view sentence) const;
  static std::pair<std::size_t, std::size_t> FindAdded(const Claim& claim,
                                                       std::span<const double> shares);
  Support CheckClaim(const Claim& claim, int source);
  Support AskMeaning(const Claim& claim, Support support) const;
  std::string Explain(const Claim& claim, const Stretch& stretch, const Difference& difference,
                      std::string_view text) const;
  indexer::ByteRange Shortest(const std::vector<Line>& lines, const Stretch& stretch,
                              const Claim& claim, const std::vector<int>& match) const;

  const Evidence* evidence_;
  const indexer::Analyzer* analyzer_;
  Meaning* meaning_;
  std::map<int, Source> sources_;
};

}  // namespace citeseek::gateway
