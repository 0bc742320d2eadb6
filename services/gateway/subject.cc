#include "services/gateway/subject.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>

#include "absl/strings/ascii.h"
#include "inference/utf8.h"
#include "services/gateway/cues.h"

namespace citeseek::gateway {
namespace {

constexpr std::size_t kMaxItemBytes = 90;
constexpr std::size_t kHanBytes = 3;

bool IsWordByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '\'' || c == '-' || c == '.' || c == '_' ||
         (byte >= 0xC3 && byte <= 0xC9);  // the lead byte of a letter with an accent
}

bool IsCapital(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsHanLead(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0xE4 && byte <= 0xE9;
}

bool IsDateName(std::string_view lower) {
  static constexpr auto kNames = std::to_array<std::string_view>(
      {"january", "february", "march",     "april",    "may",      "june",
       "july",    "august",   "september", "october",  "november", "december",
       "monday",  "tuesday",  "wednesday", "thursday", "friday",   "saturday",
       "sunday",  "english",  "chinese",   "i"});
  return std::find(kNames.begin(), kNames.end(), lower) != kNames.end();
}

// "of" in "Museum of Alderwick".
bool Joins(std::string_view lower) {
  return lower == "of" || lower == "de" || lower == "von" || lower == "van" || lower == "la" ||
         lower == "the";
}

void AddOnce(std::string name, std::vector<std::string>* names) {
  while (!name.empty() && (name.back() == '.' || name.back() == '-' || name.back() == '\'')) {
    name.pop_back();
  }
  if (name.ends_with("'s")) name.resize(name.size() - 2);
  if (name.empty() || std::find(names->begin(), names->end(), name) != names->end()) return;
  names->push_back(std::move(name));
}

// Texts between quotes, at most 20 characters of Chinese or 60 bytes.
void FindQuoted(std::string_view text, std::vector<std::string>* names) {
  static constexpr auto kQuotes = std::to_array<std::pair<std::string_view, std::string_view>>(
      {{"《", "》"}, {"“", "”"}, {"「", "」"}, {"\"", "\""}});
  for (const auto& [open, close] : kQuotes) {
    for (std::size_t at = text.find(open); at != std::string_view::npos;) {
      const std::size_t start = at + open.size(), end = text.find(close, start);
      if (end == std::string_view::npos) break;
      if (end > start && end - start <= 60) {
        AddOnce(std::string(text.substr(start, end - start)), names);
      }
      at = text.find(open, end + close.size());
    }
  }
}

std::string_view WithoutMarkers(std::string_view line) {
  const std::size_t marker = line.find(" [");
  return line.substr(0, std::min(marker, line.find('[')));
}

// "- first\n- second", "1. first".
std::vector<std::string> ListItems(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    line.remove_prefix(first);
    const std::size_t digits = line.find_first_not_of("0123456789");
    std::size_t skip = 0;
    if (line.starts_with("- ") || line.starts_with("* ")) {
      skip = 2;
    } else if (digits != std::string_view::npos && digits > 0 && digits < 3) {
      const std::string_view rest = line.substr(digits);
      if (rest.starts_with(". ") || rest.starts_with(") ")) skip = digits + 2;
      if (rest.starts_with("、")) skip = digits + 3;
    }
    if (skip > 0) items.emplace_back(WithoutMarkers(line.substr(skip)));
  }
  return items;
}

std::string Short(std::string text) {
  if (text.size() > kMaxItemBytes) {
    text.resize(kMaxItemBytes);
    text.resize(inference::ValidUtf8Prefix(text));
  }
  while (!text.empty() && (text.back() == '.' || text.back() == ' ')) text.pop_back();
  if (text.ends_with("。")) text.resize(text.size() - 3);
  return text;
}

// The longest run of words of `text` that `other` has too, and that names something.
std::string CommonRun(std::string_view text, std::string_view other) {
  const std::vector<Word> words = SplitWords(text), others = SplitWords(other);
  std::size_t best_start = 0, best = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (std::size_t j = 0; j < others.size(); ++j) {
      std::size_t n = 0;
      while (i + n < words.size() && j + n < others.size() &&
             words[i + n].lower == others[j + n].lower && !IsFrameWord(words[i + n].lower)) {
        ++n;
      }
      if (n > best) best = n, best_start = i;
    }
  }
  if (best == 0) return "";
  return std::string(text.substr(words[best_start].start,
                                 words[best_start + best - 1].end - words[best_start].start));
}

// The same of Chinese characters, two at least.
std::string CommonHan(std::string_view text, std::string_view other) {
  std::string_view best;
  for (std::size_t i = 0; i + 2 * kHanBytes <= text.size(); ++i) {
    if (!IsHanLead(text[i])) continue;
    std::size_t end = i;
    while (end + kHanBytes <= text.size() && IsHanLead(text[end]) &&
           other.find(text.substr(i, end + kHanBytes - i)) != std::string_view::npos) {
      end += kHanBytes;
    }
    if (end - i >= 2 * kHanBytes && end - i > best.size()) best = text.substr(i, end - i);
  }
  return std::string(best);
}

// What precedes the first word that asks or tells.
std::string ChineseSubject(std::string_view question) {
  static constexpr auto kOpenings = std::to_array<std::string_view>(
      {"请问",   "那么", "那",       "请",   "告诉我",   "你知道", "关于",
       "什么是", "谁是", "介绍一下", "介绍", "什么时候", "为什么", "怎么",
       "如何",   "在",   "从",       "这",   "哪里有",   "哪些",   "哪个"});
  for (bool cut = true; cut;) {
    cut = false;
    for (std::string_view opening : kOpenings) {
      if (!question.starts_with(opening)) continue;
      question.remove_prefix(opening.size());
      cut = true;
      break;
    }
  }
  // "谁设计了望月桥"
  if (constexpr std::string_view kWho = "谁", kDone = "了"; question.starts_with(kWho)) {
    const std::size_t done = question.find(kDone);
    const bool near = done != std::string_view::npos && done <= 5 * kHanBytes;
    question.remove_prefix(near ? done + kDone.size() : kWho.size());
  }
  const std::size_t end = FindPredicate(question);
  const std::string_view subject = question.substr(0, end);
  if (CountHan(subject) < 2 || CountHan(subject) > 16) return "";
  return std::string(subject);
}

std::string ContentWords(std::string_view question) {
  std::string content;
  for (const Word& word : SplitWords(question)) {
    if (IsFrameWord(word.lower)) continue;
    if (!content.empty()) content += ' ';
    content += question.substr(word.start, word.end - word.start);
  }
  return content;
}

}  // namespace

std::vector<Word> SplitWords(std::string_view text) {
  std::vector<Word> words;
  for (std::size_t i = 0; i < text.size();) {
    if (!IsWordByte(text[i]) || text[i] == '.' || text[i] == '-' || text[i] == '\'') {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() &&
           (IsWordByte(text[end]) || (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)) {
      ++end;
    }
    std::size_t last = end;
    while (last > i && (text[last - 1] == '.' || text[last - 1] == '-' || text[last - 1] == '\'')) {
      --last;
    }
    words.push_back({i, last, absl::AsciiStrToLower(std::string(text.substr(i, last - i)))});
    i = end;
  }
  return words;
}

bool IsFrameWord(std::string_view lower) {
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"a",       "about",    "again",   "all",    "also",   "am",     "an",    "and",    "any",
       "are",     "as",       "at",      "be",     "been",   "but",    "by",    "can",    "come",
       "could",   "did",      "do",      "does",   "else",   "for",    "from",  "get",    "give",
       "had",     "has",      "have",    "he",     "her",    "hers",   "him",   "his",    "how",
       "i",       "if",       "in",      "into",   "is",     "it",     "its",   "just",   "know",
       "list",    "long",     "made",    "many",   "may",    "me",     "more",  "most",   "much",
       "my",      "name",     "no",      "not",    "now",    "of",     "ok",    "okay",   "old",
       "on",      "one",      "ones",    "or",     "other",  "our",    "out",   "please", "really",
       "same",    "say",      "says",    "she",    "should", "show",   "since", "so",     "some",
       "tell",    "than",     "that",    "the",    "their",  "them",   "then",  "there",  "these",
       "they",    "this",     "those",   "to",     "too",    "up",     "us",    "was",    "we",
       "well",    "were",     "what",    "what's", "when",   "where",  "which", "who",    "whom",
       "whose",   "why",      "will",    "with",   "would",  "yes",    "you",   "your",   "it's",
       "explain", "describe", "between", "under",  "over",   "during", "after", "before", "per",
       "compare"});
  return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

std::vector<std::string> FindNames(std::string_view text) {
  std::vector<std::string> names;
  FindQuoted(text, &names);
  const std::vector<Word> words = SplitWords(text);
  for (std::size_t i = 0; i < words.size();) {
    const auto is_name = [&](std::size_t w) {
      return IsCapital(text[words[w].start]) && !IsFrameWord(words[w].lower);
    };
    // Nothing but a blank, and perhaps "of", between two words of a name.
    const auto adjoins = [&](std::size_t a, std::size_t b) {
      return text.substr(words[a].end, words[b].start - words[a].end) == " ";
    };
    if (!is_name(i)) {
      ++i;
      continue;
    }
    std::size_t last = i;
    while (last + 1 < words.size() && adjoins(last, last + 1)) {
      if (is_name(last + 1) || IsDigit(text[words[last + 1].start])) {
        ++last;
      } else if (last + 2 < words.size() && Joins(words[last + 1].lower) &&
                 adjoins(last + 1, last + 2) && is_name(last + 2)) {
        last += 2;
      } else {
        break;
      }
    }
    const bool date = std::all_of(
        words.begin() + static_cast<std::ptrdiff_t>(i),
        words.begin() + static_cast<std::ptrdiff_t>(last) + 1,
        [&](const Word& word) { return IsDateName(word.lower) || IsDigit(text[word.start]); });
    if (!date) {
      AddOnce(std::string(text.substr(words[i].start, words[last].end - words[i].start)), &names);
    }
    i = last + 1;
  }
  return names;
}

std::size_t CountHan(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), IsHanLead));
}

std::size_t FindPredicate(std::string_view question) {
  static constexpr auto kCuts = std::to_array<std::string_view>(
      {"的",   "是",   "在",   "有",   "由",   "位于", "什么", "多少", "几",   "哪",
       "谁",   "怎",   "如何", "为何", "为什", "何",   "全长", "多长", "多高", "多大",
       "多远", "多久", "多重", "建成", "建于", "开放", "开门", "开业", "关门", "成立",
       "创建", "发布", "出版", "属于", "能",   "可以", "会",   "需要", "应该", "叫",
       "和",   "与",   "价格", "票价", "地址", "距离", "里",   "最",   "每",   "于",
       "呢",   "吗",   "，",   "？",   "。",   "！",   "?",    ",",    "!",    " "});
  std::size_t first = std::string_view::npos;
  for (std::string_view cut : kCuts) {
    // No name is shorter than two characters.
    for (std::size_t at = question.find(cut); at != std::string_view::npos;
         at = question.find(cut, at + cut.size())) {
      const bool latin = CountHan(question.substr(0, at)) == 0 && cut == " ";
      if (latin || (at > 0 && at < 2 * kHanBytes && IsHanLead(question[0]))) continue;
      first = std::min(first, at);
      break;
    }
  }
  return first;
}

const std::string& FullQuestion(const Turn& turn) {
  return turn.rewritten.empty() ? turn.question : turn.rewritten;
}

Subject FindSubject(const Turn& turn) {
  const std::string& question = FullQuestion(turn);
  const std::vector<std::string> names = FindNames(question);
  if (!names.empty()) return {names.front(), true};
  if (CountHan(question) > 0) {
    for (const Citation& citation : turn.citations) {
      if (CountHan(citation.title) >= 2 && question.find(citation.title) != std::string::npos) {
        return {citation.title, true};
      }
    }
    if (std::string subject = ChineseSubject(question); !subject.empty()) return {subject, true};
    for (const Citation& citation : turn.citations) {
      if (std::string common = CommonHan(question, citation.title); !common.empty()) {
        return {common, true};
      }
    }
    return {CommonHan(question, turn.answer), true};
  }
  std::string best;
  for (const Citation& citation : turn.citations) {
    std::string common = CommonRun(question, citation.title);
    if (common.size() > best.size()) best = std::move(common);
  }
  if (best.empty()) best = CommonRun(question, turn.answer);
  if (best.empty()) best = ContentWords(question);
  // "the ferry", where it says so.
  const std::size_t at = best.empty() ? std::string::npos : question.find(best);
  if (at != std::string::npos && at >= 4 && question.substr(at - 4, 4) == "the ") {
    best = "the " + best;
  }
  return {std::move(best), false};
}

std::string ListedItem(const Turn& turn, int n) {
  std::vector<std::string> items = FindNames(FullQuestion(turn));
  if (items.size() < 2) items = ListItems(turn.answer);
  if (items.size() < 2) {
    items.clear();
    for (const indexer::ByteRange range : indexer::SplitSentences(turn.answer)) {
      items.emplace_back(WithoutMarkers(
          std::string_view(turn.answer).substr(range.start, range.end - range.start)));
      if (CountHan(items.back()) == 0 && SplitWords(items.back()).empty()) items.pop_back();
    }
  }
  const std::size_t wanted = n == 0 ? items.size() : static_cast<std::size_t>(n);
  if (wanted < 1 || wanted > items.size() || items.size() < 2) return "";
  const std::string& item = items[wanted - 1];
  // A sentence that begins with a name stands for it.
  const std::vector<std::string> names = FindNames(item);
  if (!names.empty() && item.find(names.front()) < 8) return names.front();
  if (CountHan(item) > 0) {
    const std::size_t end = FindPredicate(item);
    if (end != std::string::npos && CountHan(item.substr(0, end)) >= 2) return item.substr(0, end);
  }
  return Short(item);
}

}  // namespace citeseek::gateway
