#include "services/gateway/identifiers.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace citeseek::gateway {
namespace {

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }
bool IsAlnum(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

std::string ShapeOf(std::string_view text) {
  std::string shape;
  for (char c : text) {
    if (!IsDigit(c)) {
      shape.push_back(c);
    } else if (shape.empty() || shape.back() != '#') {
      shape.push_back('#');
    }
  }
  return shape;
}

}  // namespace

std::vector<Identifier> FindIdentifiers(std::string_view text) {
  std::vector<Identifier> found;
  for (std::size_t at = 0; at < text.size();) {
    if (!IsAlnum(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size()) {
      const bool joins = (text[end] == '.' || text[end] == '-') && IsAlnum(text[end - 1]) &&
                         end + 1 < text.size() && IsAlnum(text[end + 1]) &&
                         (text[end] == '-' || IsDigit(text[end + 1]));
      if (!IsAlnum(text[end]) && !joins) break;
      ++end;
    }
    std::string token = absl::AsciiStrToLower(std::string(text.substr(at, end - at)));
    at = end;
    if (token.front() == 'v' && token.size() > 1 && IsDigit(token[1])) token.erase(0, 1);
    if (std::none_of(token.begin(), token.end(), IsDigit)) continue;
    if (IsDigit(token.front())) {
      // "3.4.2-rc1" is a version, "2.4ghz" and "2025-08-19" are not.
      const std::size_t number = std::min(token.find_first_not_of("0123456789."), token.size());
      const auto points = std::count(token.begin(), token.begin() + static_cast<int>(number), '.');
      if (points == 0 || (points == 1 && number < token.size())) continue;
    }
    std::string shape = ShapeOf(token);
    found.push_back({.text = std::move(token), .shape = std::move(shape)});
  }
  return found;
}

bool IsVersion(const Identifier& identifier) {
  return identifier.shape.find_first_not_of("#.") == std::string::npos;
}

}  // namespace citeseek::gateway
