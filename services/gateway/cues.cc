#include "services/gateway/cues.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "services/gateway/forms.h"
#include "services/gateway/values.h"

namespace citeseek::gateway {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLetter(char c) { return IsUpper(c) || (c >= 'a' && c <= 'z'); }

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

template <std::size_t n>
bool HasAny(std::string_view text, const std::array<std::string_view, n>& parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view p) { return Has(text, p); });
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
  const std::string padded = " " + absl::AsciiStrToLower(std::string(q)) + " ";
  static constexpr auto kReason = std::to_array<std::string_view>({" why ", " reason "});
  static constexpr auto kDate = std::to_array<std::string_view>(
      {" when ", " what year", " which year", " what date", " what day", " what time",
       " what month", " what century", " which month", " what decade", " date of "});
  static constexpr auto kNumber = std::to_array<std::string_view>({" how many",
                                                                   " how much",
                                                                   " how long",
                                                                   " how old",
                                                                   " how far",
                                                                   " how tall",
                                                                   " how high",
                                                                   " how large",
                                                                   " how big",
                                                                   " how deep",
                                                                   " how wide",
                                                                   " how fast",
                                                                   " how often",
                                                                   " what percent",
                                                                   " what number",
                                                                   " population of",
                                                                   " what is the number",
                                                                   " how heavy",
                                                                   " how hot",
                                                                   " what temperature",
                                                                   " what fraction",
                                                                   " what is the maximum",
                                                                   " what is the minimum",
                                                                   " what's the maximum"});
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

bool StatesNumberWord(std::string_view text) {
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"one",   "two",     "three",    "four",    "five",    "six",    "seven",  "eight",
       "nine",  "ten",     "eleven",   "twelve",  "dozen",   "twenty", "thirty", "forty",
       "fifty", "hundred", "thousand", "million", "billion", "half",   "third",  "quarter",
       "once",  "twice",   "every",    "zero",    "several"});
  const std::vector<std::string> words = AsciiWords(text);
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
  const std::vector<std::string> words = AsciiWords(text);
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return std::find(kWords.begin(), kWords.end(), word) != kWords.end() || MonthOf(word) > 0;
  });
}

// A capitalised word that the question does not hold.
bool StatesName(std::string_view text, std::string_view question) {
  const std::string lower = absl::AsciiStrToLower(std::string(question));
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
    const bool fresh = IsUpper(text[i]) && end - i > 1 &&
                       !Has(lower, absl::AsciiStrToLower(std::string(text.substr(i, end - i))));
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

indexer::ByteRange FindDefined(std::string_view question) {
  const std::string lower = absl::AsciiStrToLower(std::string(question));
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
  for (const std::string& word : AsciiWords(question)) {
    if (std::find(kFrameWords.begin(), kFrameWords.end(), word) != kFrameWords.end()) ++word_frames;
  }
  cues.chinese = wide > 0 && (han_frames != word_frames ? han_frames > word_frames
                                                        : wide * 4 >= question.size() / 2);
  cues.type = cues.chinese ? ChineseType(question) : EnglishType(question);
  static constexpr auto kLists = std::to_array<std::string_view>({"哪些", "分别", "哪几", "有哪"});
  const std::string lower = absl::AsciiStrToLower(std::string(question));
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
  cues.defined = FindDefined(question);
  cues.steps = HasAny(lower, kSteps) && !Has(lower, "怎么样") && cues.type == AnswerType::kAny;
  cues.standard = !cues.steps && StatesDefault(lower) != DefaultForm::kNone;
  return cues;
}

DefaultForm StatesDefault(std::string_view text) {
  static constexpr auto kNames =
      std::to_array<std::string_view>({"default", "默认", "缺省", "预设"});
  static constexpr auto kTells =
      std::to_array<std::string_view>({"is", "are", "to", "value", "values", "of", "was", "being"});
  const std::string lower = absl::AsciiStrToLower(std::string(text));
  DefaultForm form = DefaultForm::kNone;
  for (std::string_view name : kNames) {
    for (std::size_t at = lower.find(name); at != std::string::npos;
         at = lower.find(name, at + name.size())) {
      std::string_view rest = std::string_view(lower).substr(at + name.size());
      if (std::string_view(lower).substr(0, at).ends_with("non-")) continue;
      form = std::max(form, DefaultForm::kNamed);
      if (rest.starts_with("s ")) rest.remove_prefix(1);
      for (std::string_view sign : {":", "=", "：", " =", "为", "是", "值", "设置为", "情况下"}) {
        if (rest.starts_with(sign)) return DefaultForm::kTold;
      }
      const std::vector<std::string> words = AsciiWords(rest.substr(0, 12));
      const bool tells = rest.starts_with(' ') && !words.empty() &&
                         std::find(kTells.begin(), kTells.end(), words[0]) != kTells.end();
      if (tells || std::string_view(lower).substr(0, at).ends_with("by "))
        return DefaultForm::kTold;
    }
  }
  return form;
}

indexer::ByteRange AskingPhrase(std::string_view question) {
  static constexpr auto kPhrases = std::to_array<std::string_view>(
      {"什么时候",  "什么时间",      "什么地方",     "什么名字",  "什么年代",   "哪一年",
       "哪一天",    "哪个月",        "几几年",       "为什么",    "什么人",     "哪年",
       "哪天",      "何时",          "何年",         "何地",      "何处",       "何人",
       "哪位",      "几月",          "几号",         "几点",      "what year",  "which year",
       "what date", "which date",    "what day",     "what time", "what month", "which month",
       "how big",   "what happened", "发生了什么事", "发生了什么"});
  const std::string lower = absl::AsciiStrToLower(std::string(question));
  for (std::string_view phrase : kPhrases) {
    const std::size_t at = lower.find(phrase);
    if (at == std::string::npos) continue;
    return {.start = static_cast<std::uint32_t>(at),
            .end = static_cast<std::uint32_t>(at + phrase.size())};
  }
  return {};
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
      return HasAny(absl::AsciiStrToLower(std::string(text)), kMarks);
    }
    case AnswerType::kAny:
      break;
  }
  return true;
}

}  // namespace citeseek::gateway
