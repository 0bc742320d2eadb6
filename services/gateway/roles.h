// Roles: finds out whether a claim lets two things change places: who acquired whom, what was
// moved from where to where, which number belongs to which name.
//
// Free functions, thread-safe. By the order of words around what both texts share, and by the
// passive voice, which turns that order round.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "services/gateway/align.h"

namespace citeseek::gateway {

// Two stretches of the claim that stand in each other's place in the source.
std::optional<Difference> FindExchange(std::span<const Token> claim, std::span<const Token> source,
                                       const std::vector<int>& match, std::span<const Gap> gaps);

// A verb of both whose doer in one is not its doer in the other.
std::optional<Difference> FindOtherDoer(std::span<const Token> claim, std::span<const Token> source,
                                        const std::vector<int>& match);

// A verb before which the source has another name than the claim.
std::optional<Difference> FindOtherSubject(std::span<const Token> claim,
                                           std::span<const Token> source,
                                           const std::vector<int>& match,
                                           std::span<const Token> title);

// A cause that is the effect in the source.
std::optional<Difference> FindOtherCause(std::span<const Token> claim,
                                         std::span<const Token> source);

// What the claim moves from somewhere and the source moves there.
std::optional<Difference> FindOtherEnd(std::span<const Token> claim, std::span<const Token> source);

}  // namespace citeseek::gateway
