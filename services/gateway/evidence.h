// Evidence: turns retrieved passages into sentences that are sets of weighted terms.
//
// Made once per question, then read-only. The weight of a term is an idf estimated over the
// sentences of the passages themselves, smoothed as if they stood in a larger collection; stop
// terms are left out. `hits` must outlive it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "indexer/analyzer.h"
#include "retrieval/retriever.h"
#include "services/gateway/readable.h"

namespace citeseek::gateway {

using TermId = std::uint32_t;
using TermSet = std::vector<TermId>;  // sorted, each once

struct Sentence {
  int source = 0;            // hits[source]
  indexer::ByteRange range;  // in that hit's text
  LineKind kind = LineKind::kProse;
  bool answers = true;  // neither a heading, nor the title, nor a table's header
  bool leads = false;   // the first below a heading that is not the document's title
  bool names = false;   // a line that names what the paragraph below it is about
  int head = -1;        // sentences()[head] is the last line above it that names or heads; -1: none
  TermSet terms;
  TermSet context;  // of the title, the heading above, the table's header
};

// A part of the question that an answer should carry: an English word, or one Chinese character
// with the words and bigrams that cover it.
struct Slot {
  double weight = 0;
  TermSet terms;        // any of them carries the slot
  TermSet weak;         // of Chinese: the character alone, which carries a part of it
  bool entity = false;  // a number, a name, or quoted: nothing else will do
  bool scope = false;   // such a name that tells only where: "in PostgreSQL", where most hits are
};

class Evidence {
 public:
  Evidence(std::span<const retrieval::Hit> hits, const indexer::Analyzer& analyzer);

  std::span<const retrieval::Hit> hits() const { return hits_; }
  // By source, then as in the text.
  std::span<const Sentence> sentences() const { return sentences_; }

  // All terms of a hit, its title included.
  const TermSet& SourceTerms(int source) const {
    return source_terms_[static_cast<std::size_t>(source)];
  }

  // The terms of a text of the asker's or the model's; those that no passage holds get new ids.
  TermSet Terms(std::string_view text);
  // Without those that no passage holds, and the Chinese ones of fewer bytes.
  TermSet KnownTerms(std::string_view text, std::size_t least_wide_bytes = 0) const;
  std::vector<Slot> Slots(std::string_view question);
  // The terms of a text that passages hold, where they stand in it.
  std::vector<std::pair<TermId, indexer::ByteRange>> Places(std::string_view text) const;
  double Weight(TermId term) const { return term < weights_.size() ? weights_[term] : unseen_; }
  double Weight(const TermSet& terms) const;
  double TermWeight(const std::string& term) const;
  // Of a term that is any of these.
  double WeightOfAny(const TermSet& terms) const;

  std::string_view Text(const Sentence& sentence) const;

 private:
  std::span<const retrieval::Hit> hits_;
  const indexer::Analyzer& analyzer_;
  std::unordered_map<std::string, TermId> ids_;
  std::vector<Sentence> sentences_;
  std::vector<TermSet> source_terms_;
  std::vector<double> weights_;
  double unseen_ = 0;
};

// Whether a sentence is a line of its own that ends like a title: neither prose nor a named value.
bool IsTitleLine(std::string_view passage, indexer::ByteRange range);

// Whether a line ends with a mark of a sentence or clause.
bool EndsAsSentence(std::string_view line);

bool Holds(const TermSet& terms, TermId term);
bool HoldsAny(const TermSet& terms, const TermSet& wanted);

// The weight of what both hold over the weight of `wanted`; 0 for an empty `wanted`.
double Coverage(const Evidence& evidence, const TermSet& wanted, const TermSet& held);

// A sentence of source `source` that best carries `wanted`; null if that source has none.
struct Alignment {
  const Sentence* sentence = nullptr;
  double coverage = 0;
};
Alignment Align(const Evidence& evidence, const TermSet& wanted, int source);

}  // namespace citeseek::gateway
