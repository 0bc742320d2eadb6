// Values: finds the numbers and dates that a text states, as written.
//
// Free functions, thread-safe, linear time. English and Chinese.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "indexer/document.h"

namespace citeseek::gateway {

// A number, date or percentage; Chinese numerals too: 二〇一八年五月 is "2018-5".
struct Value {
  indexer::ByteRange range;
  std::string number;  // digits, "." and "-": "1234.5"; a date as "2024-3-1", "2024-3" or "2024"
  std::string unit;  // what follows: "%", "公里", "km", "people", or "$" before it; none of dates
  std::string counted;  // what follows "million", 万: "euros", or "$"
  bool date = false;
};

std::vector<Value> FindValues(std::string_view text);

// What stands right behind a number that ends at text[i]: a word in lower case, "%", or one or two
// Chinese characters; empty if nothing of these.
std::string UnitBehind(std::string_view text, std::size_t i);

// Year, month and day of a date; 0 for what it does not tell.
std::array<int, 3> DateParts(const Value& date);

// 1..12 for the name of a month in lower case, or its first three letters; 0 for other words.
int MonthOf(std::string_view word);

// The value of a character of a Chinese numeral: 0 to 9 of 〇 to 九, -1 to -4 of 十, 百, 千 and 万;
// 99 of others.
int HanDigit(std::string_view character);

}  // namespace citeseek::gateway
