#include "services/gateway/values.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"

namespace citeseek::gateway {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLetter(char c) { return IsUpper(c) || (c >= 'a' && c <= 'z'); }

constexpr auto kMonths =
    std::to_array<std::string_view>({"january", "february", "march", "april", "may", "june", "july",
                                     "august", "september", "october", "november", "december"});

// The length of the month's name at text[i] and its number; 0 if there is none.
std::size_t MonthAt(std::string_view text, std::size_t i, int* month) {
  std::size_t end = i;
  while (end < text.size() && IsLetter(text[end]) && end - i < 10) ++end;
  *month = IsUpper(text[std::min(i, text.size() - 1)])
               ? MonthOf(absl::AsciiStrToLower(std::string(text.substr(i, end - i))))
               : 0;
  return *month == 0 ? 0 : end - i;
}

std::size_t SkipBlanks(std::string_view text, std::size_t i) {
  while (i < text.size() && text[i] == ' ') ++i;
  return i;
}

struct Number {
  std::size_t end = 0;
  std::string digits;
  bool plain = true;  // digits only
};

Number NumberAt(std::string_view text, std::size_t i) {
  Number number;
  while (i < text.size() && number.digits.size() < 40) {
    const bool inner = i + 1 < text.size() && IsDigit(text[i + 1]);
    if (IsDigit(text[i])) {
      number.digits.push_back(text[i]);
    } else if (text[i] == ',' && inner && !number.digits.empty() && i + 3 < text.size() &&
               IsDigit(text[i + 2]) && IsDigit(text[i + 3])) {
      number.plain = false;
    } else if (text[i] == '.' && inner) {
      number.digits.push_back('.');
      number.plain = false;
    } else {
      break;
    }
    ++i;
  }
  number.end = i;
  return number;
}

// 二〇一八 is 2018, 三十一 is 31, 两万六千 is 26000.
Number HanNumberAt(std::string_view text, std::size_t i) {
  Number number{.end = i};
  std::int64_t all = 0, section = 0, digit = -1;
  bool powers = false;
  for (int length = 0; length < 12; ++length) {
    const int value = HanDigit(text.substr(number.end, 3));
    if (value == 99) break;
    number.end += 3;
    if (value >= 0) {
      number.digits.push_back(static_cast<char>('0' + value));
      digit = value;
      continue;
    }
    powers = true;
    if (value == -4) {
      all = (all + section + std::max<std::int64_t>(digit, 0)) * 10000;
      section = 0;
    } else {
      section += (digit < 0 ? 1 : digit) * (value == -1 ? 10 : value == -2 ? 100 : 1000);
    }
    digit = -1;
  }
  if (powers) number.digits = std::to_string(all + section + std::max<std::int64_t>(digit, 0));
  return number;
}

// 百分之三点五 is 3.5; no digits if none is there.
Number HanPercentAt(std::string_view text, std::size_t i) {
  constexpr std::string_view kOpening = "百分之", kPoint = "点";
  if (text.substr(i, kOpening.size()) != kOpening) return {};
  Number number = NumberAt(text, i + kOpening.size());
  if (!number.digits.empty()) return number;
  number = HanNumberAt(text, i + kOpening.size());
  if (number.digits.empty() || text.substr(number.end, kPoint.size()) != kPoint) return number;
  const Number fraction = HanNumberAt(text, number.end + kPoint.size());
  if (fraction.digits.empty()) return number;
  number.digits += '.' + fraction.digits;
  number.end = fraction.end;
  return number;
}

Number AnyNumberAt(std::string_view text, std::size_t i) {
  Number number = NumberAt(text, i);
  return number.digits.empty() ? HanNumberAt(text, i) : number;
}

bool IsYear(const Number& number) {
  return number.plain && number.digits.size() == 4 &&
         (number.digits[0] == '1' || (number.digits[0] == '2' && number.digits[1] < '2'));
}

bool IsDay(const Number& number) {
  return number.plain && !number.digits.empty() && number.digits.size() <= 2 &&
         std::stoi(number.digits) >= 1 && std::stoi(number.digits) <= 31;
}

// Bytes of "million" or 万 behind a number that ends at `i`, blanks counted; 0 if there is none.
std::size_t MultiplierLength(std::string_view text, std::size_t i) {
  const std::size_t start = SkipBlanks(text, i);
  static constexpr auto kMultipliers = std::to_array<std::string_view>(
      {"thousand", "million", "billion", "trillion", "百万", "十亿", "万亿", "千", "万", "亿"});
  for (std::string_view multiplier : kMultipliers) {
    if (text.substr(start).starts_with(multiplier)) return start + multiplier.size() - i;
  }
  return 0;
}

// Whether what follows a number of four digits says that it is no year: 2000万, 1500 people.
bool CountsSomething(std::string_view text, std::size_t i) {
  if (MultiplierLength(text, i) > 0) return true;
  static constexpr auto kHan = std::to_array<std::string_view>(
      {"人", "米", "元", "个", "名", "台", "辆", "吨", "公", "平",   "多", "余", "次", "件",  "家",
       "座", "只", "条", "套", "册", "亩", "户", "位", "张", "美元", "毫", "克", "斤", "小时"});
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"people", "metres",     "meters",    "m",         "km",       "kilometres", "kilometers",
       "feet",   "ft",         "miles",     "tons",      "tonnes",   "kg",         "dollars",
       "euros",  "pounds",     "men",       "soldiers",  "copies",   "members",    "hours",
       "years",  "days",       "square",    "employees", "students", "seats",      "rooms",
       "units",  "visitors",   "residents", "mm",        "hectares", "acres",      "workers",
       "times",  "inhabitants"});
  i = SkipBlanks(text, i);
  if (std::any_of(kHan.begin(), kHan.end(),
                  [&](std::string_view unit) { return text.substr(i).starts_with(unit); })) {
    return true;
  }
  std::size_t end = i;
  while (end < text.size() && IsLetter(text[end])) ++end;
  return std::find(kWords.begin(), kWords.end(), text.substr(i, end - i)) != kWords.end();
}

// The sign of a currency right before text[i]; empty if there is none.
std::string CurrencyBefore(std::string_view text, std::size_t i) {
  text = text.substr(0, i);
  for (std::string_view sign : {"$", "€", "£", "¥", "￥"}) {
    if (text.ends_with(sign)) return std::string(sign == "￥" ? "¥" : sign);
  }
  return "";
}

// A date that starts with a number or a month's name at text[i]; its range's end is 0 if none does.
Value DateAt(std::string_view text, std::size_t i) {
  Value value{.range = {static_cast<std::uint32_t>(i), 0}, .date = true};
  const auto done = [&](std::size_t end, std::string number) {
    value.range.end = static_cast<std::uint32_t>(end);
    value.number = std::move(number);
    return value;
  };
  int month = 0;
  if (IsLetter(text[i])) {  // March 3, 1998; March 1998
    const std::size_t length = MonthAt(text, i, &month);
    if (length == 0) return value;
    std::size_t at = i + length;
    if (at < text.size() && text[at] == '.') ++at;
    at = SkipBlanks(text, at);
    Number first = NumberAt(text, at);
    if (first.digits.empty()) return value;
    if (IsYear(first)) return done(first.end, first.digits + "-" + std::to_string(month));
    if (!IsDay(first)) return value;
    std::size_t next = first.end;
    if (next + 1 < text.size() && IsLetter(text[next]) && IsLetter(text[next + 1])) next += 2;
    const std::string day = std::to_string(month) + "-" + std::to_string(std::stoi(first.digits));
    if (next < text.size() && text[next] == ',') ++next;
    const Number year = NumberAt(text, SkipBlanks(text, next));
    return IsYear(year) ? done(year.end, year.digits + "-" + day) : done(first.end, day);
  }
  const Number first = AnyNumberAt(text, i);
  const std::size_t after = SkipBlanks(text, first.end);
  if (IsYear(first)) {
    if (text.substr(after, 3) == "年") {  // 2024年3月1日
      const Number m = AnyNumberAt(text, SkipBlanks(text, after + 3));
      const std::size_t m_end = SkipBlanks(text, m.end);
      if (m.digits.empty() || !IsDay(m) || text.substr(m_end, 3) != "月") {
        return done(after + 3, first.digits);
      }
      const std::string year_month = first.digits + "-" + std::to_string(std::stoi(m.digits));
      const Number d = AnyNumberAt(text, SkipBlanks(text, m_end + 3));
      const std::size_t d_end = SkipBlanks(text, d.end);
      const bool day = !d.digits.empty() && IsDay(d) &&
                       (text.substr(d_end, 3) == "日" || text.substr(d_end, 3) == "号");
      return day ? done(d_end + 3, year_month + "-" + std::to_string(std::stoi(d.digits)))
                 : done(m_end + 3, year_month);
    }
    if (first.end < text.size() && (text[first.end] == '-' || text[first.end] == '/')) {
      const Number m = NumberAt(text, first.end + 1);
      if (!m.digits.empty() && IsDay(m) && m.end < text.size() && text[m.end] == text[first.end]) {
        const Number d = NumberAt(text, m.end + 1);
        if (!d.digits.empty() && IsDay(d)) {
          return done(d.end, first.digits + "-" + std::to_string(std::stoi(m.digits)) + "-" +
                                 std::to_string(std::stoi(d.digits)));
        }
      }
    }
    // A year in Chinese numerals needs its 年.
    if (!IsDigit(text[i]) || CountsSomething(text, first.end)) return value;
    return done(first.end, first.digits);
  }
  if (IsDay(first)) {
    if (text.substr(after, 3) == "月") {  // 3月1日
      const Number d = AnyNumberAt(text, SkipBlanks(text, after + 3));
      const std::size_t d_end = SkipBlanks(text, d.end);
      const std::string m = std::to_string(std::stoi(first.digits));
      const bool day = !d.digits.empty() && IsDay(d) &&
                       (text.substr(d_end, 3) == "日" || text.substr(d_end, 3) == "号");
      return day ? done(d_end + 3, m + "-" + std::to_string(std::stoi(d.digits)))
                 : done(after + 3, m);
    }
    if (!IsDigit(text[i])) return value;
    std::size_t at = first.end;  // 3 March 1998, 3rd of March
    if (at + 1 < text.size() && IsLetter(text[at]) && IsLetter(text[at + 1])) at += 2;
    at = SkipBlanks(text, at);
    if (text.substr(at, 3) == "of ") at += 3;
    const std::size_t length = at < text.size() ? MonthAt(text, at, &month) : 0;
    if (length > 0) {
      const std::string day = std::to_string(month) + "-" + std::to_string(std::stoi(first.digits));
      std::size_t year_at = at + length;
      if (year_at < text.size() && text[year_at] == ',') ++year_at;
      const Number year = NumberAt(text, SkipBlanks(text, year_at));
      return IsYear(year) ? done(year.end, year.digits + "-" + day) : done(at + length, day);
    }
  }
  return value;
}

}  // namespace

int MonthOf(std::string_view word) {
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (word == kMonths[i] || word == kMonths[i].substr(0, 3)) return static_cast<int>(i) + 1;
  }
  return word == "sept" ? 9 : 0;
}

int HanDigit(std::string_view c) {
  static constexpr auto kDigits =
      std::to_array<std::string_view>({"〇", "一", "二", "三", "四", "五", "六", "七", "八", "九"});
  static constexpr auto kPowers = std::to_array<std::string_view>({"十", "百", "千", "万"});
  for (std::size_t i = 0; i < kDigits.size(); ++i) {
    if (c == kDigits[i]) return static_cast<int>(i);
  }
  for (std::size_t i = 0; i < kPowers.size(); ++i) {
    if (c == kPowers[i]) return -1 - static_cast<int>(i);
  }
  return c == "零" || c == "○" ? 0 : c == "两" ? 2 : 99;
}

std::string UnitBehind(std::string_view text, std::size_t i) {
  i = SkipBlanks(text, i);
  if (i >= text.size()) return "";
  if (text[i] == '%') return "%";
  if (IsLetter(text[i])) {
    std::size_t end = i;
    while (end < text.size() && IsLetter(text[end])) ++end;
    std::string unit = absl::AsciiStrToLower(std::string(text.substr(i, end - i)));
    if (unit == "per") return text.substr(end).starts_with(" cent") ? "%" : "";
    return unit;
  }
  const auto lead = static_cast<std::uint8_t>(text[i]);
  if (lead >= 0xE4 && lead <= 0xE9 && i + 3 <= text.size()) {
    std::string unit(text.substr(i, 3));
    // 万, 亿 and 千 belong to the number: "2500万人" is counted in 万人.
    static constexpr auto kFirstOfTwo = std::to_array<std::string_view>(
        {"万", "亿", "千", "公", "平", "美", "小", "分", "毫", "厘", "欧", "港", "英", "摄", "兆"});
    const bool two =
        std::any_of(kFirstOfTwo.begin(), kFirstOfTwo.end(),
                    [&](std::string_view p) { return unit.find(p) != std::string_view::npos; }) ||
        text.substr(i).starts_with("日元");
    if (two && i + 6 <= text.size()) {
      const auto next = static_cast<std::uint8_t>(text[i + 3]);
      if (next >= 0xE4 && next <= 0xE9) unit += text.substr(i + 3, 3);
    }
    return unit;
  }
  return "";
}

std::vector<Value> FindValues(std::string_view text) {
  std::vector<Value> values;
  for (std::size_t i = 0; i < text.size();) {
    const bool letter_before = i > 0 && (IsLetter(text[i - 1]) || IsDigit(text[i - 1]));
    const bool han = HanDigit(text.substr(i, 3)) != 99;
    if (letter_before || !(han || IsDigit(text[i]) || IsUpper(text[i]))) {
      ++i;
      continue;
    }
    Value date = DateAt(text, i);
    if (date.range.end > i) {
      i = date.range.end;
      values.push_back(std::move(date));
      continue;
    }
    if (const Number percent = HanPercentAt(text, i); !percent.digits.empty()) {
      values.push_back(
          {.range = {static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(percent.end)},
           .number = percent.digits,
           .unit = "%"});
      i = percent.end;
      continue;
    }
    const Number number = AnyNumberAt(text, i);
    // One character is as often a word: 一个, 统一.
    if (number.digits.empty() || (han && number.end - i < 6)) {
      i = std::max(number.end, i + 1);
      continue;
    }
    Value value{.range = {static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(number.end)},
                .number = number.digits,
                .unit = UnitBehind(text, number.end)};
    const std::size_t multiplier = MultiplierLength(text, number.end);
    if (multiplier > 0) value.counted = UnitBehind(text, number.end + multiplier);
    if (std::string sign = CurrencyBefore(text, i); !sign.empty()) {
      (multiplier > 0 ? value.counted : value.unit) = std::move(sign);
    }
    i = std::max(number.end, i + 1);
    values.push_back(std::move(value));
  }
  return values;
}

std::array<int, 3> DateParts(const Value& date) {
  std::array<int, 3> parts = {};
  std::size_t part = 0;
  for (char c : date.number) {
    if (c == '-' && ++part == parts.size()) break;
    if (c != '-') parts[part] = parts[part] * 10 + (c - '0');
  }
  // "5-3" is a day of some year.
  if (parts[0] < 1000) return {0, parts[0], parts[1]};
  return parts;
}

}  // namespace citeseek::gateway
