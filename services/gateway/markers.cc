#include "services/gateway/markers.h"

#include <algorithm>
#include <array>
#include <utility>

namespace citeseek::gateway {
namespace {

enum class Match { kNo, kMore, kYes };

struct Marker {
  Match match = Match::kNo;
  std::size_t length = 0;
  std::vector<int> numbers;
};

// Reads one marker from the start of a text of which more may follow.
class MarkerParser {
 public:
  MarkerParser(std::string_view text, bool final)
      : text_(text.substr(0, kMaxMarkerBytes)), final_(final || text.size() >= kMaxMarkerBytes) {}

  Marker Parse() {
    struct Brackets {
      std::string_view open, close;
      bool needs_label;
    };
    static constexpr std::array<Brackets, 6> kBrackets = {{{"[[", "]]", false},
                                                           {"[", "]", false},
                                                           {"【", "】", false},
                                                           {"［", "］", false},
                                                           {"(", ")", true},
                                                           {"（", "）", true}}};
    bool more = false;
    for (const Brackets& brackets : kBrackets) {
      at_ = 0;
      numbers_.clear();
      labelled_ = false;
      const Match match = Inside(brackets.open, brackets.close, brackets.needs_label);
      if (match == Match::kYes) return {Match::kYes, at_, numbers_};
      more |= match == Match::kMore;
    }
    return {more && !final_ ? Match::kMore : Match::kNo, 0, {}};
  }

 private:
  bool AtEnd() const { return at_ == text_.size(); }

  // kMore if the text ends inside `token`.
  Match Take(std::string_view token) {
    const std::string_view rest = text_.substr(at_);
    if (rest.substr(0, token.size()) == token) {
      at_ += token.size();
      return Match::kYes;
    }
    return token.substr(0, rest.size()) == rest ? Match::kMore : Match::kNo;
  }

  template <std::size_t n>
  Match TakeAny(const std::array<std::string_view, n>& tokens) {
    Match best = Match::kNo;
    for (std::string_view token : tokens) {
      const Match match = Take(token);
      if (match == Match::kYes) return match;
      if (match == Match::kMore) best = match;
    }
    return best;
  }

  void Blanks() {
    while (!AtEnd() && text_[at_] == ' ') ++at_;
  }

  // A number of at most four digits, ASCII or full width.
  Match Number(int* number) {
    *number = 0;
    int digits = 0;
    while (digits < 5) {
      if (AtEnd()) return Match::kMore;
      if (text_[at_] >= '0' && text_[at_] <= '9') {
        *number = *number * 10 + (text_[at_] - '0');
        ++at_;
      } else if (text_.substr(at_, 2) == "\xEF\xBC" && text_.size() > at_ + 2 &&
                 text_[at_ + 2] >= '\x90' && text_[at_ + 2] <= '\x99') {
        *number = *number * 10 + (text_[at_ + 2] - '\x90');
        at_ += 3;
      } else {
        break;
      }
      ++digits;
    }
    return digits >= 1 && digits <= 4 ? Match::kYes : Match::kNo;
  }

  Match Label() {
    static constexpr std::array<std::string_view, 12> kLabels = {
        "citation", "Citation", "citations", "source", "Source", "webpage",
        "Webpage",  "引用",     "来源",      "网页",   "文档",   "^"};
    static constexpr std::array<std::string_view, 2> kColons = {":", "："};
    const Match label = TakeAny(kLabels);
    if (label != Match::kYes) return label;
    labelled_ = true;
    Blanks();
    TakeAny(kColons);
    Blanks();
    return Match::kYes;
  }

  Match Inside(std::string_view open, std::string_view close, bool needs_label) {
    static constexpr std::array<std::string_view, 7> kSeparators = {",",  "，", "、", ";",
                                                                    "；", "|",  "&"};
    static constexpr std::array<std::string_view, 3> kRanges = {"-", "–", "~"};
    if (const Match match = Take(open); match != Match::kYes) return match;
    while (true) {
      Blanks();
      if (AtEnd()) return Match::kMore;
      const Match label = Label();
      if (label == Match::kMore) return label;
      if (needs_label && !labelled_) return Match::kNo;
      int first = 0;
      if (const Match match = Number(&first); match != Match::kYes) return match;
      int last = first;
      Blanks();
      if (const Match match = TakeAny(kRanges); match == Match::kMore) {
        return match;
      } else if (match == Match::kYes) {
        Blanks();
        if (const Match number = Number(&last); number != Match::kYes) return number;
        if (last < first || last - first > 16) return Match::kNo;
        Blanks();
      }
      for (int number = first; number <= last; ++number) numbers_.push_back(number);
      if (const Match match = Take(close); match != Match::kNo) {
        return match == Match::kYes ? Closed() : match;
      }
      if (const Match match = Take("†"); match == Match::kMore) {
        return match;
      } else if (match == Match::kYes) {
        const std::size_t end = text_.find(close, at_);
        if (end == std::string_view::npos) return Match::kMore;
        at_ = end + close.size();
        labelled_ = true;
        return Closed();
      }
      if (const Match match = TakeAny(kSeparators); match != Match::kYes) return match;
    }
  }

  // [2024] is a year, and [0, 1] an interval, not markers; [0] alone is a marker of nothing.
  Match Closed() const {
    if (labelled_) return Match::kYes;
    const bool list = numbers_.size() > 1;
    for (int number : numbers_) {
      if (number > 999 || (list && number == 0)) return Match::kNo;
    }
    return Match::kYes;
  }

  std::string_view text_;
  bool final_;
  std::size_t at_ = 0;
  bool labelled_ = false;
  std::vector<int> numbers_;
};

// A byte that may start an opening bracket.
bool MayOpen(char c) { return c == '[' || c == '(' || c == '\xE3' || c == '\xEF'; }

}  // namespace

std::vector<MarkedText> SplitMarkers(std::string_view text) {
  std::vector<MarkedText> parts;
  std::size_t start = 0;
  const auto plain = [&](std::size_t end) {
    if (end > start) parts.push_back({.text = std::string(text.substr(start, end - start))});
  };
  for (std::size_t i = 0; i < text.size();) {
    if (!MayOpen(text[i])) {
      ++i;
      continue;
    }
    const Marker marker = MarkerParser(text.substr(i), true).Parse();
    const auto names = [](int number) { return number >= 1 && number <= 999; };
    if (marker.match != Match::kYes ||
        !std::all_of(marker.numbers.begin(), marker.numbers.end(), names)) {
      ++i;
      continue;
    }
    plain(i);
    for (int number : marker.numbers) parts.push_back({.marker = number});
    parts[parts.size() - marker.numbers.size()].text = std::string(text.substr(i, marker.length));
    start = i += marker.length;
  }
  plain(text.size());
  return parts;
}

void MarkerFilter::Feed(std::string_view piece, std::vector<MarkedText>* out) {
  held_ += piece;
  Run(false, out);
}

void MarkerFilter::Finish(std::vector<MarkedText>* out) { Run(true, out); }

void MarkerFilter::Text(std::string_view text, std::vector<MarkedText>* out) {
  if (text.empty()) return;
  for (char c : text) {
    if (c == '\n') {
      line_start_ = true;
      // A code span that is not closed on its line was no code span.
      if (state_ == State::kSpan) state_ = State::kProse;
    } else if (c != ' ') {
      line_start_ = false;
    }
  }
  if (text.find_first_not_of(' ') != std::string_view::npos) row_.clear();
  blank_ = false;
  if (!out->empty() && out->back().marker == 0) {
    out->back().text += text;
  } else {
    out->push_back({.text = std::string(text)});
  }
}

void MarkerFilter::Ticks(std::size_t count) {
  switch (state_) {
    case State::kProse:
      state_ = count >= 3 && line_start_ ? State::kFence : State::kSpan;
      ticks_ = count;
      break;
    case State::kSpan:
      if (count == ticks_) state_ = State::kProse;
      break;
    case State::kFence:
      if (line_start_ && count >= ticks_) state_ = State::kProse;
      break;
  }
}

void MarkerFilter::Run(bool final, std::vector<MarkedText>* out) {
  const std::string_view all = held_;
  std::size_t i = 0;     // decided up to here
  std::size_t text = 0;  // emitted up to here
  while (i < all.size()) {
    const char c = all[i];
    if (c == '`') {
      std::size_t end = std::min(all.find_first_not_of('`', i), all.size());
      end = std::min(end, i + kMaxMarkerBytes);
      if (end == all.size() && end - i < kMaxMarkerBytes && !final) break;
      Text(all.substr(text, i - text), out);
      Ticks(end - i);
      Text(all.substr(i, end - i), out);
      text = i = end;
      continue;
    }
    if (c == '\n') {
      // Text() must see the line end before the next backticks or marker are judged.
      Text(all.substr(text, i + 1 - text), out);
      text = ++i;
      continue;
    }
    if (state_ != State::kProse || (c != ' ' && !MayOpen(c))) {
      ++i;
      continue;
    }
    std::size_t open = i;
    while (open < all.size() && all[open] == ' ' && open - i < 8) ++open;
    if (open == all.size()) {
      if (!final) break;
      i = open;
      continue;
    }
    if (!MayOpen(all[open])) {
      i = open;
      if (all[open] == ' ') ++i;
      continue;
    }
    const Marker marker = MarkerParser(all.substr(open), final).Parse();
    if (marker.match == Match::kMore) break;
    if (marker.match == Match::kNo) {
      i = open + 1;
      continue;
    }
    Text(all.substr(text, i - text), out);
    bool first = true;
    for (int number : marker.numbers) {
      if (number < 1 || number > sources_) continue;
      if (std::find(row_.begin(), row_.end(), number) != row_.end()) continue;
      if (first) Text(open == i && blank_ ? " " : all.substr(i, open - i), out);
      first = blank_ = false;
      row_.push_back(number);
      out->push_back({.text = "[" + std::to_string(number) + "]", .marker = number});
      line_start_ = false;
    }
    if (first && open > i) blank_ = true;
    text = i = open + marker.length;
  }
  // What is undecided stays; what is decided goes out.
  Text(all.substr(text, i - text), out);
  held_.erase(0, i);
}

}  // namespace citeseek::gateway
