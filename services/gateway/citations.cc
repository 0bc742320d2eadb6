#include "services/gateway/citations.h"

#include <algorithm>
#include <array>

namespace citeseek::gateway {
namespace {

// The dot after these ends no sentence.
bool IsAbbreviation(std::string_view sentence) {
  static constexpr auto kAbbreviations =
      std::to_array<std::string_view>({"mr", "mrs", "ms", "dr", "st", "vs", "etc", "no", "fig",
                                       "prof", "jr", "sr", "approx", "ca", "vol", "cf", "al"});
  std::size_t start = sentence.size();
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  while (start > 0 && is_letter(sentence[start - 1])) --start;
  if (start == sentence.size()) {  // "1." opens the item of a list
    return !sentence.empty() && sentence.find_first_not_of("0123456789") == std::string_view::npos;
  }
  std::string word(sentence.substr(start));
  if (word.size() == 1) return word != "I";  // an initial, e.g., i.e.
  for (char& c : word) c = static_cast<char>(c | 0x20);
  return std::find(kAbbreviations.begin(), kAbbreviations.end(), word) != kAbbreviations.end();
}

bool IsBlank(std::string_view c) { return c == " " || c == "\t" || c == "\n" || c == "\r"; }

bool IsCloser(std::string_view c) {
  return c == "\"" || c == "'" || c == ")" || c == "*" || c == "”" || c == "’" || c == "」" ||
         c == "』" || c == "）" || c == "》";
}

bool IsChineseEnd(std::string_view c) { return c == "。" || c == "！" || c == "？"; }

}  // namespace

void SentenceCiter::Say(std::vector<CitedText>* out) {
  offset_ += said_.size();
  if (!said_.empty()) out->emplace_back(std::move(said_));
  said_.clear();
}

void SentenceCiter::Feed(const MarkedText& part, std::vector<CitedText>* out) {
  if (part.marker != 0) {
    if (dot_) ended_ = true;
    dot_ = false;
    if (sentence_.text.empty() && sentence_.marks.empty()) start_ = offset_ + said_.size();
    sentence_.marks.push_back({part.marker, sentence_.text.size()});
    held_.push_back(part);
    held_bytes_ += part.text.size();
    return;
  }
  for (std::size_t i = 0; i < part.text.size();) {
    std::size_t length = 1;
    while (i + length < part.text.size() && (part.text[i + length] & '\xC0') == '\x80') ++length;
    Read(std::string_view(part.text).substr(i, length), out);
    i += length;
  }
  Say(out);
}

void SentenceCiter::Read(std::string_view c, std::vector<CitedText>* out) {
  const bool blank = IsBlank(c);
  if (dot_ && blank) ended_ = true;
  if (c == "\n" && !sentence_.text.empty()) ended_ = true;
  if ((ended_ && !blank && !IsCloser(c)) || held_bytes_ > kMaxHeldBytes) EndSentence(out);
  const bool empty = sentence_.text.empty() && sentence_.marks.empty();
  if (empty && !blank) start_ = offset_ + said_.size();
  if (!ended_ && !IsCloser(c)) {
    dot_ = c == "!" || c == "?" || (c == "." && !IsAbbreviation(sentence_.text));
    ended_ = IsChineseEnd(c);
  }
  if (!empty && (blank || !sentence_.marks.empty())) {  // waits for what follows
    if (held_.empty() || held_.back().marker != 0) held_.emplace_back();
    held_.back().text += c;
    held_bytes_ += c.size();
  } else {
    if (!held_.empty()) said_ += held_.back().text;
    said_ += c;
    held_.clear();
    held_bytes_ = 0;
  }
  if (!empty || !blank) sentence_.text += c;
}

// What is held, with the markers of the judgement.
std::string SentenceCiter::Corrected(const Judgement& judgement) const {
  std::string text;
  const auto write = [&](int marker) { text += "[" + std::to_string(marker) + "]"; };
  if (judgement.added != 0) {
    const std::size_t last = sentence_.text.find_last_not_of(" \t\r\n");
    if ((sentence_.text[last] & '\x80') == 0) text += ' ';
    write(judgement.added);
  }
  std::vector<int> row;  // markers since the last text
  std::size_t mark = 0;
  for (const MarkedText& part : held_) {
    if (part.marker == 0) {
      text += part.text;
      if (part.text.find_first_not_of(' ') != std::string::npos) row.clear();
      continue;
    }
    const int marker = judgement.markers[mark++];
    if (marker == 0 || std::find(row.begin(), row.end(), marker) != row.end()) {
      while (text.ends_with(' ')) text.pop_back();
      continue;
    }
    write(marker);
    row.push_back(marker);
  }
  return text;
}

// True for a line that opens, closes or stands in a fenced block.
bool SentenceCiter::IsCode() {
  const bool fence = sentence_.text.starts_with("```") || sentence_.text.starts_with("~~~");
  if (fence) fenced_ = !fenced_;
  return fence || fenced_;
}

void SentenceCiter::EndSentence(std::vector<CitedText>* out) {
  const bool any = !sentence_.text.empty();  // markers alone stand for nothing
  Judgement judgement{.markers = std::vector<int>(sentence_.marks.size())};
  if (any && IsCode()) {
    for (std::size_t i = 0; i < sentence_.marks.size(); ++i) {
      judgement.markers[i] = sentence_.marks[i].marker;
    }
  } else if (any) {
    judgement = judge_(sentence_);
  }
  if (tell_ == Tell::kFacts) {
    said_ += Corrected(judgement);
  } else {
    for (const MarkedText& part : held_) said_ += part.text;
  }
  // Blanks are held, so what is out already ends in none.
  const std::size_t last = said_.find_last_not_of(" \t\r\n");
  const std::size_t end = last == std::string::npos ? offset_ : offset_ + last + 1;
  Say(out);
  CheckedSentence checked{.start = static_cast<std::uint32_t>(start_),
                          .end = static_cast<std::uint32_t>(std::max(start_, end)),
                          .verdict = judgement.verdict,
                          .score = judgement.score,
                          .problems = std::move(judgement.problems)};
  for (Citation& citation : judgement.citations) {
    citation.answer_start = checked.start;
    citation.answer_end = checked.end;
    out->emplace_back(std::move(citation));
  }
  if (any && (tell_ == Tell::kAll || checked.verdict != Verdict::kUnchecked)) {
    out->emplace_back(std::move(checked));
  }
  held_.clear();
  held_bytes_ = 0;
  sentence_ = {};
  start_ = offset_;
  dot_ = ended_ = false;
}

}  // namespace citeseek::gateway
