#include "services/gateway/guard.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/gateway/operand.h"

namespace citeseek::gateway {
namespace {

enum class Reading { kDecimal, kVersion, kDate };

// What the words around the operands ask for.
struct Cue {
  bool size = false;      // bigger, 大
  bool age = false;       // newer, before, 新, 早
  bool smaller = false;   // the smaller, older or earlier is asked for
  bool question = false;  // which, is, 哪个, 吗: it is asked at all
  bool version = false;   // says "version"
  bool decimal = false;   // says "number" or "decimal"
  bool claim = false;     // "is a bigger than b": the order of the operands matters
  bool foreign = false;   // holds a word that has no place in a bare comparison
};

struct CueWord {
  std::string_view word;
  void (*apply)(Cue*);
};

void Nothing(Cue*) {}
void Asks(Cue* c) { c->question = true; }
void Bigger(Cue* c) { c->size = true; }
void Smaller(Cue* c) { c->size = c->smaller = true; }
void Later(Cue* c) { c->age = true; }
void Earlier(Cue* c) { c->age = c->smaller = true; }
void LaterThan(Cue* c) { c->age = c->claim = true; }
void EarlierThan(Cue* c) { c->age = c->smaller = c->claim = true; }
void BiggerThan(Cue* c) { c->size = c->claim = true; }
void SmallerThan(Cue* c) { c->size = c->smaller = c->claim = true; }
void Than(Cue* c) { c->claim = true; }
void SaysVersion(Cue* c) { c->version = true; }
void SaysDecimal(Cue* c) { c->decimal = true; }
void Age(Cue* c) { c->age = true; }

constexpr auto kEnglish = std::to_array<CueWord>({
    {"which", Asks},
    {"what", Asks},
    {"is", Asks},
    {"are", Asks},
    {"was", Asks},
    {"does", Asks},
    {"compare", Asks},
    {"comes", Asks},
    {"come", Asks},
    {"came", Asks},
    {"tell", Nothing},
    {"me", Nothing},
    {"please", Nothing},
    {"hi", Nothing},
    {"hello", Nothing},
    {"s", Nothing},
    {"do", Asks},
    {"you", Nothing},
    {"know", Nothing},
    {"think", Nothing},
    {"if", Asks},
    {"bigger", Bigger},
    {"larger", Bigger},
    {"greater", Bigger},
    {"higher", Bigger},
    {"biggest", Bigger},
    {"largest", Bigger},
    {"greatest", Bigger},
    {"highest", Bigger},
    {"more", Bigger},
    {"max", Bigger},
    {"maximum", Bigger},
    {"big", Nothing},
    {"smaller", Smaller},
    {"less", Smaller},
    {"lower", Smaller},
    {"fewer", Smaller},
    {"smallest", Smaller},
    {"least", Smaller},
    {"lowest", Smaller},
    {"minimum", Smaller},
    {"newer", Later},
    {"later", Later},
    {"newest", Later},
    {"latest", Later},
    {"recent", Age},
    {"older", Earlier},
    {"earlier", Earlier},
    {"oldest", Earlier},
    {"earliest", Earlier},
    {"first", Earlier},
    {"last", Later},
    {"before", EarlierThan},
    {"after", LaterThan},
    {"than", Than},
    {"or", Nothing},
    {"and", Nothing},
    {"vs", Nothing},
    {"versus", Nothing},
    {"to", Nothing},
    {"the", Nothing},
    {"one", Nothing},
    {"of", Nothing},
    {"these", Nothing},
    {"two", Nothing},
    {"between", Nothing},
    {"a", Nothing},
    {"an", Nothing},
    {"with", Nothing},
    {"as", Nothing},
    {"in", Nothing},
    {"from", Nothing},
    {"on", Nothing},
    {"date", Nothing},
    {"dates", Nothing},
    {"day", Nothing},
    {"value", Nothing},
    {"values", Nothing},
    {"version", SaysVersion},
    {"versions", SaysVersion},
    {"release", SaysVersion},
    {"releases", SaysVersion},
    {"software", SaysVersion},
    {"v", SaysVersion},
    {"number", SaysDecimal},
    {"numbers", SaysDecimal},
    {"decimal", SaysDecimal},
    {"decimals", SaysDecimal},
    {"numerically", SaysDecimal},
    {"mathematically", SaysDecimal},
    {"equal", Asks},
    {"same", Asks},
});

// Longest first where one is a prefix of another.
constexpr auto kChinese = std::to_array<CueWord>({
    {"哪一个", Asks},      {"哪个", Asks},        {"哪一", Asks},        {"哪", Asks},
    {"谁", Asks},          {"是不是", Asks},      {"是否", Asks},        {"吗", Asks},
    {"么", Asks},          {"还是", Asks},        {"比较", Asks},        {"比大小", Asks},
    {"大小", Bigger},      {"大于", BiggerThan},  {"小于", SmallerThan}, {"高于", BiggerThan},
    {"低于", SmallerThan}, {"早于", EarlierThan}, {"晚于", LaterThan},   {"之前", EarlierThan},
    {"以前", EarlierThan}, {"之后", LaterThan},   {"以后", LaterThan},   {"前面", EarlierThan},
    {"后面", LaterThan},   {"前", Earlier},       {"后", Later},         {"大", Bigger},
    {"小数", SaysDecimal}, {"小", Smaller},       {"高", Bigger},        {"低", Smaller},
    {"较新", Later},       {"新", Later},         {"旧", Earlier},       {"老", Earlier},
    {"早", Earlier},       {"晚", Later},         {"先", Earlier},       {"版本号", SaysVersion},
    {"版本", SaysVersion}, {"版", SaysVersion},   {"数字", SaysDecimal}, {"数值", SaysDecimal},
    {"数", SaysDecimal},   {"日期", Nothing},     {"时间", Nothing},     {"请问", Nothing},
    {"比", Than},          {"和", Nothing},       {"与", Nothing},       {"跟", Nothing},
    {"同", Nothing},       {"更", Nothing},       {"是", Asks},          {"的", Nothing},
    {"在", Nothing},       {"呢", Asks},          {"个", Nothing},       {"一", Nothing},
    {"两", Nothing},       {"要", Nothing},       {"些", Nothing},       {"点", Nothing},
    {"请", Nothing},       {"较", Nothing},       {"相", Nothing},       {"最", Nothing},
    {"中", Nothing},       {"这", Nothing},       {"谁的", Asks},        {"按", Nothing},
    {"你好", Nothing},     {"一下", Nothing},
});

constexpr auto kPunctuation = std::to_array<std::string_view>(
    {"，", "、", "？", "。", "：", "；", "“", "”", "「", "」", "（", "）", "！", "　"});

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Reads the words between operands. A word in front of an operand may be a name ("Python 3.10"),
// the same one each time; everything else unknown is foreign.
void ReadWords(std::string_view text, bool before_operand, std::string* name, Cue* cue) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (IsLetter(text[i])) {
      std::string word;
      while (i < text.size() && IsLetter(text[i])) {
        word.push_back(static_cast<char>(text[i] | 0x20));
        ++i;
      }
      const auto* known = std::find_if(kEnglish.begin(), kEnglish.end(),
                                       [&](const CueWord& w) { return w.word == word; });
      if (known != kEnglish.end()) {
        known->apply(cue);
        continue;
      }
      const bool last = text.find_first_not_of(" ", i) == std::string_view::npos;
      if (before_operand && last && (name->empty() || *name == word)) {
        *name = word;
      } else {
        cue->foreign = true;
      }
      continue;
    }
    if (byte < 0x80) {
      if ((byte >= '0' && byte <= '9') || text[i] == '%' || text[i] == '$') cue->foreign = true;
      if (text[i] == '>') BiggerThan(cue);
      if (text[i] == '<') SmallerThan(cue);
      ++i;
      continue;
    }
    const std::string_view rest = text.substr(i);
    const auto starts = [&](std::string_view word) { return rest.substr(0, word.size()) == word; };
    if (const auto* mark = std::find_if(kPunctuation.begin(), kPunctuation.end(), starts);
        mark != kPunctuation.end()) {
      i += mark->size();
      continue;
    }
    const CueWord* longest = nullptr;
    for (const CueWord& word : kChinese) {
      if (starts(word.word) && (!longest || word.word.size() > longest->word.size())) {
        longest = &word;
      }
    }
    if (longest) {
      longest->apply(cue);
      i += longest->word.size();
    } else {
      cue->foreign = true;
      ++i;
    }
  }
}

std::strong_ordering CompareAs(Reading reading, const Operand& a, const Operand& b) {
  switch (reading) {
    case Reading::kDecimal:
      return Compare(*a.decimal, *b.decimal);
    case Reading::kVersion:
      return Compare(*a.version, *b.version);
    case Reading::kDate:
      break;
  }
  return *a.date <=> *b.date;
}

// "9.9 is larger than 9.11", "9.9 大于 9.11"
std::string Relation(Reading reading, const Operand& a, const Operand& b, bool smaller,
                     bool chinese) {
  const std::strong_ordering order = CompareAs(reading, a, b);
  if (order == 0) {
    return chinese ? absl::StrCat(a.text, " 与 ", b.text, " 相等")
                   : absl::StrCat(a.text, " and ", b.text, " are equal");
  }
  const bool a_first = (order < 0) == smaller;
  const Operand& first = a_first ? a : b;
  const Operand& second = a_first ? b : a;
  std::string_view word;
  if (reading == Reading::kDecimal) {
    word = chinese ? (smaller ? " 小于 " : " 大于 ")
                   : (smaller ? " is smaller than " : " is larger than ");
  } else if (reading == Reading::kVersion) {
    word = chinese ? (smaller ? " 旧于 " : " 新于 ")
                   : (smaller ? " is older than " : " is newer than ");
  } else {
    word = chinese ? (smaller ? " 早于 " : " 晚于 ")
                   : (smaller ? " is earlier than " : " is later than ");
  }
  return absl::StrCat(first.text, std::string(word), second.text);
}

std::string Name(Reading reading, bool chinese) {
  switch (reading) {
    case Reading::kDecimal:
      return chinese ? "按小数" : "as decimal numbers";
    case Reading::kVersion:
      return chinese ? "按版本号" : "as version numbers";
    case Reading::kDate:
      break;
  }
  return chinese ? "按日期" : "as dates";
}

std::string IsoDate(const Date& date) {
  const auto padded = [](int value, std::size_t width) {
    std::string digits = std::to_string(value);
    return std::string(width - std::min(width, digits.size()), '0') + digits;
  };
  return absl::StrCat(padded(date.year, 4), "-", padded(date.month, 2), "-", padded(date.day, 2));
}

std::string Capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 32);
  return text;
}

std::string Write(const Operand& a, const Operand& b, const std::vector<Reading>& readings,
                  const Cue& cue, bool chinese) {
  std::string answer;
  // "Is a bigger than b?" gets a yes or no by the first reading.
  if (cue.claim) {
    const std::strong_ordering order = CompareAs(readings[0], a, b);
    const bool holds = order != 0 && (order < 0) == cue.smaller;
    answer = chinese ? (holds ? "是。" : "不是。") : (holds ? "Yes. " : "No. ");
  }
  for (std::size_t i = 0; i < readings.size(); ++i) {
    const std::string relation = Relation(readings[i], a, b, cue.smaller, chinese);
    if (chinese) {
      absl::StrAppend(&answer, Name(readings[i], true), "比较，", relation, "。");
    } else {
      absl::StrAppend(&answer, Capitalised(Name(readings[i], false)), ", ", relation, ". ");
    }
  }
  if (readings[0] == Reading::kDate && a.other_date.has_value() + b.other_date.has_value() > 0) {
    Operand c = a, d = b;
    if (c.other_date) c.date = c.other_date;
    if (d.other_date) d.date = d.other_date;
    const std::string taken =
        absl::StrCat(IsoDate(*a.date), chinese ? " 与 " : " and ", IsoDate(*b.date));
    const std::string relation = Relation(Reading::kDate, c, d, cue.smaller, chinese);
    if (chinese) {
      absl::StrAppend(&answer, "这里按日/月/年读作 ", taken, "；若按月/日/年，则", relation, "。");
    } else {
      absl::StrAppend(&answer, "Slashed dates were read day first, as ", taken,
                      "; read month first, ", relation, ". ");
    }
  }
  absl::StrAppend(&answer, chinese ? "（由计算得出，无需文档。）"
                                   : "(This is arithmetic; no document is needed.)");
  return answer;
}

// The comparison that this sentence is, or nothing.
std::optional<std::string> CompareSentence(std::string_view sentence) {
  const std::vector<Operand> operands = FindOperands(sentence);
  if (operands.size() != 2) return std::nullopt;
  const Operand& a = operands[0];
  const Operand& b = operands[1];
  Cue cue;
  std::string name;
  ReadWords(sentence.substr(0, a.start), true, &name, &cue);
  ReadWords(sentence.substr(a.end, b.start - a.end), true, &name, &cue);
  ReadWords(sentence.substr(b.end), false, &name, &cue);
  if (cue.foreign || (!cue.size && !cue.age)) return std::nullopt;
  const bool chinese = std::any_of(sentence.begin(), sentence.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0xE4 && static_cast<unsigned char>(c) <= 0xE9;
  });
  // In Chinese "a 比 b 大" and "a 和 b 哪个大" share words; a choice is no claim.
  if (chinese && (sentence.find("哪") != std::string_view::npos ||
                  sentence.find("谁") != std::string_view::npos ||
                  sentence.find("还是") != std::string_view::npos)) {
    cue.claim = false;
  }
  if (!chinese && (sentence.find("hich") != std::string_view::npos ||
                   sentence.find("hat") != std::string_view::npos)) {
    cue.claim = false;
  }
  std::vector<Reading> readings;
  if (a.date && b.date && !(cue.version && a.version && b.version)) {
    readings.push_back(Reading::kDate);
  } else if (a.integer && b.integer) {
    return std::nullopt;  // anybody can
  } else {
    const bool decimal = a.decimal && b.decimal, version = a.version && b.version;
    if (!name.empty() || cue.version) {
      if (version) readings.push_back(Reading::kVersion);
    } else if (cue.decimal) {
      if (decimal) readings.push_back(Reading::kDecimal);
    } else {
      // "Bigger" speaks of numbers and "newer" of versions first; the other reading is shown too.
      if (decimal) readings.push_back(Reading::kDecimal);
      if (version) readings.push_back(Reading::kVersion);
      if (cue.age && !cue.size) std::reverse(readings.begin(), readings.end());
    }
  }
  if (readings.empty()) return std::nullopt;
  return Write(a, b, readings, cue, chinese);
}

}  // namespace

std::optional<Comparison> CompareByArithmetic(std::string_view question) {
  Comparison comparison;
  std::size_t start = 0;
  while (start < question.size()) {
    std::size_t end = start, length = 1;
    for (; end < question.size(); ++end) {
      const std::string_view at = question.substr(end);
      if (at[0] == '?' || at[0] == '\n') break;
      if (at.substr(0, 3) == "？" || at.substr(0, 3) == "。") {
        length = 3;
        break;
      }
    }
    const std::string_view sentence = question.substr(start, end - start);
    const std::string_view whole = question.substr(start, end + length - start);
    start = end + length;
    if (sentence.find_first_not_of(" \t\r.!") == std::string_view::npos) continue;
    std::optional<std::string> answer;
    if (sentence.size() <= 300 && comparison.answer.empty()) answer = CompareSentence(sentence);
    if (answer) {
      comparison.answer = *std::move(answer);
    } else {
      comparison.rest += whole;
    }
  }
  if (comparison.answer.empty()) return std::nullopt;
  return comparison;
}

}  // namespace citeseek::gateway
