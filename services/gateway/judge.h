// Judge: decides which markers a sentence should carry, and what in it no source supports.
//
// A marker whose source does not support the sentence is moved to the source that does, or dropped;
// a sentence that states a fact without a marker gets that of its source. Where several markers
// stand in one sentence, each may carry the words before it. Free functions, thread-compatible.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "services/gateway/answerer.h"
#include "services/gateway/verify.h"

namespace citeseek::gateway {

struct Mark {
  int marker = 0;
  std::size_t at = 0;  // bytes of the sentence's text before it
};

struct MarkedSentence {
  std::string text;  // without markers
  std::vector<Mark> marks;
};

struct Judgement {
  Verdict verdict = Verdict::kUnchecked;
  double score = 0;
  std::vector<std::string> problems;
  std::vector<int> markers;         // by mark: what stands in its place; 0: nothing
  int added = 0;                    // marker of a sentence that had none; 0: none
  std::vector<Citation> citations;  // without their place in the answer
};

// `numbers[i]` is the marker that stands for hits[i]; several hits may share one, 0 is none.
Judgement Judge(const MarkedSentence& sentence, std::span<const int> numbers, Verifier* verifier);

// A citation of hit.text[range]; everything about the source is filled in.
Citation MakeCitation(const retrieval::Hit& hit, int marker, indexer::ByteRange range);

}  // namespace citeseek::gateway
