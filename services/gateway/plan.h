// Plan: turns a question that asks several things into questions that ask one each.
//
// By rules on the form of English and Chinese questions; what has none of the forms is one part.
// Free functions, thread-safe, linear time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace citeseek::gateway {

inline constexpr std::size_t kMaxParts = 4;

// 1 to kMaxParts questions, each to be understood alone; the question itself if it is one. "Who
// founded Acme and when did it start?": "Who founded Acme?", "when did Acme start?". Parts beyond
// the limit stay in the last one.
std::vector<std::string> PlanParts(std::string_view question);

// The names, numbers and quoted words of a part, to search again with; empty if it has none.
std::string NamesOnly(std::string_view part);

// The part without the words that only ask, and in the words of answers where those differ ("who
// founded it": "established it"), to search again with; empty if there are none for it.
std::string Reworded(std::string_view part);

}  // namespace citeseek::gateway
