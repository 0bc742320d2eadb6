// Guard: answers comparisons of decimals, versions and dates by arithmetic, which models get wrong
// ("which is bigger, 9.11 or 9.9?").
//
// Fires only where a sentence of the question is such a comparison and nothing else. Free function,
// thread-safe; exact (no floating point); linear time.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace citeseek::gateway {

struct Comparison {
  std::string answer;  // a few sentences, in the asker's language: which reading was taken
  std::string rest;    // what else the question asks; empty: nothing
};

std::optional<Comparison> CompareByArithmetic(std::string_view question);

}  // namespace citeseek::gateway
