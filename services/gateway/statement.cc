#include "services/gateway/statement.h"

#include <algorithm>
#include <array>
#include <utility>

namespace citeseek::gateway {
namespace {

template <typename T, std::size_t n>
bool Contains(const std::array<T, n>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The spellings of a unit; the first one names it.
constexpr auto kUnits = std::to_array<std::array<std::string_view, 7>>({
    {"km", "kilometre", "kilometres", "kilometer", "kilometers", "公里", "千米"},
    {"m", "metre", "metres", "meter", "meters", "米", ""},
    {"cm", "centimetre", "centimetres", "centimeter", "centimeters", "厘米", ""},
    {"mm", "millimetre", "millimetres", "millimeter", "millimeters", "毫米", ""},
    {"mile", "miles", "mi", "英里", "", "", ""},
    {"foot", "feet", "ft", "英尺", "", "", ""},
    {"kg", "kilogram", "kilograms", "公斤", "千克", "", ""},
    {"g", "gram", "grams", "克", "", "", ""},
    {"tonne", "tonnes", "ton", "tons", "吨", "", ""},
    {"pound", "pounds", "lb", "lbs", "英镑", "", ""},
    {"%", "percent", "per", "百分点", "", "", ""},
    {"million", "millions", "百万", "", "", "", ""},
    {"billion", "billions", "十亿", "", "", "", ""},
    {"thousand", "thousands", "千", "", "", "", ""},
    {"万", "万人", "万元", "万吨", "万名", "万平", ""},
    {"亿", "亿元", "亿人", "亿美", "亿吨", "", ""},
    {"hour", "hours", "小时", "", "", "", ""},
    {"minute", "minutes", "分钟", "", "", "", ""},
    {"second", "seconds", "秒", "", "", "", ""},
    {"day", "days", "天", "", "", "", ""},
    {"week", "weeks", "周", "", "", "", ""},
    {"month", "months", "个月", "月", "", "", ""},
    {"year", "years", "年", "", "", "", ""},
    {"元", "人民", "块", "", "", "", ""},
    {"dollar", "dollars", "美元", "", "", "", ""},
    {"litre", "litres", "liter", "liters", "升", "", ""},
});

std::string_view KnownUnit(std::string_view unit) {
  for (const auto& spellings : kUnits) {
    if (!unit.empty() && Contains(spellings, unit)) return spellings[0];
  }
  return "";
}

// The values of number words up to ninety.
int NumberWord(std::string_view word) {
  static constexpr auto kOnes = std::to_array<std::string_view>(
      {"zero",     "one",     "two",     "three",     "four",     "five",    "six",
       "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
       "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"});
  static constexpr auto kTens = std::to_array<std::string_view>(
      {"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"});
  for (std::size_t i = 2; i < kOnes.size(); ++i) {
    if (word == kOnes[i]) return static_cast<int>(i);
  }
  for (std::size_t i = 0; i < kTens.size(); ++i) {
    if (word == kTens[i]) return static_cast<int>(20 + 10 * i);
  }
  return -1;
}

// 二 to 十; 一 is as often part of a word.
int HanNumber(std::string_view character) {
  static constexpr auto kNumbers =
      std::to_array<std::string_view>({"二", "三", "四", "五", "六", "七", "八", "九", "十"});
  const auto found = std::find(kNumbers.begin(), kNumbers.end(), character);
  if (found != kNumbers.end()) return static_cast<int>(found - kNumbers.begin()) + 2;
  return character == "两" ? 2 : -1;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = IsUpper(c) ? static_cast<char>(c + 32) : c;
  return lower;
}

bool IsNegation(std::string_view term) {
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"not",    "no",     "never", "nor",  "neither", "without", "cannot",   "cant",
       "dont",   "doesnt", "didnt", "isnt", "arent",   "wasnt",   "werent",   "hasnt",
       "havent", "hadnt",  "wont",  "none", "wouldnt", "couldnt", "shouldnt", "hardly"});
  return Contains(kWords, term);
}

// 不, 没, 未 and 无, but not inside the words that only look like a negation.
bool NegatesAt(std::string_view text, std::size_t at) {
  static constexpr auto kMarks = std::to_array<std::string_view>({"不", "没", "未", "无", "非"});
  static constexpr auto kNot = std::to_array<std::string_view>(
      {"不仅", "不但", "不过", "不断", "不少", "不久", "不同", "不得不", "非常", "非洲",
       "未来", "无论", "不管", "不论", "无线", "无锡", "非法", "不止",   "不只", "不单"});
  if (!Contains(kMarks, text.substr(at, 3))) return false;
  return std::none_of(kNot.begin(), kNot.end(),
                      [&](std::string_view word) { return text.substr(at).starts_with(word); });
}

// Words of one side of a comparison, then of the other; blanks between.
constexpr auto kDirections = std::to_array<std::pair<std::string_view, std::string_view>>({
    {" more greater larger bigger exceeds above over ", " less fewer smaller below under "},
    {" higher taller ", " lower shorter "},
    {" before earlier prior ", " after later "},
    {" increased increase increases rose grew rise rising risen growth ",
     " decreased decrease decreases fell dropped declined fall falling decline drop "},
    {" most maximum largest highest biggest greatest longest ",
     " least minimum smallest lowest fewest shortest "},
    {" older oldest ", " younger youngest newer newest "},
    {" faster fastest ", " slower slowest "},
    {" first ", " last "},
    {" won win wins defeated beat victory ", " lost lose loses defeat loss "},
});
constexpr auto kHanDirections =
    std::to_array<std::pair<std::array<std::string_view, 6>, std::array<std::string_view, 6>>>({
        {{"高于", "超过", "大于", "多于", "以上", "胜过"},
         {"低于", "不足", "小于", "少于", "以下", "不到"}},
        {{"增加", "增长", "上升", "上涨", "提高", "扩大"},
         {"减少", "下降", "下跌", "降低", "缩小", "下滑"}},
        {{"之前", "以前", "早于", "前夕", "", ""}, {"之后", "以后", "晚于", "后来", "", ""}},
        {{"最大", "最高", "最多", "最长", "", ""}, {"最小", "最低", "最少", "最短", "", ""}},
        {{"第一", "首次", "最早", "首个", "", ""}, {"最后", "末次", "最晚", "", "", ""}},
        {{"战胜", "击败", "获胜", "胜出", "", ""}, {"败给", "负于", "落败", "输给", "", ""}},
    });

std::uint64_t ReadDirections(std::string_view text) {
  std::uint64_t found = 0;
  const std::string lower = Lower(text);
  std::string words = " ";
  for (char c : lower) words.push_back(IsLower(c) || IsDigit(c) || c < 0 ? c : ' ');
  words.push_back(' ');
  const auto holds_word = [&](std::string_view side) {
    for (std::size_t at = 1; at < side.size();) {
      const std::size_t end = side.find(' ', at);
      if (words.find(side.substr(at - 1, end - at + 2)) != std::string::npos) return true;
      at = end + 1;
    }
    return false;
  };
  std::size_t bit = 0;
  for (const auto& [one, other] : kDirections) {
    if (holds_word(one)) found |= std::uint64_t{1} << bit;
    if (holds_word(other)) found |= std::uint64_t{2} << bit;
    bit += 2;
  }
  const auto holds_han = [&](const std::array<std::string_view, 6>& side) {
    return std::any_of(side.begin(), side.end(), [&](std::string_view word) {
      return !word.empty() && text.find(word) != std::string_view::npos;
    });
  };
  for (const auto& [one, other] : kHanDirections) {
    if (holds_han(one)) found |= std::uint64_t{1} << bit;
    if (holds_han(other)) found |= std::uint64_t{2} << bit;
    bit += 2;
  }
  return found;
}

// Words that open a sentence with a capital without being names.
bool IsOpening(std::string_view lower) {
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"additionally", "furthermore", "moreover",     "overall",   "according", "thus",
       "therefore",    "meanwhile",   "finally",      "similarly", "notably",   "based",
       "located",      "known",       "although",     "though",    "today",     "later",
       "initially",    "originally",  "specifically", "instead",   "yes",       "currently"});
  return Contains(kWords, lower) || lower.ends_with("ly") || lower.ends_with("ing");
}

bool EndsSentence(std::string_view between) {
  return between.find_first_of(".!?:\n\"") != std::string_view::npos;
}

}  // namespace

Statement ReadStatement(std::string_view text, const indexer::Analyzer& analyzer) {
  Statement statement{.directions = ReadDirections(text)};
  std::vector<Token>& tokens = statement.tokens;
  for (const Value& value : FindValues(text)) {
    Token token{.kind = Token::Kind::kValue, .text = value.number, .range = value.range};
    token.unit = std::string(KnownUnit(value.unit));
    token.date = value.date;
    tokens.push_back(std::move(token));
  }
  const std::size_t values = tokens.size();
  std::vector<indexer::Term> terms = analyzer.Analyze(text);
  // The smallest units: parts of compounds, single Chinese characters.
  std::stable_sort(terms.begin(), terms.end(), [](const auto& a, const auto& b) {
    return std::pair(a.source.start, a.source.end) < std::pair(b.source.start, b.source.end);
  });
  std::uint32_t done = 0;
  std::size_t value = 0;
  for (indexer::Term& term : terms) {
    if (term.source.start < done) continue;
    done = term.source.end;
    while (value < values && tokens[value].range.end <= term.source.start) ++value;
    if (value < values && tokens[value].range.start < term.source.end) continue;
    const std::string_view written =
        text.substr(term.source.start, term.source.end - term.source.start);
    Token token{.text = std::move(term.text), .range = term.source};
    const bool wide = (written[0] & '\x80') != 0 && written.size() <= 4;
    const int number = wide ? HanNumber(written) : NumberWord(Lower(written));
    if (wide) token.kind = Token::Kind::kHan;
    if (number >= 0) {
      token.kind = Token::Kind::kValue;
      token.text = std::to_string(number);
    }
    token.content = !indexer::IsStopTerm(token.text);
    tokens.push_back(std::move(token));
  }
  std::sort(tokens.begin(), tokens.end(),
            [](const Token& a, const Token& b) { return a.range.start < b.range.start; });
  if (tokens.size() > kMaxTokens) tokens.resize(kMaxTokens);
  std::size_t end = 0;  // of the token before
  int since = 99;       // Latin words since a negation
  bool han_negates = false;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    Token& token = tokens[i];
    const std::string_view between = text.substr(end, token.range.start - end);
    const std::string_view written =
        text.substr(token.range.start, token.range.end - token.range.start);
    const bool opens = i == 0 || EndsSentence(between);
    if (opens || between.find_first_of(",;") != std::string_view::npos) since = 99;
    end = token.range.end;
    token.negated = han_negates || since < 3;
    han_negates = NegatesAt(text, token.range.start);
    if (IsNegation(token.text)) {
      since = 0;
      token.content = true;
      // "not only" denies nothing.
      if (i + 1 < tokens.size() && tokens[i + 1].text == "only") since = 99;
    } else if (token.content) {
      ++since;
    }
    if (token.kind != Token::Kind::kWord || !token.content) continue;
    const bool capital = IsUpper(written[0]);
    const bool digit = std::any_of(written.begin(), written.end(), IsDigit);
    token.name = digit || (capital && !(opens && IsOpening(Lower(written))));
  }
  return statement;
}

bool SameValue(const Token& claimed, const Token& source) {
  const std::string& a = claimed.text;
  const std::string& b = source.text;
  const bool number =
      a == b || ((claimed.date || source.date) && (b.starts_with(a + "-") || b.ends_with("-" + a)));
  return number && (claimed.unit.empty() || source.unit.empty() || claimed.unit == source.unit);
}

}  // namespace citeseek::gateway
