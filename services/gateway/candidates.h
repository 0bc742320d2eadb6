// Candidates: turns the sentences of evidence into candidates for the answer to a question, with
// what each carries of it.
//
// Free functions, thread-safe.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "services/gateway/cues.h"
#include "services/gateway/evidence.h"

namespace citeseek::gateway {

// What one sentence carries of the question; shares of its weight, [0, 1], unless told otherwise.
struct Clue {
  const Sentence* sentence = nullptr;
  double stated = 0;    // in the sentence itself
  double titled = 0;    // or in its title, heading or table header, which counts less
  double window = 0;    // or in its neighbours
  double passage = 0;   // or anywhere in the passage
  double missing = 0;   // nowhere in the passage
  double gap = 0;       // the heaviest part of what is missing
  double entities = 1;  // of the numbers and names, in the sentence itself
  double agreed = 0;    // of what it adds to the question, said by other sources too
};

struct Candidate {
  const Sentence* sentence = nullptr;
  double coverage = 0;      // [0, 1]: of the question, context counted
  double entities = 1;      // [0, 1]: of the question's numbers and names, in the passage
  std::uint64_t slots = 0;  // which of the question's first 64 it carries, context counted
  bool typed = true;        // states the kind of thing that is asked for
  bool looked_up = false;   // the row of what the question names, with a column that it asks for
  double support = 0;       // [0, 1]: evidence that it answers
  double worth = 0;         // the higher the better; agreement of other sources counted
  double fit = 1;           // of the place where it stands to what is asked; multiplies the worth
  Clue clue;
};

// In the evidence's order. `slots` are the question's.
std::vector<Candidate> ReadCandidates(std::string_view question, const QuestionCues& cues,
                                      const std::vector<Slot>& slots, Evidence* evidence);

}  // namespace citeseek::gateway
