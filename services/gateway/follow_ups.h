// FollowUps: turns the passages that were read into further questions that they answer.
//
// Without a model: from sentences that state when, how long, where or by whom ("X was built by Y in
// 1931"), and from headings. Rather none than one that reads oddly. What it gives are candidates:
// whether the documents answer them is for the caller to try. Free function, thread-safe, linear in
// the passages.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/gateway/answerer.h"

namespace citeseek::gateway {

struct FollowUp {
  std::string question;
  // What answers it: bytes in the document that hits[source] is of.
  std::size_t source = 0;
  std::uint32_t start = 0;
  std::uint32_t end = 0;
};

inline constexpr std::size_t kMaxFollowUps = 3;
inline constexpr std::size_t kMaxCandidates = 8;

// At most kMaxCandidates, the likeliest first. Of what `citations` quote nothing is asked again,
// nor is `question`.
std::vector<FollowUp> FindFollowUps(std::string_view question, bool chinese,
                                    std::span<const retrieval::Hit> hits,
                                    std::span<const Citation> citations);

}  // namespace citeseek::gateway
