// Identifiers: finds the versions and codes that a text names: "2.2.0", "E3", "CVE-2024-1234".
//
// What stands under one of them says nothing of another. Free functions, thread-safe, linear.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace citeseek::gateway {

struct Identifier {
  std::string text;   // in lower case, without the "v" of a version
  std::string shape;  // with "#" for each run of digits: identifiers of one series share it
};

// Quantities ("5km", "10-day"), dates and plain numbers are none.
std::vector<Identifier> FindIdentifiers(std::string_view text);

// Whether it is digits and points, as "2.2.0" and "3.5".
bool IsVersion(const Identifier& identifier);

}  // namespace citeseek::gateway
