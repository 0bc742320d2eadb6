#include "services/gateway/cues.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace citeseek::gateway {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLetter(char c) { return IsUpper(c) || (c >= 'a' && c <= 'z'); }
char Lower(char c) { return IsUpper(c) ? static_cast<char>(c + 32) : c; }

std::string LowerAscii(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), Lower);
  return lower;
}

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

template <std::size_t n>
bool HasAny(std::string_view text, const std::array<std::string_view, n>& parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view p) { return Has(text, p); });
}

// Lower-case words of ASCII letters.
std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < text.size();) {
    if (!IsLetter(text[i])) {
      ++i;
      continue;
    }
    std::string word;
    while (i < text.size() && IsLetter(text[i])) word.push_back(Lower(text[i++]));
    words.push_back(std::move(word));
  }
  return words;
}

// Bytes of three-byte characters, most of which are Chinese here.
std::size_t WideCharacters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return static_cast<std::uint8_t>(c) >= 0xE4 && static_cast<std::uint8_t>(c) <= 0xE9;
  }));
}

AnswerType ChineseType(std::string_view q) {
  static constexpr auto kReason =
      std::to_array<std::string_view>({"为什么", "为何", "原因", "缘何"});
  static constexpr auto kDate = std::to_array<std::string_view>(
      {"什么时候", "何时", "哪一年", "哪年", "几月", "几号", "哪天", "哪一天", "什么时间", "年份",
       "日期", "哪个月", "几几年", "时间是", "何年", "什么年代", "哪个世纪", "几点"});
  static constexpr auto kNumber = std::to_array<std::string_view>(
      {"多少", "几个", "几位", "几人", "几名", "几次", "几家",   "几种", "几座",
       "几所", "几条", "几枚", "几支", "几届", "几年", "几天",   "多大", "多长",
       "多高", "多远", "多久", "多重", "多深", "多宽", "人数",   "数量", "金额",
       "比例", "占比", "票房", "几岁", "第几", "总量", "吞吐量", "增速"});
  static constexpr auto kPerson =
      std::to_array<std::string_view>({"谁", "哪位", "何人", "什么人", "叫什么名字", "哪些人"});
  static constexpr auto kPlace = std::to_array<std::string_view>(
      {"哪里", "哪儿", "在哪", "何处", "什么地方", "哪个城市", "哪个国家", "哪个省", "哪座城市",
       "哪个地区", "哪国", "何地", "地点"});
  if (HasAny(q, kReason)) return AnswerType::kReason;
  if (HasAny(q, kDate)) return AnswerType::kDate;
  if (HasAny(q, kNumber)) return AnswerType::kNumber;
  if (HasAny(q, kPerson)) return AnswerType::kPerson;
  if (HasAny(q, kPlace)) return AnswerType::kPlace;
  // "2023年春运时间？"
  const std::size_t time = q.rfind("时间");
  if (time != std::string_view::npos && q.size() - time <= 12) return AnswerType::kDate;
  return AnswerType::kAny;
}

AnswerType EnglishType(std::string_view q) {
  const std::string padded = " " + LowerAscii(q) + " ";
  static constexpr auto kReason = std::to_array<std::string_view>({" why ", " reason "});
  static constexpr auto kDate = std::to_array<std::string_view>(
      {" when ", " what year", " which year", " what date", " what day", " what time",
       " what month", " what century", " which month", " what decade", " date of "});
  static constexpr auto kNumber = std::to_array<std::string_view>(
      {" how many",      " how much",           " how long",  " how old",      " how far",
       " how tall",      " how high",           " how large", " how big",      " how deep",
       " how wide",      " how fast",           " how often", " what percent", " what number",
       " population of", " what is the number", " how heavy", " how hot",      " what temperature",
       " what fraction"});
  static constexpr auto kPerson = std::to_array<std::string_view>({" who ", " whom ", " whose "});
  static constexpr auto kPlace = std::to_array<std::string_view>(
      {" where ", " what city", " which city", " what country", " which country", " what state",
       " which state", " what place", " what county"});
  if (HasAny(padded, kNumber)) return AnswerType::kNumber;
  if (HasAny(padded, kDate)) return AnswerType::kDate;
  if (HasAny(padded, kPerson)) return AnswerType::kPerson;
  if (HasAny(padded, kPlace)) return AnswerType::kPlace;
  if (HasAny(padded, kReason)) return AnswerType::kReason;
  return AnswerType::kAny;
}

constexpr auto kMonths =
    std::to_array<std::string_view>({"january", "february", "march", "april", "may", "june", "july",
                                     "august", "september", "october", "november", "december"});

// 1..12 for the name of a month, or its first three letters.
int MonthOf(std::string_view word) {
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (word == kMonths[i] || word == kMonths[i].substr(0, 3)) return static_cast<int>(i) + 1;
  }
  return word == "sept" ? 9 : 0;
}

// The length of the month's name at text[i] and its number; 0 if there is none.
std::size_t MonthAt(std::string_view text, std::size_t i, int* month) {
  std::size_t end = i;
  while (end < text.size() && IsLetter(text[end]) && end - i < 10) ++end;
  *month = IsUpper(text[std::min(i, text.size() - 1)])
               ? MonthOf(LowerAscii(text.substr(i, end - i)))
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

// The value of a Chinese numeral's character: 〇 to 九 as 0 to 9, 十 百 千 万 as -1 to -4; 99:
// none.
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

bool StatesNumberWord(std::string_view text) {
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"one",   "two",     "three",    "four",    "five",    "six",    "seven",  "eight",
       "nine",  "ten",     "eleven",   "twelve",  "dozen",   "twenty", "thirty", "forty",
       "fifty", "hundred", "thousand", "million", "billion", "half",   "third",  "quarter",
       "once",  "twice",   "every",    "zero",    "several"});
  const std::vector<std::string> words = Words(text);
  if (std::any_of(words.begin(), words.end(), [&](const std::string& word) {
        return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
      })) {
    return true;
  }
  static constexpr auto kHan =
      std::to_array<std::string_view>({"一", "二", "两", "三", "四", "五", "六", "七", "八", "九",
                                       "十", "百", "千", "万", "亿", "半"});
  return HasAny(text, kHan);
}

// A time that is no date: of the day, of the week, of the year, or a century.
bool StatesTime(std::string_view text) {
  static constexpr auto kHan = std::to_array<std::string_view>(
      {"世纪", "年代", "点半", "点钟", "上午", "下午", "晚上", "周一", "周二", "周三", "周四",
       "周五", "周六", "周日", "星期", "点整", "第二天", "春节", "除夕"});
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"century", "centuries", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
       "sunday", "midnight", "noon", "decade", "spring", "summer", "autumn", "winter"});
  if (HasAny(text, kHan)) return true;
  for (std::size_t at = text.find(':'); at != std::string_view::npos; at = text.find(':', at + 1)) {
    if (at > 0 && IsDigit(text[at - 1]) && at + 2 < text.size() && IsDigit(text[at + 1]) &&
        IsDigit(text[at + 2])) {
      return true;
    }
  }
  for (std::string_view mark : {"点", "日", "天"}) {  // 第三天, 八点
    for (std::size_t at = text.find(mark); at != std::string_view::npos;
         at = text.find(mark, at + 3)) {
      if (at >= 1 && IsDigit(text[at - 1])) return true;
      if (at >= 3 && HanDigit(text.substr(at - 3, 3)) != 99) return true;
    }
  }
  const std::vector<std::string> words = Words(text);
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return std::find(kWords.begin(), kWords.end(), word) != kWords.end() ||
           std::find(kMonths.begin(), kMonths.end(), word) != kMonths.end();
  });
}

// A capitalised word that the question does not hold.
bool StatesName(std::string_view text, std::string_view question) {
  const std::string lower = LowerAscii(question);
  bool sentence_start = true;
  int run = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (!IsLetter(text[i])) {
      if (text[i] == '.' || text[i] == '"' || text[i] == ':') sentence_start = true;
      if (text[i] != ' ' && text[i] != '.') run = 0;
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && IsLetter(text[end])) ++end;
    const bool fresh =
        IsUpper(text[i]) && end - i > 1 && !Has(lower, LowerAscii(text.substr(i, end - i)));
    run = fresh ? run + 1 : 0;
    if (fresh && (!sentence_start || run > 1)) return true;
    sentence_start = false;
    i = end;
  }
  return false;
}

}  // namespace

bool IsHan(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x3FFFF);
}

// What "What is X?", "What does X do?" or "什么是X" asks of; empty for other questions.
indexer::ByteRange Defined(std::string_view question) {
  const std::string lower = LowerAscii(question);
  const std::size_t end = lower.find_last_not_of(" ?.!") + 1;
  const auto range = [](std::size_t start, std::size_t stop) {
    return start < stop ? indexer::ByteRange{static_cast<std::uint32_t>(start),
                                             static_cast<std::uint32_t>(stop)}
                        : indexer::ByteRange{};
  };
  for (std::string_view open :
       {"what is ", "what are ", "what's ", "define ", "what does ", "what do "}) {
    if (!Has(std::string_view(lower).substr(0, open.size()), open)) continue;
    std::size_t start = open.size(), stop = end;
    if (open.starts_with("what do")) {
      bool asks = false;
      for (std::string_view close : {" do", " mean", " stand for", " refer to"}) {
        if (!std::string_view(lower).substr(0, end).ends_with(close)) continue;
        stop = end - close.size();
        asks = true;
      }
      if (!asks) return {};
    }
    for (std::string_view article : {"a ", "an ", "the "}) {
      if (std::string_view(lower).substr(start).starts_with(article)) start += article.size();
    }
    // Of "ownership in Rust", what stands before "in"; but "the population of X" asks for a value.
    stop = std::min(stop, lower.find(" in ", start));
    const std::string_view subject = std::string_view(lower).substr(start, stop - start);
    for (std::string_view relation : {" of ", " for ", " to ", " between ", " by ", "'s "}) {
      if (Has(subject, relation)) return {};
    }
    if (std::count(subject.begin(), subject.end(), ' ') > 3) return {};
    return range(start, stop);
  }
  std::size_t stop = question.size();
  for (std::string_view mark : {"？", "?", "。"}) {
    if (question.substr(0, stop).ends_with(mark)) stop -= mark.size();
  }
  if (question.starts_with("什么是")) return range(9, stop);
  for (std::string_view close : {"是什么意思", "是指什么", "是什么", "指的是什么"}) {
    if (!question.substr(0, stop).ends_with(close)) continue;
    const std::string_view subject = question.substr(0, stop - close.size());
    if (!Has(subject, "的")) return range(0, subject.size());
  }
  return {};
}

QuestionCues ReadCues(std::string_view question) {
  QuestionCues cues;
  static constexpr auto kFrame = std::to_array<std::string_view>(
      {"什么", "多少", "哪", "谁", "吗", "怎", "如何", "为何", "何时", "是", "的", "有", "在", "几",
       "请", "呢", "了", "和"});
  static constexpr auto kFrameWords = std::to_array<std::string_view>(
      {"what", "who", "when", "where", "which", "how", "why", "is", "are",    "was",  "were", "do",
       "does", "did", "the",  "of",    "in",    "to",  "for", "a",  "please", "tell", "me"});
  const std::size_t wide = WideCharacters(question);
  int han_frames = 0, word_frames = 0;
  for (std::string_view part : kFrame) han_frames += Has(question, part) ? 1 : 0;
  for (const std::string& word : Words(question)) {
    if (std::find(kFrameWords.begin(), kFrameWords.end(), word) != kFrameWords.end()) ++word_frames;
  }
  cues.chinese = wide > 0 && (han_frames != word_frames ? han_frames > word_frames
                                                        : wide * 4 >= question.size() / 2);
  cues.type = cues.chinese ? ChineseType(question) : EnglishType(question);
  static constexpr auto kLists = std::to_array<std::string_view>({"哪些", "分别", "哪几", "有哪"});
  const std::string lower = LowerAscii(question);
  cues.list = HasAny(question, kLists) || Has(lower, "what are") || Has(lower, "which are") ||
              Has(lower, "list ");
  static constexpr auto kNewest =
      std::to_array<std::string_view>({"latest", "newest", "most recent", "current version",
                                       "current release", "最新", "最近一次"});
  cues.newest = HasAny(lower, kNewest);
  static constexpr auto kSteps = std::to_array<std::string_view>(
      {"how do i ", "how do you ", "how do we ", "how can i ", "how can we ", "how can you ",
       "how should i ", "how should we ", "how would i ", "how to ", "steps to ", "steps for ",
       "怎么", "如何", "怎样", "步骤"});
  cues.defined = Defined(question);
  cues.steps = HasAny(lower, kSteps) && !Has(lower, "怎么样") && cues.type == AnswerType::kAny;
  return cues;
}

bool TellsWhatItIs(std::string_view text, std::size_t at) {
  static constexpr auto kVerbs = std::to_array<std::string_view>(
      {"is",       "are",     "was",       "were",     "means",      "mean",      "refers",
       "refer",    "denotes", "describes", "stands",   "represents", "represent", "allows",
       "allow",    "lets",    "let",       "provides", "provide",    "returns",   "creates",
       "makes",    "enables", "gives",     "adds",     "contains",   "defines",   "method",
       "function", "command", "option",    "trait",    "operator"});
  std::string_view rest = text.substr(std::min(at, text.size()));
  while (!rest.empty() && (rest[0] == '`' || rest[0] == '*' || rest[0] == '(' || rest[0] == ')')) {
    rest.remove_prefix(1);
  }
  for (std::string_view sign :
       {"是", "指", "为", "意味", "意思", "：", "——", ": ", " – ", " — ", " - "}) {
    if (rest.starts_with(sign)) return true;
  }
  if (!rest.starts_with(' ')) return false;
  // "is called with", "are usually made": something about it.
  static constexpr auto kAsides = std::to_array<std::string_view>(
      {"called", "not", "also", "usually", "often", "only", "still", "now", "then", "always",
       "never", "being", "used", "designed", "available", "implemented", "very", "more", "less"});
  const std::vector<std::string> words = Words(rest.substr(0, 32));
  return !words.empty() && std::find(kVerbs.begin(), kVerbs.end(), words[0]) != kVerbs.end() &&
         (words.size() < 2 || std::find(kAsides.begin(), kAsides.end(), words[1]) == kAsides.end());
}

bool LooksLikeCode(std::string_view line) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\n')) line.remove_suffix(1);
  if (line.empty() || line.starts_with("//")) return false;  // a comment is prose
  static constexpr auto kOpenings = std::to_array<std::string_view>(
      {"const ", "let ", "var ", "import ", "#include", "def ", "fn ", "pub ", "return ", "} ",
       "$ ", "class ", "struct ", "await ", "async ", "static ", "export ", "func "});
  for (std::string_view opening : kOpenings) {
    if (line.starts_with(opening)) return line.find_first_of("=(){};<:") != std::string_view::npos;
  }
  if (line.back() == ';' || line.back() == '{' || line.back() == '}') return true;
  const auto signs = std::count_if(line.begin(), line.end(), [](char c) {
    return std::string_view("(){}[];=<>$").find(c) != std::string_view::npos;
  });
  return static_cast<std::size_t>(signs) * 7 > line.size();
}

bool TellsStep(std::string_view text) {
  static constexpr auto kVerbs = std::to_array<std::string_view>(
      {"add",     "adjust",   "allow",      "apply",    "attach",  "avoid",     "bake",
       "boil",    "bring",    "build",      "call",     "change",  "check",     "choose",
       "clean",   "clear",    "click",      "close",    "combine", "configure", "confirm",
       "connect", "contact",  "cook",       "copy",     "cover",   "create",    "cut",
       "delete",  "disable",  "disconnect", "download", "drain",   "edit",      "enable",
       "ensure",  "enter",    "fill",       "fold",     "follow",  "generate",  "give",
       "go",      "heat",     "hold",       "import",   "insert",  "install",   "keep",
       "knead",   "launch",   "leave",      "let",      "log",     "make",      "measure",
       "mix",     "mount",    "move",       "navigate", "open",    "paste",     "place",
       "plug",    "pour",     "press",      "provide",  "pull",    "push",      "put",
       "reboot",  "register", "remove",     "repeat",   "replace", "reset",     "restart",
       "rest",    "rinse",    "run",        "save",     "scan",    "scroll",    "select",
       "send",    "set",      "shape",      "sign",     "specify", "start",     "stir",
       "stop",    "store",    "submit",     "switch",   "take",    "tap",       "tighten",
       "turn",    "type",     "unplug",     "update",   "upgrade", "upload",    "use",
       "verify",  "visit",    "wait",       "wash",     "write"});
  static constexpr auto kBefore = std::to_array<std::string_view>(
      {"then", "next", "now", "first", "finally", "please", "and", "afterwards", "simply", "just"});
  static constexpr auto kConditions = std::to_array<std::string_view>(
      {"to", "if", "when", "after", "once", "before", "in", "on", "from", "for", "with", "under"});
  static constexpr auto kChinese = std::to_array<std::string_view>(
      {"请",   "点击", "单击", "双击", "点选", "长按", "短按", "按下",   "打开", "选择", "输入",
       "填写", "提交", "拨打", "扫描", "下载", "安装", "登录", "运行",   "执行", "插入", "拔出",
       "取出", "拆下", "放入", "倒入", "加入", "重启", "勾选", "切换到", "进入"});
  if (HasAny(text, kChinese)) return true;
  // The first word that is no "then", as long as it is no name: "verify_share".
  const auto is_verb_at = [&](std::string_view part) {
    for (std::size_t at = 0; at < std::min<std::size_t>(part.size(), 40);) {
      if (!IsLetter(part[at])) {
        ++at;
        continue;
      }
      std::size_t end = at;
      while (end < part.size() && IsLetter(part[end])) ++end;
      const std::string word = LowerAscii(part.substr(at, end - at));
      at = end;
      if (std::find(kBefore.begin(), kBefore.end(), word) != kBefore.end()) continue;
      return std::find(kVerbs.begin(), kVerbs.end(), word) != kVerbs.end() &&
             (end == part.size() || part[end] == ' ');
    }
    return false;
  };
  if (is_verb_at(text)) return true;
  const std::vector<std::string> first = Words(text.substr(0, 12));
  const std::size_t comma = text.find(", ");
  return comma != std::string_view::npos && !first.empty() &&
         std::find(kConditions.begin(), kConditions.end(), first.front()) != kConditions.end() &&
         is_verb_at(text.substr(comma + 2));
}

indexer::ByteRange AskingPhrase(std::string_view question) {
  static constexpr auto kPhrases = std::to_array<std::string_view>(
      {"什么时候",  "什么时间",      "什么地方",     "什么名字",  "什么年代",   "哪一年",
       "哪一天",    "哪个月",        "几几年",       "为什么",    "什么人",     "哪年",
       "哪天",      "何时",          "何年",         "何地",      "何处",       "何人",
       "哪位",      "几月",          "几号",         "几点",      "what year",  "which year",
       "what date", "which date",    "what day",     "what time", "what month", "which month",
       "how big",   "what happened", "发生了什么事", "发生了什么"});
  const std::string lower = LowerAscii(question);
  for (std::string_view phrase : kPhrases) {
    const std::size_t at = lower.find(phrase);
    if (at == std::string::npos) continue;
    return {.start = static_cast<std::uint32_t>(at),
            .end = static_cast<std::uint32_t>(at + phrase.size())};
  }
  return {};
}

std::string UnitBehind(std::string_view text, std::size_t i) {
  i = SkipBlanks(text, i);
  if (i >= text.size()) return "";
  if (text[i] == '%') return "%";
  if (IsLetter(text[i])) {
    std::size_t end = i;
    while (end < text.size() && IsLetter(text[end])) ++end;
    std::string unit = LowerAscii(text.substr(i, end - i));
    if (unit == "per") return text.substr(end).starts_with(" cent") ? "%" : "";
    return unit;
  }
  const auto lead = static_cast<std::uint8_t>(text[i]);
  if (lead >= 0xE4 && lead <= 0xE9 && i + 3 <= text.size()) {
    std::string unit(text.substr(i, 3));
    // 万, 亿 and 千 belong to the number: "2500万人" is counted in 万人.
    static constexpr auto kFirstOfTwo = std::to_array<std::string_view>(
        {"万", "亿", "千", "公", "平", "美", "小", "分", "毫", "厘", "欧", "港", "英", "摄", "兆"});
    const bool two = HasAny(unit, kFirstOfTwo) || text.substr(i).starts_with("日元");
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

bool States(AnswerType type, std::string_view text, std::string_view question) {
  switch (type) {
    case AnswerType::kDate:
    case AnswerType::kNumber: {
      const std::vector<Value> asked = FindValues(question);
      for (const Value& value : FindValues(text)) {
        if (type == AnswerType::kDate && !value.date) continue;
        const bool known = std::any_of(asked.begin(), asked.end(), [&](const Value& v) {
          return v.number == value.number && v.date == value.date;
        });
        if (!known && (type == AnswerType::kDate || !value.date)) return true;
      }
      if (type == AnswerType::kDate) return StatesTime(text);
      return StatesNumberWord(text);
    }
    case AnswerType::kPerson:
    case AnswerType::kPlace:
      // Chinese names have no form of their own; only Latin text can fail this.
      return WideCharacters(text) > 0 || StatesName(text, question);
    case AnswerType::kReason: {
      static constexpr auto kMarks = std::to_array<std::string_view>(
          {"because", "since ", "due to", "so that", "in order", "therefore", "reason",
           "as a result", "cause", " led to", "因为", "由于", "所以", "因此", "为了", "原因",
           "导致", "使得"});
      return HasAny(LowerAscii(text), kMarks);
    }
    case AnswerType::kAny:
      break;
  }
  return true;
}

}  // namespace citeseek::gateway
