// Drafter: guesses one call's next tokens, and learns how far its guesses can be trusted.
//
// Single-threaded. Prompt lookup (Saxena 2023): where the call's last tokens occurred before, in
// the prompt or in what it said, the same continuation is likely; answers quote their documents. A
// draft is only ever a proposal: how the engine checks it makes the tokens those that the model
// would have said alone.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace citeseek::inference {

// What one more row in a step brings and costs. Drafts of all calls of a step draw on the same.
struct StepWorth {
  double tokens = 1;      // that the step brings, by expectation
  double cost = 1;        // of the step, relative to that of a step with one row
  double row_cost = 0.1;  // of one more row

  // Adds a row that brings a token with this probability, if that raises tokens per cost.
  bool Add(double probability);
};

class Drafter {
 public:
  // At most `most` tokens to follow `ids`; may be empty. `predicted`: what the model's own
  // prediction head says comes next; -1: it says nothing.
  std::vector<std::int32_t> Propose(std::span<const std::int32_t> ids, std::int32_t predicted,
                                    int most, StepWorth& worth);

  // How many tokens of the last proposal were checked, and of those, one after the other, right.
  void Learn(int checked, int accepted);

 private:
  // Where a guess came from: a match of one token, two, three, 4 to 7, more, or the model's head.
  static constexpr int kSources = 6;
  static constexpr std::array<double, kSources> kPrior = {0.1, 0.3, 0.5, 0.65, 0.8, 0.7};

  std::array<double, kSources> trust_ = kPrior;  // the chance that the next token is right
  int source_ = 0;                               // of the last proposal
};

// The latest of the longest earlier occurrences of the last tokens, of up to kLongestMatch.
struct Match {
  int length = 0;         // 0: the last token is new
  std::size_t after = 0;  // what followed it: ids[after] and on
};
inline constexpr int kLongestMatch = 16;
Match FindMatch(std::span<const std::int32_t> ids);

}  // namespace citeseek::inference
