// Answerable: says how likely it is that retrieved passages hold the answer to a question.
//
// What the best sentences carry of the question, alone, with their surroundings and together, is
// put to boosted regression trees (Friedman 2001). The trees are made by
// tests/bench/answerable_train.cc. Free functions, thread-safe.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "services/gateway/candidates.h"
#include "services/gateway/cues.h"
#include "services/gateway/evidence.h"

namespace citeseek::gateway {

// Sentences looked at; more say nothing new.
inline constexpr std::size_t kClues = 10;

inline constexpr std::size_t kAnswerFeatures = 44;
using AnswerFeatures = std::array<float, kAnswerFeatures>;

// `clues` best first, those after kClues are left out; `support` as in Extract.
AnswerFeatures ReadAnswerFeatures(std::string_view question, const QuestionCues& cues,
                                  const Evidence& evidence, const std::vector<Slot>& slots,
                                  std::span<const Clue> clues, double support);

// A node of a tree, which has kTreeDepth levels of them and then its leaves.
inline constexpr int kTreeDepth = 3;
inline constexpr std::size_t kTreeNodes = (1 << kTreeDepth) - 1;
struct AnswerTree {
  std::array<std::uint8_t, kTreeNodes> feature;  // node n's children are 2n + 1 and 2n + 2
  std::array<float, kTreeNodes> limit;           // a feature above it goes to 2n + 2
  std::array<float, kTreeNodes + 1> leaf;        // log-odds
};

// [0, 1]: the trees' own scale, not a frequency among any asker's questions.
double Confidence(std::span<const AnswerTree> trees, const AnswerFeatures& features);

std::span<const AnswerTree> TrainedAnswerTrees();

}  // namespace citeseek::gateway
