#include "services/gateway/plan.h"

#include <algorithm>
#include <array>
#include <optional>

#include "retrieval/retriever.h"
#include "services/gateway/cues.h"
#include "services/gateway/rewordings.h"

namespace citeseek::gateway {
namespace {

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWord(char c) { return IsUpper(c) || IsDigit(c) || (c >= 'a' && c <= 'z') || c == '\''; }

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = IsUpper(c) ? static_cast<char>(c + 32) : c;
  return lower;
}

std::string_view Trim(std::string_view text) {
  bool trimmed = true;
  while (trimmed && !text.empty()) {
    trimmed = false;
    for (std::string_view blank :
         {" ", "\t", "\n", "\r", ",", ";", "?", "，", "；", "？", "。", "、"}) {
      if (text.starts_with(blank)) text.remove_prefix(blank.size()), trimmed = true;
      if (text.ends_with(blank)) text.remove_suffix(blank.size()), trimmed = true;
    }
  }
  return text;
}

bool HasAny(std::string_view text, const auto& parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
    return text.find(part) != std::string_view::npos;
  });
}

constexpr auto kAsking = std::to_array<std::string_view>(
    {"who", "whom", "whose", "when", "where", "what", "which", "how", "why"});
constexpr auto kAskingChinese = std::to_array<std::string_view>(
    {"谁", "什么", "哪", "多少", "几", "何时", "何地", "如何", "怎么", "怎样", "为何"});

// The word that starts at text[i], in lower case.
std::string WordAt(std::string_view text, std::size_t i) {
  std::size_t end = i;
  while (end < text.size() && IsWord(text[end])) ++end;
  return Lower(text.substr(i, end - i));
}

bool Asks(std::string_view part) {
  if (HasAny(part, kAskingChinese)) return true;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (!IsWord(part[i]) || (i > 0 && IsWord(part[i - 1]))) continue;
    if (std::find(kAsking.begin(), kAsking.end(), WordAt(part, i)) != kAsking.end()) return true;
  }
  return false;
}

constexpr std::size_t kShortestPart = 12;  // bytes; "how and why" is one

// Where the question joins two: "?" and more, "and when", "，" between two Chinese ones.
std::vector<std::string_view> Cut(std::string_view question) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  const auto cut = [&](std::size_t at, std::size_t length) {
    const std::string_view part = Trim(question.substr(start, at - start));
    const std::string_view rest = Trim(question.substr(at + length));
    if (part.size() < kShortestPart || rest.size() < kShortestPart) return;
    if (parts.size() + 1 >= kMaxParts || !Asks(part) || !Asks(rest)) return;
    parts.push_back(part);
    start = at + length;
  };
  for (std::size_t i = 0; i < question.size(); ++i) {
    if (question[i] == '?') cut(i, 1);
    for (std::string_view mark : {"？", "，", "；"}) {
      if (question.substr(i).starts_with(mark)) cut(i, mark.size());
    }
    const bool word = IsWord(question[i]) && (i == 0 || !IsWord(question[i - 1]));
    if (!word || WordAt(question, i) != "and") continue;
    const std::size_t next = question.find_first_not_of(' ', i + 3);
    if (next == std::string_view::npos) continue;
    const std::string asks = WordAt(question, next);
    if (std::find(kAsking.begin(), kAsking.end(), asks) != kAsking.end()) cut(i, 3);
  }
  parts.push_back(Trim(question.substr(start)));
  return parts;
}

// What the question is about: its first quoted words, or run of capitals after its first word.
std::string Subject(std::string_view text) {
  const std::size_t open = text.find("《");
  const std::size_t close = text.find("》");
  if (open != std::string_view::npos && close != std::string_view::npos && open < close) {
    return std::string(text.substr(open, close + 3 - open));
  }
  std::size_t i = 0;
  while (i < text.size() && IsWord(text[i])) ++i;
  for (; i < text.size(); ++i) {
    if (!IsUpper(text[i]) || IsWord(text[i - 1])) continue;
    std::size_t end = i;
    while (true) {
      while (end < text.size() && IsWord(text[end])) ++end;
      if (end + 1 >= text.size() || text[end] != ' ') break;
      if (!IsUpper(text[end + 1]) && !IsDigit(text[end + 1])) break;
      ++end;
    }
    return std::string(text.substr(i, end - i));
  }
  return "";
}

// The part with the subject in the place of its first pronoun.
std::string Resolve(std::string_view part, const std::string& subject) {
  if (subject.empty() || part.find(subject) != std::string_view::npos) return std::string(part);
  std::string text(part);
  for (std::string_view pronoun : {"它", "他", "她", "该片", "其"}) {
    if (!part.starts_with(pronoun)) continue;
    return subject + text.substr(pronoun.size());
  }
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (!IsWord(part[i]) || (i > 0 && IsWord(part[i - 1]))) continue;
    const std::string word = WordAt(part, i);
    const bool owns = word == "its" || word == "their";
    if (owns || word == "it" || word == "they" || word == "he" || word == "she") {
      return text.replace(i, word.size(), subject + (owns ? "'s" : ""));
    }
  }
  return text;
}

// "A和B分别是多少": "A是多少", "B是多少"; "X的A和B" keeps "X的" for both.
std::vector<std::string> SplitEach(std::string_view question) {
  const std::size_t each = question.find("分别");
  if (each == std::string_view::npos || each == 0) return {};
  const std::string_view things = question.substr(0, each);
  const std::string rest(question.substr(each + 6));
  std::vector<std::string> parts;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= things.size(); ++i) {
    std::size_t length = 0;
    for (std::string_view mark : {"和", "与", "、", "及"}) {
      if (things.substr(i).starts_with(mark)) length = mark.size();
    }
    if (length == 0 && i < things.size()) continue;
    const std::string_view thing = Trim(things.substr(start, i - start));
    if (!thing.empty()) parts.emplace_back(thing);
    start = i + length;
    if (length > 0) i += length - 1;
  }
  if (parts.size() < 2 || parts.size() > kMaxParts) return {};
  const std::size_t of = parts[0].rfind("的");
  const std::string stem = of == std::string::npos ? "" : parts[0].substr(0, of + 3);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool shares = i > 0 && parts[i].find("的") == std::string::npos;
    parts[i] = (shares ? stem : "") + parts[i] + rest;
  }
  return parts;
}

// "the difference between A and B": both, to be told about.
std::vector<std::string> SplitComparison(std::string_view question) {
  const std::string lower = Lower(question);
  for (std::string_view phrase : {"difference between ", "differences between ", "compare "}) {
    const std::size_t at = lower.find(phrase);
    if (at == std::string::npos) continue;
    const std::string_view both = Trim(question.substr(at + phrase.size()));
    for (std::string_view mark : {" and ", " with ", " to "}) {
      const std::size_t middle = both.find(mark);
      if (middle == std::string_view::npos) continue;
      return {"What is " + std::string(Trim(both.substr(0, middle))) + "?",
              "What is " + std::string(Trim(both.substr(middle + mark.size()))) + "?"};
    }
  }
  for (std::string_view phrase : {"的区别", "的不同", "有什么区别", "有何区别", "有什么不同"}) {
    const std::size_t at = question.find(phrase);
    if (at == std::string_view::npos) continue;
    const std::string_view both = question.substr(0, at);
    for (std::string_view mark : {"和", "与", "跟"}) {
      const std::size_t middle = both.find(mark);
      if (middle == std::string_view::npos || middle == 0) continue;
      return {std::string(Trim(both.substr(0, middle))) + "是什么？",
              std::string(Trim(both.substr(middle + mark.size()))) + "是什么？"};
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> PlanParts(std::string_view question) {
  if (std::vector<std::string> parts = SplitEach(question); !parts.empty()) return parts;
  if (std::vector<std::string> parts = SplitComparison(question); !parts.empty()) return parts;
  const std::vector<std::string_view> cut = Cut(question);
  if (cut.size() < 2) return {std::string(question)};
  const std::string subject = Subject(cut[0]);
  std::vector<std::string> parts;
  for (std::string_view part : cut) {
    if (part.empty()) continue;
    const bool chinese = HasAny(part, kAskingChinese);
    parts.push_back((parts.empty() ? std::string(part) : Resolve(part, subject)) +
                    (chinese ? "？" : "?"));
  }
  if (parts.size() < 2) return {std::string(question)};
  return parts;
}

std::string NamesOnly(std::string_view part) {
  std::string names;
  const auto add = [&](std::string_view name) {
    if (!names.empty()) names += " ";
    names += name;
  };
  for (const auto& [open, close] :
       {std::pair<std::string_view, std::string_view>{"《", "》"}, {"“", "”"}, {"「", "」"}}) {
    const std::size_t at = part.find(open);
    const std::size_t end = part.find(close);
    if (at != std::string_view::npos && end != std::string_view::npos && at < end) {
      add(part.substr(at + open.size(), end - at - open.size()));
    }
  }
  bool first = true;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (!IsWord(part[i])) continue;
    std::size_t end = i;
    while (end < part.size() && IsWord(part[end])) ++end;
    const std::string_view word = part.substr(i, end - i);
    const bool digit = std::any_of(word.begin(), word.end(), IsDigit);
    if (digit || (IsUpper(word[0]) && !first)) add(word);
    first = false;
    i = end;
  }
  return names;
}

std::string Reworded(std::string_view part) {
  const std::vector<Rewording> rewordings = FindRewordings(part);
  if (rewordings.empty()) return "";
  // What is left out of the part, whose place the words of answers take.
  std::vector<bool> out(part.size());
  const auto leave_out = [&](indexer::ByteRange range) {
    std::fill(out.begin() + range.start, out.begin() + range.end, true);
  };
  leave_out(AskingPhrase(part));
  for (indexer::ByteRange light : LightWords(part)) leave_out(light);
  std::string words;
  for (const Rewording& rewording : rewordings) {
    leave_out(rewording.range);
    words += " ";
    words += rewording.words;
  }
  std::string text;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (!out[i]) {
      text += part[i];
    } else if (!text.empty() && text.back() != ' ') {
      text += ' ';
    }
  }
  text = std::string(Trim(text));
  if (text.empty() || text.size() + words.size() > retrieval::kMaxQueryBytes) return "";
  return text + words;
}

}  // namespace citeseek::gateway
