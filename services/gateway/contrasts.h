// Contrasts: finds words that exclude one another: more and less, before and after, may and must,
// all and some, Monday and Friday, 上调 and 下调.
//
// Closed classes of general words, English and Chinese. Free functions, thread-safe, linear time.
#pragma once

#include <string_view>
#include <vector>

#include "indexer/document.h"

namespace citeseek::gateway {

struct Contrast {
  indexer::ByteRange range;
  int side = 0;  // of its class
};

// In order, not overlapping; the longest word at each place.
std::vector<Contrast> FindContrasts(std::string_view text);

// True for two members of one class; 0 is of none.
bool AreOpposite(int side, int other);
// Of a class whose words have other senses too, so that they count only in each other's place.
bool IsLoose(int side);
bool SaysAll(int side);   // all, every, 全部
bool SaysSome(int side);  // some, most, half, 多数
int Bound(int side);      // "more than" is 1, "less than" -1, others 0

}  // namespace citeseek::gateway
