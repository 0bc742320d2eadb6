// Extract: chooses the sentences of the passages that answer a question, or says that none do.
//
// A sentence is worth what it carries of the question's weighted terms (its title, heading, table
// header and neighbours count less), whether it states what kind of thing is asked, how well its
// passage was ranked, and how many other sources state the same. Sentences are taken greedily by
// worth less what the taken ones already say (maximal marginal relevance, Carbonell and Goldstein
// 1998). Free function, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/gateway/answerable.h"
#include "services/gateway/cues.h"
#include "services/gateway/evidence.h"

namespace citeseek::gateway {

inline constexpr std::size_t kMaxExtractSentences = 5;
inline constexpr std::size_t kNearest = 2;

struct ExtractedSentence {
  int source = 0;            // hits[source]
  indexer::ByteRange range;  // in that hit's text
  std::string text;          // for reading, one line
  double score = 0;          // [0, 1]: how much of the question it carries
};

struct Extract {
  std::vector<ExtractedSentence> sentences;  // best source first; empty: no answer in the passages
  std::vector<std::string> disagreement;     // values that the sources state for the same thing
  std::vector<ExtractedSentence> nearest;    // where no sentence answers: the best of the matter
  double support = 0;                        // [0, 1]: evidence behind the best sentence
  double confidence = 0;                     // [0, 1]: that the passages hold the answer
  AnswerFeatures features{};                 // what `confidence` is made of
};

Extract ExtractAnswer(std::string_view question, const QuestionCues& cues, Evidence* evidence);

}  // namespace citeseek::gateway
