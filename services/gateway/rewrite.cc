#include "services/gateway/rewrite.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "absl/strings/str_cat.h"
#include "retrieval/retriever.h"
#include "services/gateway/cues.h"
#include "services/gateway/subject.h"

namespace citeseek::gateway {
namespace {

constexpr std::size_t kTurnsAsked = 4;  // for a subject, from the newest on
// More words than this before a pronoun hold what it stands for.
constexpr std::size_t kWordsOfAntecedent = 4;
constexpr std::size_t kHanOfAntecedent = 5;
constexpr std::size_t kHanBytes = 3;

using Words = std::vector<Word>;

template <std::size_t kCount>
bool IsOneOf(std::string_view word, const std::array<std::string_view, kCount>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view Trimmed(std::string_view text) {
  static constexpr auto kEnds = std::to_array<std::string_view>(
      {" ", "\t", "\n", "\r", "?", "!", ".", ",", "？", "！", "。", "，", "：", ":"});
  for (bool cut = true; cut;) {
    cut = false;
    for (std::string_view end : kEnds) {
      if (text.starts_with(end)) text.remove_prefix(end.size()), cut = true;
      if (text.ends_with(end)) text.remove_suffix(end.size()), cut = true;
    }
  }
  return text;
}

std::string Replaced(std::string text, std::string_view what, std::string_view by) {
  const std::size_t at = what.empty() ? std::string::npos : text.find(what);
  if (at == std::string::npos) return "";
  return text.replace(at, what.size(), by);
}

// A year, or another number, as it stands in the text.
std::string_view FindYear(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::size_t end = i;
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
    if (end - i == 4) return text.substr(i, 4);
    i = std::max(i, end);
  }
  return {};
}

// What the earlier turns were about.
class Context {
 public:
  explicit Context(std::span<const Turn> history) : history_(history) {}

  const Turn& last() const { return history_.back(); }
  const std::string& question() const { return FullQuestion(last()); }

  Subject subject() const {
    for (std::size_t i = 0; i < std::min(kTurnsAsked, history_.size()); ++i) {
      Subject subject = FindSubject(history_[history_.size() - 1 - i]);
      if (!subject.text.empty()) return subject;
    }
    return {};
  }

  // What the last answer gave to a question that asked for that: "Who built it?", "Where ...?"
  Subject answered(AnswerType type) const {
    if (ReadCues(last().question).type != type) return subject();
    for (std::string& name : FindNames(last().answer)) {
      if (question().find(name) == std::string::npos) return {std::move(name), true};
    }
    if (std::string head = HeadOfAnswer(); !head.empty()) return {std::move(head), true};
    return subject();
  }

 private:
  // "李明" of "李明设计了望月桥", after "谁设计了望月桥？".
  std::string HeadOfAnswer() const {
    constexpr std::string_view kWho = "谁";
    const std::string& answer = last().answer;
    const std::size_t who = question().find(kWho);
    if (who == std::string::npos) return "";
    const std::string told = question().substr(who + kWho.size(), 2 * kHanBytes);
    const std::size_t end = told.size() < 2 * kHanBytes ? std::string::npos : answer.find(told);
    if (end == std::string::npos) return "";
    const std::string head = answer.substr(0, end);
    return CountHan(head) >= 2 && CountHan(head) <= 6 ? head : "";
  }

  std::span<const Turn> history_;
};

// The last question with something else in the place of its subject, and its year in that of its
// year; else with it behind.
std::string Parallel(const Context& context, std::string_view thing) {
  const std::string question(Trimmed(context.question()));
  const bool chinese = CountHan(question) > 0;
  const std::string mark = chinese ? "？" : "?";
  if (const std::string_view year = FindYear(thing); !year.empty()) {
    std::string other = Replaced(question, FindYear(question), year);
    if (!other.empty()) return other + mark;
    return absl::StrCat(question, chinese ? "，" : " ", std::string(thing), mark);
  }
  std::string other = Replaced(question, context.subject().text, thing);
  if (other.empty()) other = absl::StrCat(question, " ", std::string(thing));
  return other + mark;
}

// ---- English

bool IsPreposition(std::string_view word) {
  return IsOneOf(word, std::to_array<std::string_view>(
                           {"in", "on", "at", "for", "during", "after", "before", "from", "under",
                            "over", "without", "with", "per", "since", "until"}));
}

bool IsAuxiliary(std::string_view word) {
  return IsOneOf(word, std::to_array<std::string_view>({"is", "are", "was", "were", "do", "does",
                                                        "did", "can", "could", "has", "have", "had",
                                                        "will", "would", "should", "may", "must"}));
}

// Words that ask for a property of something that they do not name.
bool IsPropertyWord(std::string_view word) {
  return IsOneOf(
      word,
      std::to_array<std::string_view>(
          {"price",      "cost",      "costs",   "fare",     "fares",       "height", "length",
           "width",      "depth",     "weight",  "size",     "area",        "age",    "population",
           "address",    "location",  "located", "author",   "authors",     "owner",  "director",
           "name",       "opening",   "hours",   "hour",     "times",       "time",   "phone",
           "number",     "telephone", "website", "capacity", "speed",       "colour", "color",
           "date",       "version",   "founder", "open",     "opened",      "close",  "closed",
           "built",      "building",  "founded", "released", "established", "cheap",  "expensive",
           "difference", "main",      "purpose", "tickets",  "ticket",      "reason", "called"}));
}

int Ordinal(std::string_view word) {  // -1: none
  static constexpr auto kOrdinals =
      std::to_array<std::string_view>({"last", "first", "second", "third", "fourth", "fifth"});
  const auto found = std::find(kOrdinals.begin(), kOrdinals.end(), word);
  return found == kOrdinals.end() ? -1 : static_cast<int>(found - kOrdinals.begin());
}

class English {
 public:
  English(std::string_view question, const Context& context)
      : question_(Trimmed(question)), words_(SplitWords(question_)), context_(context) {}

  std::string Run() {
    if (words_.empty()) return "";
    SkipOpening();
    if (first_ == words_.size()) return "";
    if (std::string text = ReplaceOrdinal(); !text.empty()) return text;
    if (std::string text = ReplacePronouns(); !text.empty()) return text + "?";
    for (std::size_t i = first_; i < words_.size(); ++i) {
      if (IsEmptyIt(i)) return "";
    }
    return FillGap();
  }

 private:
  // "And", "So, what about".
  void SkipOpening() {
    static constexpr auto kOpenings =
        std::to_array<std::string_view>({"and", "or", "but", "so", "then", "ok", "okay", "well"});
    while (first_ < words_.size() && IsOneOf(words_[first_].lower, kOpenings)) {
      begun_ = true;
      ++first_;
    }
    if (first_ + 1 < words_.size() && words_[first_ + 1].lower == "about" &&
        (words_[first_].lower == "what" || words_[first_].lower == "how")) {
      first_ += 2;
      about_ = true;
    }
  }

  std::string_view Rest() const { return question_.substr(words_[first_].start); }

  // "the second one", "the last".
  std::string ReplaceOrdinal() const {
    for (std::size_t i = first_; i < words_.size(); ++i) {
      const int number = Ordinal(words_[i].lower);
      const bool one = i + 1 < words_.size() && words_[i + 1].lower == "one";
      const bool the = i > 0 && words_[i - 1].lower == "the";
      if (number < 0 || !the || !(one || i + 1 == words_.size())) continue;
      const std::string item = ListedItem(context_.last(), number);
      if (item.empty()) return "";
      const std::size_t start = words_[i - 1].start, end = words_[one ? i + 1 : i].end;
      if (i - 1 == first_ && end == question_.size()) return Parallel(context_, item);
      return absl::StrCat(std::string(question_.substr(0, start)), item,
                          std::string(question_.substr(end)), "?");
    }
    return "";
  }

  // "is it true that", "it takes to", "what time is it".
  bool IsEmptyIt(std::size_t i) const {
    static constexpr auto kAdjectives = std::to_array<std::string_view>(
        {"true", "possible", "correct", "right", "necessary", "allowed", "ok", "likely", "legal",
         "raining", "said", "known", "that", "take", "takes"});
    if (words_[i].lower != "it" && words_[i].lower != "it's") return false;
    for (std::size_t next = i + 1; next < std::min(words_.size(), i + 3); ++next) {
      if (!IsOneOf(words_[next].lower, kAdjectives)) continue;
      return !words_[next].lower.starts_with("take") ||
             (next + 1 < words_.size() && words_[next + 1].lower == "to");
    }
    return i + 1 == words_.size() && i >= 2 && words_[i - 2].lower == "time";
  }

  bool HasAntecedent(std::size_t before) const {
    const std::string_view text = question_.substr(0, words_[before].start);
    if (!FindNames(text).empty()) return true;
    std::size_t content = 0;
    for (std::size_t i = first_; i < before; ++i) content += !IsFrameWord(words_[i].lower);
    return content >= kWordsOfAntecedent;
  }

  std::string ReplacePronouns() const {
    static constexpr auto kPossessive =
        std::to_array<std::string_view>({"its", "their", "his", "her", "it's"});
    static constexpr auto kPersons =
        std::to_array<std::string_view>({"he", "she", "him", "his", "her"});
    static constexpr auto kPlain =
        std::to_array<std::string_view>({"it", "they", "them", "he", "she", "him", "her"});
    static constexpr auto kPointing =
        std::to_array<std::string_view>({"this", "these", "those", "that"});
    std::string text;
    std::size_t copied = 0;
    bool replaced = false;
    for (std::size_t i = 0; i < words_.size(); ++i) {
      const std::string& word = words_[i].lower;
      const bool last = i + 1 == words_.size();
      const std::string next = last ? "" : words_[i + 1].lower;
      const bool follows = !last && !IsFrameWord(next);  // a noun, it may be
      const bool possessive =
          IsOneOf(word, kPossessive) && (word != "her" || follows) && word != "it's" && follows;
      const bool plain = IsOneOf(word, kPlain) && !possessive && !IsEmptyIt(i);
      // "that" joins clauses unless it stands at an end or before a verb of being.
      const bool pointing =
          IsOneOf(word, kPointing) && (word != "that" || last || i == first_ || IsAuxiliary(next));
      const bool there =
          word == "there" && i > 0 && !IsAuxiliary(words_[i - 1].lower) && !IsAuxiliary(next);
      if (!(possessive || plain || pointing || there)) continue;
      if (!replaced && HasAntecedent(i)) return "";
      const Subject subject = IsOneOf(word, kPersons) ? context_.answered(AnswerType::kPerson)
                              : there                 ? context_.answered(AnswerType::kPlace)
                                                      : context_.subject();
      if (subject.text.empty()) return "";
      std::size_t end = words_[i].end;
      // "this bridge" of Halden Bridge.
      const Words of_name = SplitWords(subject.text);
      if (pointing && !last && !of_name.empty() && next == of_name.back().lower) {
        end = words_[i + 1].end;
      }
      absl::StrAppend(&text, std::string(question_.substr(copied, words_[i].start - copied)),
                      there ? "in " : "", subject.text, possessive ? "'s" : "");
      copied = end;
      replaced = true;
    }
    if (!replaced) return "";
    return text + std::string(question_.substr(copied));
  }

  std::string FillGap() const {
    std::size_t content = 0, properties = 0;
    for (std::size_t i = first_; i < words_.size(); ++i) {
      if (IsFrameWord(words_[i].lower)) continue;
      ++content;
      properties += IsPropertyWord(words_[i].lower);
    }
    const bool names = !FindNames(Rest()).empty();
    const Subject subject = context_.subject();
    if (about_ || begun_) {
      // "And in winter?", "And Moon Bridge?", "What about the price?"; not a whole question.
      const bool whole =
          std::any_of(words_.begin() + static_cast<std::ptrdiff_t>(first_), words_.end(),
                      [](const Word& w) { return IsAuxiliary(w.lower); });
      if (whole && !about_) return names || content > properties ? "" : OfSubject(subject);
      if (IsPreposition(words_[first_].lower)) {
        if (!FindYear(Rest()).empty() && !FindYear(context_.question()).empty()) {
          return Parallel(context_, Rest());
        }
        return absl::StrCat(std::string(Trimmed(context_.question())), " ", std::string(Rest()),
                            "?");
      }
      if (content == 0) return "";
      if (properties > 0 && !names) return OfSubject(subject);
      if (names || !subject.name || !FindYear(Rest()).empty()) return Parallel(context_, Rest());
      return OfSubject(subject);
    }
    if (content == 0) return WithOtherWord();
    if (content == properties && content <= 3) return OfSubject(subject);
    return "";
  }

  std::string OfSubject(const Subject& subject) const {
    if (subject.text.empty()) return "";
    return absl::StrCat(std::string(question_), " of ", subject.text, "?");
  }

  // "Why?" after "When was it closed?": "Why was it closed?"
  std::string WithOtherWord() const {
    const std::string asked(Trimmed(context_.question()));
    const Words words = SplitWords(asked);
    std::size_t skip = 0;
    while (skip < words.size() && !IsAuxiliary(words[skip].lower) && skip < 3 &&
           IsFrameWord(words[skip].lower)) {
      ++skip;
    }
    if (skip == words.size()) return "";
    const std::string rest = asked.substr(words[skip].start);
    return absl::StrCat(std::string(question_), " ",
                        IsAuxiliary(words[skip].lower)
                            ? words[skip].lower + rest.substr(words[skip].lower.size())
                            : rest,
                        "?");
  }

  const std::string_view question_;
  const Words words_;
  const Context& context_;
  std::size_t first_ = 0;  // word behind "And", "What about"
  bool begun_ = false;     // with "And"
  bool about_ = false;
};

// ---- Chinese

class Chinese {
 public:
  Chinese(std::string_view question, const Context& context)
      : question_(Trimmed(question)), context_(context) {}

  std::string Run() {
    core_ = question_;
    for (std::string_view opening : {"请问", "那么", "那", "还有", "而", "可是", "但是", "然后"}) {
      // "那个", "那座" point at something.
      if (opening == "那" &&
          !MeasureWord(core_.substr(std::min(core_.size(), kHanBytes))).empty()) {
        continue;
      }
      if (core_.starts_with(opening)) core_ = Trimmed(core_.substr(opening.size()));
    }
    if (std::string text = ReplaceOrdinal(); !text.empty()) return text;
    const bool what_about = core_.ends_with("呢");
    const std::string_view thing =
        what_about ? Trimmed(core_.substr(0, core_.size() - kHanBytes)) : std::string_view();
    if (what_about && !IsClause(thing) && CountPronoun(thing) == 0) return WhatAbout(thing);
    if (std::string text = ReplacePronouns(); !text.empty()) return text;
    return FillGap();
  }

 private:
  // The measure word that "这" or "那" stand before, at the front of the text.
  static std::string_view MeasureWord(std::string_view text) {
    for (std::string_view word :
         {"个", "座", "家", "本", "种", "位", "款", "部", "条", "项", "所", "间", "件",
          "次", "场", "段", "首", "篇", "辆", "艘", "只", "台", "里", "儿", "些", "边"}) {
      if (text.starts_with(word)) return word;
    }
    return {};
  }

  // "第二个", "最后一个", "后者".
  std::string ReplaceOrdinal() const {
    struct Form {
      std::string_view text;
      int number;
    };
    static constexpr auto kForms = std::to_array<Form>({{"第一", 1},
                                                        {"第二", 2},
                                                        {"第三", 3},
                                                        {"第四", 4},
                                                        {"第五", 5},
                                                        {"最后一", 0},
                                                        {"前者", 1},
                                                        {"后者", 2}});
    for (const auto& [form, number] : kForms) {
      const std::size_t at = core_.find(form);
      if (at == std::string_view::npos) continue;
      std::size_t end = at + form.size();
      const bool whole = form == "前者" || form == "后者";
      const std::string_view measure = MeasureWord(core_.substr(end));
      if (!whole && measure.empty()) continue;
      end += measure.size();
      const std::string item = ListedItem(context_.last(), number);
      if (item.empty()) return "";
      const std::string_view rest = core_.substr(end);
      if (at == 0 && (rest.empty() || rest == "呢")) return Parallel(context_, item);
      // A noun behind the measure word goes on: "第二座桥有多长".
      return absl::StrCat(std::string(core_.substr(0, at)), item, std::string(rest), "？");
    }
    return "";
  }

  // Bytes of a pronoun at text[at]; 0: none.
  static std::size_t PronounAt(std::string_view text, std::size_t at) {
    static constexpr auto kPlain =
        std::to_array<std::string_view>({"它们", "他们", "她们", "它", "他", "她", "该"});
    const std::string_view rest = text.substr(at), before = text.substr(0, at);
    for (std::string_view word : kPlain) {
      if (!rest.starts_with(word)) continue;
      if (before.ends_with("其") || before.ends_with("吉") || before.ends_with("应")) return 0;
      return word == "该" && at > 0 ? 0 : word.size();
    }
    if (rest.starts_with("这") || rest.starts_with("那")) {
      const std::string_view measure = MeasureWord(rest.substr(kHanBytes));
      const bool time = rest.substr(kHanBytes + measure.size()).starts_with("时");
      if (!measure.empty() && !time) return kHanBytes + measure.size();
    }
    // "其价格"
    if (rest.starts_with("其") && at == 0 && !rest.starts_with("其他") &&
        !rest.starts_with("其它") && !rest.starts_with("其中") && !rest.starts_with("其实")) {
      return kHanBytes;
    }
    return 0;
  }

  static std::size_t CountPronoun(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); ++at) count += PronounAt(text, at) > 0 ? 1 : 0;
    return count;
  }

  std::string ReplacePronouns() const {
    std::string text;
    bool replaced = false;
    for (std::size_t at = 0; at < core_.size();) {
      const std::size_t size = PronounAt(core_, at);
      if (size == 0) {
        text += core_[at++];
        continue;
      }
      if (!replaced && HasAntecedent(core_.substr(0, at))) return "";
      const std::string_view word = core_.substr(at, size);
      const bool person = word.starts_with("他") || word.starts_with("她");
      const bool place = word.ends_with("里") || word.ends_with("儿") || word.ends_with("边");
      const Subject subject = person  ? context_.answered(AnswerType::kPerson)
                              : place ? context_.answered(AnswerType::kPlace)
                                      : context_.subject();
      if (subject.text.empty()) return "";
      std::size_t end = at + size;
      // "这座桥" of 望月桥.
      const std::size_t tail =
          subject.text.size() < kHanBytes ? 0 : subject.text.size() - kHanBytes;
      if (size > kHanBytes && !place && CountHan(subject.text) > 0 &&
          core_.substr(end).starts_with(std::string_view(subject.text).substr(tail))) {
        end += kHanBytes;
      }
      text += subject.text;
      if (word == "其") text += "的";
      at = end;
      replaced = true;
    }
    if (!replaced) return "";
    if (text.ends_with("呢") && text.size() <= context_.subject().text.size() + kHanBytes) {
      return Parallel(context_, std::string_view(text).substr(0, text.size() - kHanBytes));
    }
    return text + "？";
  }

  static bool HasAntecedent(std::string_view before) {
    return !FindNames(before).empty() || CountHan(Content(before)) >= kHanOfAntecedent;
  }

  static bool IsClause(std::string_view thing) {
    for (std::string_view word : {"是", "有", "多少", "什么", "怎", "吗", "在", "几", "谁", "哪"}) {
      if (thing.find(word) != std::string_view::npos) return true;
    }
    return false;
  }

  static bool IsTime(std::string_view thing) {
    for (std::string_view word : {"周", "星期", "年", "月", "天", "季", "早上", "晚上", "上午",
                                  "下午", "节假日", "以前", "以后", "现在"}) {
      if (thing.find(word) != std::string_view::npos) return true;
    }
    return false;
  }

  std::string WhatAbout(std::string_view thing) const {
    const Subject subject = context_.subject();
    if (thing.empty()) return "";
    if (!FindYear(thing).empty()) return Parallel(context_, thing);
    if (IsTime(thing)) {
      return absl::StrCat(std::string(Trimmed(context_.question())), " ", std::string(thing), "？");
    }
    if (CountHan(Content(thing)) == 0) {  // a property: "价格呢"
      return subject.text.empty() ? "" : absl::StrCat(subject.text, "的", std::string(thing), "？");
    }
    if (subject.text.empty() || context_.question().find(subject.text) == std::string::npos) {
      return absl::StrCat(std::string(Trimmed(context_.question())), " ", std::string(thing), "？");
    }
    return Parallel(context_, thing);
  }

  // Without the words that ask, and those for what is usually asked.
  static std::string Content(std::string_view text) {
    static constexpr auto kWords = std::to_array<std::string_view>(
        {"什么时候", "什么地方", "为什么", "什么",     "多少钱",   "多少", "多长", "多高", "多大",
         "多远",     "多久",     "多重",   "怎么样",   "怎么",     "怎样", "如何", "哪里", "哪儿",
         "哪一年",   "哪年",     "哪天",   "哪些",     "哪个",     "哪",   "几点", "几月", "几",
         "何时",     "为何",     "谁",     "开放时间", "营业时间", "时间", "地址", "地点", "位置",
         "价格",     "价钱",     "票价",   "门票",     "电话",     "全长", "长度", "高度", "宽度",
         "面积",     "人口",     "作者",   "名字",     "名称",     "历史", "原因", "特点", "建成",
         "建造",     "修建",     "建立",   "成立",     "开放",     "开门", "关门", "闭馆", "开馆",
         "开业",     "营业",     "发布",   "出版",     "出生",     "去世", "发生", "收费", "免费",
         "位于",     "属于",     "需要",   "可以",     "开始",     "结束", "周几", "公里", "英里",
         "米",       "元",       "钱",     "人",       "年",       "月",   "日",   "天",   "的",
         "了",       "吗",       "呢",     "是",       "在",       "有",   "由",   "被",   "到",
         "去",       "走",       "买",     "做",       "用",       "叫",   "要",   "会",   "能",
         "呀",       "啊",       "请问",   "那",       "又",       "还",   "也",   "都",   "就",
         "和",       "与",       "长",     "高",       "大",       "建",   "个"});
    std::string content;
    while (!text.empty()) {
      std::size_t skip = 0;
      for (std::string_view word : kWords) {
        if (text.starts_with(word)) skip = std::max(skip, word.size());
      }
      if (skip == 0) content += text[0];
      text.remove_prefix(std::max<std::size_t>(skip, 1));
    }
    return content;
  }

  // "什么时候建成的？" names nothing.
  std::string FillGap() const {
    const std::string content = Content(core_);
    if (CountHan(content) > 0 || !SplitWords(content).empty()) return "";
    const Subject subject = context_.subject();
    if (subject.text.empty() || CountHan(core_) == 0) return "";
    const bool bare = core_ == "为什么" || core_ == "为何" || core_ == "怎么" || core_ == "真的吗";
    if (bare) {
      return absl::StrCat(std::string(Trimmed(context_.question())), " ", std::string(core_), "？");
    }
    return absl::StrCat(subject.text, std::string(core_), "？");
  }

  const std::string_view question_;
  std::string_view core_;
  const Context& context_;
};

}  // namespace

std::string RewriteQuestion(std::string_view question, std::span<const Turn> history) {
  if (history.empty() || question.size() > retrieval::kMaxQueryBytes / 2) return "";
  const Context context(history);
  std::string rewritten =
      CountHan(question) > 0 ? Chinese(question, context).Run() : English(question, context).Run();
  const bool same = Trimmed(rewritten) == Trimmed(question);
  return same || rewritten.size() > retrieval::kMaxQueryBytes ? "" : rewritten;
}

}  // namespace citeseek::gateway
