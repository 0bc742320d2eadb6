// Operand: reads decimals, versions and calendar dates from text, and orders them.
//
// Free functions, thread-safe; exact.
#pragma once

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace citeseek::gateway {

struct Date {
  int year = 0, month = 0, day = 0;  // proleptic Gregorian
  auto operator<=>(const Date&) const = default;
};

struct Version {
  std::vector<std::string> numbers;  // decimal digits without leading zeros
  std::string suffix;                // "rc1" of "1.0-rc1": before the release itself
};

struct Decimal {
  bool negative = false;
  std::string whole, fraction;  // digits without leading, or trailing, zeros
};

// One written value and the ways in which it can be read.
struct Operand {
  std::size_t start = 0, end = 0;  // bytes in the text
  std::string text;                // as written
  bool integer = false;            // no point in it: a decimal only beside another
  std::optional<Decimal> decimal;
  std::optional<Version> version;
  std::optional<Date> date;        // day first where that is open
  std::optional<Date> other_date;  // 03/04/2024 read month first, if that is a date too
};

std::strong_ordering Compare(const Decimal& a, const Decimal& b);
std::strong_ordering Compare(const Version& a, const Version& b);

// The operands in the text, in order, not overlapping.
std::vector<Operand> FindOperands(std::string_view text);

}  // namespace citeseek::gateway
