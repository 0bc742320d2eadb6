// Limits: finds out whether a claim says more than its source by leaving out, or putting in, what
// limits it: all for most, "only", "unless", 除非.
//
// Free functions, thread-safe, linear in both texts.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "services/gateway/align.h"

namespace citeseek::gateway {

std::optional<Difference> FindOtherLimit(std::span<const Token> claim,
                                         std::span<const Token> source,
                                         const std::vector<int>& match);

}  // namespace citeseek::gateway
