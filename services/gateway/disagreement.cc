#include "services/gateway/disagreement.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/gateway/cues.h"
#include "services/gateway/values.h"

namespace citeseek::gateway {
namespace {

// Before a date, in lower case: the source speaks of itself.
constexpr auto kDatelines = std::to_array<std::string_view>(
    {"updated", "published", "modified", "revised", "issued", "posted", "as of", "date:", "dated",
     "更新", "发布", "发表", "修订", "日期", "截至"});
constexpr std::size_t kDatelineBytes = 32;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int NumberAt(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) return -1;
  int number = 0;
  for (char c : text.substr(at, digits)) {
    if (!IsDigit(c)) return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

std::string Padded(int year, int month, int day) {
  const auto two = [](int n) { return absl::StrCat(n < 10 ? "-0" : "-", n); };
  return absl::StrCat(year, month > 0 ? two(month) : "", month > 0 && day > 0 ? two(day) : "");
}

// 2021-05-03, 2021/05/03, 2021_05_03 or 2021.05.03, or /2021/05/ of an address.
std::string StampIn(std::string_view text) {
  for (std::size_t at = 0; at + 8 <= text.size(); ++at) {
    if (at > 0 && IsDigit(text[at - 1])) continue;
    const int year = NumberAt(text, at, 4), month = NumberAt(text, at + 5, 2);
    const char mark = text[at + 4];
    if (year < 1900 || year > 2100 || month < 1 || month > 12) continue;
    if (std::string_view("-/_.").find(mark) == std::string_view::npos) continue;
    const int day = text[at + 7] == mark ? NumberAt(text, at + 8, 2) : -1;
    const bool ends = at + 10 >= text.size() || !IsDigit(text[at + 10]);
    if (day >= 1 && day <= 31 && ends) return Padded(year, month, day);
    if (mark == '/' && text[at + 7] == '/') return Padded(year, month, 0);
  }
  return "";
}

// The first date that a dateline stands before.
std::string DatelineIn(std::string_view text) {
  for (const Value& value : FindValues(text)) {
    if (!value.date) continue;
    std::size_t from = value.range.start - std::min<std::size_t>(kDatelineBytes, value.range.start);
    const std::size_t line = text.substr(0, value.range.start).rfind('\n');
    if (line != std::string_view::npos) from = std::max(from, line + 1);
    const std::string before =
        absl::AsciiStrToLower(std::string(text.substr(from, value.range.start - from)));
    if (std::none_of(kDatelines.begin(), kDatelines.end(), [&](std::string_view words) {
          return before.find(words) != std::string::npos;
        })) {
      continue;
    }
    const auto [year, month, day] = DateParts(value);
    if (year > 0) return Padded(year, month, day);
  }
  return "";
}

}  // namespace

std::string DateOf(const retrieval::Hit& hit) {
  std::string date = StampIn(hit.title);
  if (date.empty()) date = StampIn(hit.uri);
  if (date.empty()) date = DatelineIn(hit.text);
  return date;
}

bool Disagrees(const Extract& extract) {
  return extract.disagreement.size() > 1 && extract.disagreement.size() == extract.sentences.size();
}

std::string TellDisagreement(const Extract& extract, std::span<const retrieval::Hit> hits,
                             bool chinese) {
  std::string sides;
  for (std::size_t i = 0; i < extract.disagreement.size(); ++i) {
    if (i > 0) sides += chinese ? "；" : "; ";
    sides += extract.disagreement[i];
    if (i >= extract.sentences.size()) continue;
    const std::string date = DateOf(hits[static_cast<std::size_t>(extract.sentences[i].source)]);
    if (!date.empty()) absl::StrAppend(&sides, chinese ? "，资料日期 " : ", dated ", date);
  }
  return chinese ? absl::StrCat("各文档说法不一（", sides, "）")
                 : absl::StrCat("The documents disagree (", sides, ")");
}

bool StatesAllSides(const Extract& extract, std::string_view text) {
  const std::vector<Value> stated = FindValues(text);
  return std::all_of(
      extract.disagreement.begin(), extract.disagreement.end(), [&](const std::string& side) {
        const std::vector<Value> values = FindValues(side);
        return !values.empty() && std::any_of(stated.begin(), stated.end(), [&](const Value& v) {
          return v.number == values.front().number;
        });
      });
}

}  // namespace citeseek::gateway
