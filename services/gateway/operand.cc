#include "services/gateway/operand.h"

#include <algorithm>
#include <array>

namespace citeseek::gateway {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Reads forward over a text; every reader leaves the position alone when it fails.
class Reader {
 public:
  Reader(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  std::size_t at() const { return at_; }
  char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool Take(std::string_view token) {
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  void Blanks() {
    while (Peek() == ' ') ++at_;
  }
  // Between `least` and `most` digits, not followed by another.
  std::optional<std::string> Digits(std::size_t least, std::size_t most) {
    std::size_t end = at_;
    while (end < text_.size() && IsDigit(text_[end])) ++end;
    const std::size_t count = end - at_;
    if (count < least || count > most) return std::nullopt;
    std::string digits(text_.substr(at_, count));
    at_ = end;
    return digits;
  }
  std::optional<int> Int(std::size_t least, std::size_t most) {
    const auto digits = Digits(least, most);
    return digits ? std::optional(std::stoi(*digits)) : std::nullopt;
  }
  std::optional<int> MonthName() {
    static constexpr std::array<std::string_view, 12> kMonths = {
        "january", "february", "march",     "april",   "may",      "june",
        "july",    "august",   "september", "october", "november", "december"};
    std::size_t end = at_;
    std::string word;
    while (end < text_.size() && IsLetter(text_[end]) && word.size() < 10) {
      word.push_back(Lower(text_[end++]));
    }
    if (word.size() < 3) return std::nullopt;
    for (std::size_t i = 0; i < kMonths.size(); ++i) {
      if (word == kMonths[i] || word == kMonths[i].substr(0, 3) || (word == "sept" && i == 8)) {
        at_ = end;
        if (Peek() == '.') ++at_;
        return static_cast<int>(i) + 1;
      }
    }
    return std::nullopt;
  }
  void Ordinal() {
    for (std::string_view suffix : {"st", "nd", "rd", "th"}) {
      if (text_.substr(at_, 2) == suffix && !IsLetter(Peek(2))) at_ += 2;
    }
  }

 private:
  std::string_view text_;
  std::size_t at_;
};

std::optional<Date> MakeDate(int year, int month, int day) {
  static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1 || month < 1 || month > 12 || day < 1) return std::nullopt;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (day > kDays[month - 1] + (month == 2 && leap ? 1 : 0)) return std::nullopt;
  return Date{year, month, day};
}

// 2024-03-01, 2024/3/1, 2024.3.1
bool ReadYearFirst(Reader* reader, Operand* operand) {
  Reader r = *reader;
  const auto year = r.Int(4, 4);
  const char separator = r.Peek();
  if (!year || (separator != '-' && separator != '/' && separator != '.')) return false;
  const std::string_view token(&separator, 1);
  r.Take(token);
  const auto month = r.Int(1, 2);
  if (!month || !r.Take(token)) return false;
  const auto day = r.Int(1, 2);
  if (!day || r.Peek() == '.' || r.Peek() == separator) {
    if (!day || IsDigit(r.Peek(1))) return false;
  }
  operand->date = MakeDate(*year, *month, *day);
  if (!operand->date) return false;
  *reader = r;
  return true;
}

// 2024年3月1日
bool ReadChineseDate(Reader* reader, Operand* operand) {
  Reader r = *reader;
  const auto year = r.Int(4, 4);
  r.Blanks();
  if (!year || !r.Take("年")) return false;
  r.Blanks();
  const auto month = r.Int(1, 2);
  r.Blanks();
  if (!month || !r.Take("月")) return false;
  r.Blanks();
  const auto day = r.Int(1, 2);
  r.Blanks();
  if (!day || !(r.Take("日") || r.Take("号"))) return false;
  operand->date = MakeDate(*year, *month, *day);
  if (!operand->date) return false;
  *reader = r;
  return true;
}

// What follows day and month in either order, from `r` on: ", 2024". Moves `reader` behind it.
bool ReadYearOf(int month, int day, Reader r, Reader* reader, Operand* operand) {
  r.Take(",");
  r.Blanks();
  const auto year = r.Int(4, 4);
  if (!year) return false;
  operand->date = MakeDate(*year, month, day);
  if (!operand->date) return false;
  *reader = r;
  return true;
}

// 1 Feb 2024, 1st of February, 2024
bool ReadDayFirst(Reader* reader, Operand* operand) {
  Reader r = *reader;
  const auto day = r.Int(1, 2);
  if (!day) return false;
  r.Ordinal();
  r.Blanks();
  if (r.Take("of ")) r.Blanks();
  const auto month = r.MonthName();
  if (!month) return false;
  return ReadYearOf(*month, *day, r, reader, operand);
}

// Feb 1, 2024
bool ReadMonthFirst(Reader* reader, Operand* operand) {
  Reader r = *reader;
  const auto month = r.MonthName();
  if (!month) return false;
  r.Blanks();
  const auto day = r.Int(1, 2);
  if (!day) return false;
  r.Ordinal();
  return ReadYearOf(*month, *day, r, reader, operand);
}

// 03/04/2024: day or month first, nobody knows.
bool ReadSlashed(Reader* reader, Operand* operand) {
  Reader r = *reader;
  const auto a = r.Int(1, 2);
  if (!a || !r.Take("/")) return false;
  const auto b = r.Int(1, 2);
  if (!b || !r.Take("/")) return false;
  const auto year = r.Int(4, 4);
  if (!year || r.Peek() == '/') return false;
  operand->date = MakeDate(*year, *b, *a);
  operand->other_date = MakeDate(*year, *a, *b);
  if (!operand->date) std::swap(operand->date, operand->other_date);
  if (!operand->date) return false;
  if (operand->other_date == operand->date) operand->other_date.reset();
  *reader = r;
  return true;
}

std::string WithoutLeadingZeros(std::string digits) {
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  return digits;
}

// 9.11, -9.9, v2.10.1, 1.0-rc1, 12
bool ReadNumber(Reader* reader, Operand* operand) {
  Reader r = *reader;
  const bool negative = r.Take("-");
  const bool prefixed = !negative && (r.Peek() == 'v' || r.Peek() == 'V') && IsDigit(r.Peek(1));
  if (prefixed) r.Take(r.Peek() == 'v' ? "v" : "V");
  std::vector<std::string> parts;
  while (true) {
    const auto digits = r.Digits(1, 30);
    if (!digits) return false;
    parts.push_back(*digits);
    if (r.Peek() != '.' || !IsDigit(r.Peek(1)) || parts.size() == 8) break;
    r.Take(".");
  }
  std::string suffix;
  if (const bool dash = r.Peek() == '-' && IsLetter(r.Peek(1)); dash || IsLetter(r.Peek())) {
    Reader s = r;
    if (dash) s.Take("-");
    while ((IsLetter(s.Peek()) || IsDigit(s.Peek()) ||
            (s.Peek() == '.' && (IsDigit(s.Peek(1)) || IsLetter(s.Peek(1))))) &&
           suffix.size() < 32) {
      suffix.push_back(Lower(s.Peek()));
      const char c = s.Peek();
      s.Take(std::string_view(&c, 1));
    }
    const bool known = suffix.rfind("rc", 0) == 0 || suffix.rfind("alpha", 0) == 0 ||
                       suffix.rfind("beta", 0) == 0 || suffix.rfind("pre", 0) == 0 ||
                       suffix.rfind("dev", 0) == 0;
    if (!known) return false;  // a unit, or a word that starts with a number
    r = s;
  }
  operand->integer = parts.size() == 1 && suffix.empty() && !prefixed;
  if (!prefixed && suffix.empty() && parts.size() <= 2) {
    Decimal decimal{.negative = negative, .whole = WithoutLeadingZeros(parts[0])};
    if (parts.size() == 2) {
      decimal.fraction = parts[1];
      decimal.fraction.erase(decimal.fraction.find_last_not_of('0') + 1);
    }
    if (decimal.whole.empty() && decimal.fraction.empty()) decimal.negative = false;
    operand->decimal = std::move(decimal);
  }
  if (!negative) {
    Version version{.suffix = suffix};
    for (std::string& part : parts) version.numbers.push_back(WithoutLeadingZeros(part));
    operand->version = std::move(version);
  }
  *reader = r;
  return true;
}

std::strong_ordering CompareDigits(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return a.size() <=> b.size();
  return a.compare(b) <=> 0;
}

}  // namespace

std::strong_ordering Compare(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative) {
    return a.negative ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  std::strong_ordering order = CompareDigits(a.whole, b.whole);
  if (order == 0) order = a.fraction.compare(b.fraction) <=> 0;
  return a.negative ? 0 <=> order : order;
}

std::strong_ordering Compare(const Version& a, const Version& b) {
  const std::string zero;
  for (std::size_t i = 0; i < std::max(a.numbers.size(), b.numbers.size()); ++i) {
    const auto order = CompareDigits(i < a.numbers.size() ? a.numbers[i] : zero,
                                     i < b.numbers.size() ? b.numbers[i] : zero);
    if (order != 0) return order;
  }
  if (a.suffix.empty() != b.suffix.empty()) {
    return a.suffix.empty() ? std::strong_ordering::greater : std::strong_ordering::less;
  }
  // rc2 before rc10: letters first, then the number.
  const auto letters = [](const std::string& s) {
    return s.substr(0, std::min(s.find_first_of("0123456789"), s.size()));
  };
  const std::string x = letters(a.suffix), y = letters(b.suffix);
  if (x != y) return x.compare(y) <=> 0;
  return CompareDigits(WithoutLeadingZeros(a.suffix.substr(x.size())),
                       WithoutLeadingZeros(b.suffix.substr(y.size())));
}

std::vector<Operand> FindOperands(std::string_view text) {
  std::vector<Operand> operands;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const char before = i == 0 ? ' ' : text[i - 1];
    const bool starts = !IsDigit(before) && !IsLetter(before) && before != '.' && before != '_';
    const bool sign = c == '-' && i + 1 < text.size() && IsDigit(text[i + 1]) && starts &&
                      before != '-' && before != ')';
    if (!starts || !(IsDigit(c) || IsLetter(c) || sign)) {
      ++i;
      continue;
    }
    Reader reader(text, i);
    Operand operand{.start = i};
    const bool found = ReadChineseDate(&reader, &operand) || ReadDayFirst(&reader, &operand) ||
                       ReadMonthFirst(&reader, &operand) || ReadSlashed(&reader, &operand);
    if (!found) {
      // 2024.3.1 may be a date or a version: both readings are kept.
      Reader number = reader;
      const bool date = ReadYearFirst(&reader, &operand);
      if (!date || text.substr(i, reader.at() - i).find('.') != std::string_view::npos) {
        if (ReadNumber(&number, &operand) && !date) reader = number;
      }
    }
    if (reader.at() == i) {
      while (i < text.size() && (IsDigit(text[i]) || IsLetter(text[i]))) ++i;
      if (i < text.size() && i == operand.start) ++i;
      continue;
    }
    operand.end = i = reader.at();
    operand.text = std::string(text.substr(operand.start, operand.end - operand.start));
    operands.push_back(std::move(operand));
  }
  return operands;
}

}  // namespace citeseek::gateway
