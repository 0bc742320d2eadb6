// Disagreement: turns what sources state differently into words, with the sources' dates.
//
// The finding is the extract's (see extract.h): its sentences are then the sides, one for each
// value in `disagreement`. Free functions, thread-safe, linear time.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "retrieval/retriever.h"
#include "services/gateway/extract.h"

namespace citeseek::gateway {

// True if the sources state different values, and the sentences that do are all there.
bool Disagrees(const Extract& extract);

// "The documents disagree (1987; 1989, dated 2021-05-03)", or the same in Chinese.
std::string TellDisagreement(const Extract& extract, std::span<const retrieval::Hit> hits,
                             bool chinese);

// True if a text states the value of every side.
bool StatesAllSides(const Extract& extract, std::string_view text);

// When a source was written, as far as its title or address bears a stamp ("2021-05-03",
// "/2021/05/") or its passage says so ("Last updated: 3 May 2021", "更新于2021年5月"): a year, with
// month and day where they are told. A date that a title merely speaks of is none. Empty: not
// known.
std::string DateOf(const retrieval::Hit& hit);

}  // namespace citeseek::gateway
