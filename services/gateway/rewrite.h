// Rewrite: makes a follow-up question stand alone.
//
// "What about its price?" names nothing: its pronouns are replaced by, and its gaps filled with,
// what the turns before were about. By rules, without a model, English and Chinese; only where a
// question does not stand alone already, and never where no earlier turn says what is meant. Names
// are kept as they were written. Free function, thread-safe, linear in the question and the newest
// turns.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "services/gateway/answerer.h"

namespace citeseek::gateway {

// `history`: the oldest turn first. Empty: the question stays as it is.
std::string RewriteQuestion(std::string_view question, std::span<const Turn> history);

}  // namespace citeseek::gateway
