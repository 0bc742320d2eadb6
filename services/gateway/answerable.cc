#include "services/gateway/answerable.h"
#include "services/gateway/values.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "absl/strings/ascii.h"

namespace citeseek::gateway {
namespace {

// Of the sentences, those in which a possible answer is looked for.
constexpr std::size_t kSearched = 6;
constexpr double kNear =
    60;  // bytes, in which a match's weight near a possible answer falls to 1/e

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLetter(char c) { return IsUpper(c) || (c >= 'a' && c <= 'z'); }

// Numbers of four digits that may be years.
std::vector<std::string_view> Years(std::string_view text) {
  std::vector<std::string_view> years;
  for (std::size_t i = 0; i + 4 <= text.size(); ++i) {
    if (!IsDigit(text[i]) || (i > 0 && IsDigit(text[i - 1]))) continue;
    std::size_t end = i;
    while (end < text.size() && IsDigit(text[end])) ++end;
    const std::string_view digits = text.substr(i, end - i);
    if (digits.size() == 4 && (digits[0] == '1' || digits.starts_with("20"))) {
      years.push_back(digits);
    }
    i = end;
  }
  return years;
}

bool Meet(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b) {
  return std::any_of(a.begin(), a.end(), [&](std::string_view year) {
    return std::find(b.begin(), b.end(), year) != b.end();
  });
}

// [-1, 1]: the sentence is about the question's year, or about another.
double SameYear(const std::vector<std::string_view>& asked, std::string_view sentence,
                const retrieval::Hit& hit) {
  if (asked.empty()) return 0;
  const std::vector<std::string_view> own = Years(sentence);
  if (Meet(asked, own)) return 1;
  if (Meet(asked, Years(hit.title))) return 0.6;
  if (!own.empty()) return -1;
  return Meet(asked, Years(hit.text)) ? 0.2 : -0.5;
}

struct PossibleAnswer {
  indexer::ByteRange range;
  std::string key;  // the same for the same answer of other sentences
};

// Capitalised words that the question does not hold.
void AddNames(std::string_view text, const std::string& question,
              std::vector<PossibleAnswer>* found) {
  bool opens = true;  // the next word may have its capital from the sentence's start
  for (std::size_t i = 0; i < text.size();) {
    if (!IsLetter(text[i])) {
      if (text[i] == '.' || text[i] == '"' || text[i] == ':') opens = true;
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && (IsLetter(text[end]) || text[end] == '-')) ++end;
    const std::string word = absl::AsciiStrToLower(std::string(text.substr(i, end - i)));
    const bool next = end + 1 < text.size() && text[end] == ' ' && IsUpper(text[end + 1]);
    if (IsUpper(text[i]) && end - i > 1 && (!opens || next) &&
        question.find(word) == std::string::npos) {
      found->push_back({{static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(end)}, word});
    }
    opens = false;
    i = end;
  }
}

// What stands between 《》, “” or 「」 and not in the question.
void AddQuoted(std::string_view text, std::string_view question,
               std::vector<PossibleAnswer>* found) {
  for (const auto& [open, close] :
       {std::pair<std::string_view, std::string_view>{"《", "》"}, {"“", "”"}, {"「", "」"}}) {
    for (std::size_t at = text.find(open); at != std::string_view::npos;
         at = text.find(open, at + open.size())) {
      const std::size_t start = at + open.size();
      const std::size_t end = text.find(close, start);
      if (end == std::string_view::npos) break;
      const std::string_view inside = text.substr(start, end - start);
      if (inside.empty() || inside.size() > 120) continue;
      if (question.find(inside) != std::string_view::npos) continue;
      found->push_back({{static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(end)},
                        std::string(inside)});
    }
  }
}

std::vector<PossibleAnswer> FindPossibleAnswers(AnswerType type, std::string_view text,
                                                std::string_view question,
                                                const std::vector<Value>& asked) {
  std::vector<PossibleAnswer> found;
  if (type == AnswerType::kDate || type == AnswerType::kNumber) {
    for (const Value& value : FindValues(text)) {
      if (value.date != (type == AnswerType::kDate)) continue;
      const bool known = std::any_of(asked.begin(), asked.end(), [&](const Value& v) {
        return v.number == value.number && v.date == value.date;
      });
      if (!known) found.push_back({value.range, value.number});
    }
  } else if (type != AnswerType::kReason) {
    AddNames(text, absl::AsciiStrToLower(std::string(question)), &found);
    AddQuoted(text, question, &found);
  }
  if (found.size() > 24) found.resize(24);
  return found;
}

// How much of the question stands near that answer, by slot the nearest match.
double Near(const std::vector<Slot>& slots, double all,
            const std::vector<std::pair<std::size_t, indexer::ByteRange>>& matches,
            indexer::ByteRange answer) {
  std::vector<double> best(slots.size());
  for (const auto& [slot, range] : matches) {
    if (range.start < answer.end && answer.start < range.end) continue;
    const double distance =
        range.start >= answer.end ? range.start - answer.end : answer.start - range.end;
    best[slot] = std::max(best[slot], std::exp(-distance / kNear));
  }
  double near = 0;
  for (std::size_t i = 0; i < slots.size(); ++i) near += slots[i].weight * best[i];
  return all > 0 ? near / all : 0;
}

}  // namespace

AnswerFeatures ReadAnswerFeatures(std::string_view question, const QuestionCues& cues,
                                  const Evidence& evidence, const std::vector<Slot>& slots,
                                  std::span<const Clue> clues, double support) {
  AnswerFeatures features{};
  if (clues.size() > kClues) clues = clues.first(kClues);
  if (clues.empty()) return features;
  double all = 0;
  bool entity = false;
  for (const Slot& slot : slots) {
    all += slot.weight;
    entity |= slot.entity;
  }
  const std::vector<std::string_view> years = Years(question);
  const std::vector<Value> asked = FindValues(question);
  std::vector<double> near(clues.size()), year(clues.size());
  std::map<std::string, std::map<int, double>> said;  // a possible answer, by source
  for (std::size_t i = 0; i < clues.size(); ++i) {
    const Sentence& sentence = *clues[i].sentence;
    const std::string_view text = evidence.Text(sentence);
    year[i] = SameYear(years, text, evidence.hits()[static_cast<std::size_t>(sentence.source)]);
    if (i >= kSearched) continue;
    const auto answers = FindPossibleAnswers(cues.type, text, question, asked);
    if (answers.empty()) continue;
    std::vector<std::pair<std::size_t, indexer::ByteRange>> matches;
    for (const auto& [term, range] : evidence.Places(text)) {
      for (std::size_t slot = 0; slot < slots.size(); ++slot) {
        if (Holds(slots[slot].terms, term)) matches.emplace_back(slot, range);
      }
    }
    for (const PossibleAnswer& answer : answers) {
      const double value = Near(slots, all, matches, answer.range);
      near[i] = std::max(near[i], value);
      double& best = said[answer.key][sentence.source];
      best = std::max(best, value);
    }
  }
  std::size_t at = 0;
  const auto add = [&](double value) { features[at++] = static_cast<float>(value); };
  const auto add_all = [&](auto value) {
    std::vector<double> values;
    for (std::size_t i = 0; i < clues.size(); ++i) values.push_back(value(i));
    add(values[0]);
    std::sort(values.rbegin(), values.rend());
    add(values[0]);
    values.resize(std::min<std::size_t>(values.size(), 3));
    double sum = 0;
    for (double v : values) sum += v;
    add(sum / static_cast<double>(values.size()));
  };
  add_all([&](std::size_t i) { return clues[i].stated; });
  add_all([&](std::size_t i) { return clues[i].titled; });
  add_all([&](std::size_t i) { return clues[i].window; });
  add_all([&](std::size_t i) { return clues[i].passage; });
  add_all([&](std::size_t i) { return clues[i].missing; });
  add_all([&](std::size_t i) { return clues[i].gap; });
  add_all([&](std::size_t i) { return clues[i].entities; });
  add_all([&](std::size_t i) { return clues[i].agreed; });
  add_all([&](std::size_t i) { return near[i]; });
  add_all([&](std::size_t i) { return year[i]; });
  add(support);
  add(cues.chinese);
  add(cues.type != AnswerType::kAny && cues.type != AnswerType::kReason);
  add(static_cast<double>(std::min<std::size_t>(slots.size(), 30)) / 30);
  add(all / 40);
  add(entity);
  add(!years.empty());
  double agreed = 0, second = 0;
  std::size_t sources = 0;
  for (const auto& [key, by_source] : said) {
    double sum = 0;
    for (const auto& [source, value] : by_source) sum += value;
    second = std::max(second, std::min(agreed, sum));
    agreed = std::max(agreed, sum);
    sources = std::max(sources, by_source.size());
  }
  add(agreed);
  add(second);
  add(static_cast<double>(sources) / 8);
  double nowhere = 0, heaviest = 0;  // of the question, what no passage holds
  for (const Slot& slot : slots) {
    bool held = false;
    for (std::size_t i = 0; i < evidence.hits().size() && !held; ++i) {
      held = HoldsAny(evidence.SourceTerms(static_cast<int>(i)), slot.terms);
    }
    if (held) continue;
    nowhere += slot.weight;
    heaviest = std::max(heaviest, slot.weight);
  }
  add(all > 0 ? nowhere / all : 0);
  add(all > 0 ? heaviest / all : 0);
  const auto score = [&](std::size_t i) {
    return i < evidence.hits().size() ? evidence.hits()[i].lexical_score : 0;
  };
  add(score(0) > 0 ? score(1) / score(0) : 0);
  add(score(0) > 0 ? score(3) / score(0) : 0);
  return features;
}

double Confidence(std::span<const AnswerTree> trees, const AnswerFeatures& features) {
  double odds = 0;
  for (const AnswerTree& tree : trees) {
    std::size_t node = 0;
    while (node < kTreeNodes) {
      node = 2 * node + (features[tree.feature[node]] > tree.limit[node] ? 2 : 1);
    }
    odds += tree.leaf[node - kTreeNodes];
  }
  return 1 / (1 + std::exp(-odds));
}

}  // namespace citeseek::gateway
