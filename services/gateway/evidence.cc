#include "services/gateway/evidence.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/ascii.h"
#include "services/gateway/cues.h"
#include "services/gateway/rewordings.h"
#include "services/gateway/values.h"

namespace citeseek::gateway {
namespace {

// Sentences that the collection is taken to have beyond those retrieved.
constexpr double kBackgroundSentences = 200;

// Unknown words of one question that are taken for misspelt ones.
constexpr int kMaxGuesses = 8;

void Normalise(TermSet* terms) {
  std::sort(terms->begin(), terms->end());
  terms->erase(std::unique(terms->begin(), terms->end()), terms->end());
}

constexpr std::size_t kTwoCharacters = 6;  // bytes

// Of a Chinese character in the weight of a word, which has about two.
constexpr double kCharacterShare = 0.5;

constexpr int kMostTermLines = 3;
constexpr std::size_t kTermBytes = 60;  // of a line that names what follows

// Of a word that questions hold whatever they ask.
constexpr double kLightShare = 0.5;

// A number, a word with a capital that does not only open the question, or Latin inside Chinese.
bool IsEntity(std::string_view question, indexer::ByteRange word) {
  const std::string_view text = question.substr(word.start, word.end - word.start);
  bool capital = false, digit = false;
  for (char c : text) {
    capital |= c >= 'A' && c <= 'Z';
    digit |= c >= '0' && c <= '9';
  }
  if (digit) return true;
  const std::string_view before = question.substr(0, word.start);
  if (before.find_first_not_of(" \t\n\"'") == std::string_view::npos) return false;
  return capital;
}

// Whether the name at `at` tells where the rest of the question holds: "in Git", "Git 里".
bool NamesPlace(std::string_view question, std::size_t at) {
  const auto is_word = [](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); };
  if (absl::ascii_isdigit(static_cast<unsigned char>(question[at]))) return false;
  const std::string_view before = question.substr(0, at);
  if (before.ends_with(" in ") || before == "In ") return true;
  while (at < question.size() && is_word(question[at])) ++at;
  while (at < question.size() && question[at] == ' ') ++at;
  for (std::string_view inside : {"里", "中", "上"}) {
    if (question.substr(at).starts_with(inside)) return true;
  }
  return false;
}

// "## Title", of which the range holds only the title, or a title underlined by === or ---.
bool IsMarkedHeading(std::string_view text, indexer::ByteRange range) {
  std::size_t at = range.start;
  while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t')) --at;
  if (at > 0 && text[at - 1] == '#') {
    while (at > 0 && text[at - 1] == '#') --at;
    return at == 0 || text[at - 1] == '\n' || text[at - 1] == ' ';
  }
  if (text.substr(range.end, 1) != "\n") return false;
  const std::string_view next =
      text.substr(range.end + 1, text.find('\n', range.end + 1) - range.end - 1);
  return next.size() >= 3 && (next.find_first_not_of("=\r") == std::string_view::npos ||
                              next.find_first_not_of("-\r") == std::string_view::npos);
}

// A few words with a full stop that open a paragraph and name what follows: "二、门票。", "Music.".
bool IsRunInHeading(std::string_view text, indexer::ByteRange range) {
  if (range.end - range.start > 24 || range.end >= text.size() || text[range.end] == '\n') {
    return false;
  }
  if (range.start > 0 && text[range.start - 1] != '\n') return false;
  const std::string_view line = text.substr(range.start, range.end - range.start);
  const bool wide = line.ends_with("。");
  if (!wide && !line.ends_with(".")) return false;
  const auto spaces = std::count(line.begin(), line.end(), ' ');
  if (!wide) return spaces <= 1 && line.find_first_of("0123456789") == std::string_view::npos;
  // Chinese: the items of a list, 一、 to 十、.
  return line.find("、") != std::string_view::npos && line.find("、") <= 6;
}

// A line that names what the paragraph below it is about: a word of a glossary, an option, a
// setting, or one of a few that name the same.
bool IsTermLine(std::string_view text, indexer::ByteRange range) {
  const char first = text[range.start];
  const bool opens = (first & '\x80') != 0 ||
                     absl::ascii_isalpha(static_cast<unsigned char>(first)) ||
                     std::string_view("-$/:`<").find(first) != std::string_view::npos;
  if (!opens) return false;  // a line of numbers, of a dialogue, of a program
  for (int lines = 0; lines < kMostTermLines; ++lines) {
    if (range.end - range.start > kTermBytes || !IsTitleLine(text, range)) return false;
    const std::size_t next = text.find_first_not_of('\n', range.end);
    if (next == std::string_view::npos) return false;
    range = {static_cast<std::uint32_t>(next),
             static_cast<std::uint32_t>(std::min(text.find('\n', next), text.size()))};
    const std::string_view below = text.substr(next, range.end - next);
    if (below.size() > kTermBytes || EndsAsSentence(below)) return true;
  }
  return false;
}

// Bytes of "---", names with values and "---" at the top of a Markdown file; 0 if there are none.
std::size_t FrontMatterLength(std::string_view text) {
  if (!text.starts_with("---\n") && !text.starts_with("---\r\n")) return 0;
  const std::size_t end = text.find("\n---", 3);
  return end == std::string_view::npos ? 0 : end + 4;
}

// A short paragraph at the top of the text that is no sentence.
bool IsLoneTitle(std::string_view text, indexer::ByteRange range) {
  if (range.start > 0 || range.end > 90 || text.substr(range.end, 2) != "\n\n") return false;
  const std::string_view line = text.substr(0, range.end);
  return line.find('\n') == std::string_view::npos && KindOf(line) == LineKind::kProse &&
         !EndsAsSentence(line);
}

// Bytes of what opens a numbered line: "三、", "（二）", "第四章 ", "3. ", "3.2 "; 0 if nothing
// does.
std::size_t NumberLength(std::string_view line) {
  static constexpr std::string_view kWideDigits = "一二三四五六七八九十百";
  const auto wide_digits = [&](std::size_t at) {
    while (at + 3 <= line.size() && (line[at] & '\x80') != 0 &&
           kWideDigits.find(line.substr(at, 3)) != std::string_view::npos) {
      at += 3;
    }
    return at;
  };
  for (const auto& [open, closes] :
       {std::pair<std::string_view, std::vector<std::string_view>>{"", {"、"}},
        {"（", {"）"}},
        {"第", {"章", "节", "部分"}}}) {
    if (!line.starts_with(open)) continue;
    const std::size_t end = wide_digits(open.size());
    if (end == open.size()) continue;
    for (std::string_view close : closes) {
      if (line.substr(end).starts_with(close)) return end + close.size();
    }
  }
  std::size_t end = 0;
  while (end < line.size() && ((line[end] >= '0' && line[end] <= '9') || line[end] == '.')) ++end;
  const bool numbered = end > 1 && line.substr(0, end).find('.') != std::string_view::npos &&
                        line.front() != '.' && line.substr(end, 1) == " ";
  return numbered ? end : 0;
}

// A short numbered line that is no sentence and no item of a list: "三、故障代码", "3.2 Cleaning".
bool IsNumberedHeading(std::string_view text, indexer::ByteRange range) {
  std::size_t start = text.rfind('\n', range.start);
  start = start == std::string_view::npos || range.start == 0 ? 0 : start + 1;
  const std::size_t end = std::min(text.find('\n', range.start), text.size());
  const std::string_view line = text.substr(start, end - start);
  if (line.size() > 60 || range.end < end || EndsAsSentence(line) || NumberLength(line) == 0) {
    return false;
  }
  const auto numbered = [&](std::size_t at) { return NumberLength(text.substr(at)) > 0; };
  std::size_t after = end;
  while (after < text.size() && text[after] == '\n') ++after;
  if (after == text.size() || numbered(after)) return false;
  if (start == 0) return true;
  std::size_t last = start;
  while (last > 0 && text[last - 1] == '\n') --last;
  const std::size_t before = text.substr(0, last).rfind('\n');
  return !numbered(before == std::string_view::npos ? 0 : before + 1);
}

// "2018" for 二〇一八年, "31" for 三十一: the digits of what is written in Chinese numerals.
std::vector<std::string> HanNumbers(std::string_view text) {
  std::vector<std::string> numbers;
  for (const Value& value : FindValues(text)) {
    if ((text[value.range.start] & '\x80') == 0) continue;
    numbers.push_back(value.date ? value.number.substr(0, value.number.find('-')) : value.number);
  }
  return numbers;
}

// The bytes between 《》, 「」, “” or "".
std::vector<bool> QuotedBytes(std::string_view text) {
  std::vector<bool> quoted(text.size());
  for (const auto& [open, close] : {std::pair<std::string_view, std::string_view>{"《", "》"},
                                    {"「", "」"},
                                    {"“", "”"},
                                    {"\"", "\""}}) {
    for (std::size_t at = text.find(open); at != std::string_view::npos;) {
      const std::size_t end = text.find(close, at + open.size());
      if (end == std::string_view::npos) break;
      std::fill(quoted.begin() + static_cast<std::ptrdiff_t>(at),
                quoted.begin() + static_cast<std::ptrdiff_t>(end), true);
      at = text.find(open, end + close.size());
    }
  }
  return quoted;
}

}  // namespace

bool IsTitleLine(std::string_view passage, indexer::ByteRange range) {
  const bool whole = (range.start == 0 || passage[range.start - 1] == '\n') &&
                     (range.end >= passage.size() || passage[range.end] == '\n');
  const std::string_view text = passage.substr(range.start, range.end - range.start);
  return whole && text.find(':') == std::string_view::npos &&
         text.find("：") == std::string_view::npos && !EndsAsSentence(text);
}

bool EndsAsSentence(std::string_view line) {
  for (std::string_view end : {".", "!", "?", ":", ";", ",", "。", "！", "？", "：", "；"}) {
    if (line.ends_with(end)) return true;
  }
  return false;
}

bool Holds(const TermSet& terms, TermId term) {
  return std::binary_search(terms.begin(), terms.end(), term);
}

bool HoldsAny(const TermSet& terms, const TermSet& wanted) {
  return std::any_of(wanted.begin(), wanted.end(), [&](TermId term) { return Holds(terms, term); });
}

TermSet Evidence::Terms(std::string_view text) {
  TermSet terms;
  const auto add = [&](std::string term) {
    const auto id = static_cast<TermId>(ids_.size());
    terms.push_back(ids_.try_emplace(std::move(term), id).first->second);
  };
  for (std::string& number : HanNumbers(text)) add(std::move(number));
  for (indexer::Term& term : analyzer_.Analyze(text)) {
    if (!indexer::IsStopTerm(term.text)) add(std::move(term.text));
  }
  Normalise(&terms);
  return terms;
}

TermSet Evidence::KnownTerms(std::string_view text, std::size_t least_wide_bytes) const {
  TermSet terms;
  for (const indexer::Term& term : analyzer_.Analyze(text)) {
    if ((term.text[0] & '\x80') != 0 && term.text.size() < least_wide_bytes) continue;
    const auto found = ids_.find(term.text);
    if (found != ids_.end()) terms.push_back(found->second);
  }
  Normalise(&terms);
  return terms;
}

Evidence::Evidence(std::span<const retrieval::Hit> hits, const indexer::Analyzer& analyzer)
    : hits_(hits), analyzer_(analyzer) {
  for (std::size_t source = 0; source < hits.size(); ++source) {
    const std::string_view text = hits[source].text;
    const TermSet title = Terms(hits[source].title);
    TermSet above = title;    // title and heading
    TermSet section = title;  // without the lines that name single paragraphs
    int last_head = -1;
    std::uint32_t header_start = 0;
    TermSet header;
    TermSet all = title;
    const std::size_t front = hits[source].start == 0 ? FrontMatterLength(text) : 0;
    for (const indexer::ByteRange range : indexer::SplitSentences(text)) {
      Sentence sentence{.source = static_cast<int>(source), .range = range};
      const std::string_view line = text.substr(range.start, range.end - range.start);
      sentence.kind = KindOf(line);
      if (sentence.kind == LineKind::kTableRule) continue;
      sentence.terms = Terms(line);
      if (sentence.terms.empty()) continue;
      // The first line of a plain text is its title, and may well be what is asked for.
      const bool title_line = line == hits[source].title && !EndsAsSentence(line);
      if (title_line || range.start < front || IsRunInHeading(text, range) ||
          IsLoneTitle(text, range) || IsMarkedHeading(text, range) ||
          IsNumberedHeading(text, range)) {
        sentence.kind = LineKind::kHeading;
      }
      sentence.answers = sentence.kind != LineKind::kHeading;
      // The document's own title, at its start, promises nothing of its first sentence.
      sentence.leads = !sentences_.empty() && sentences_.back().source == sentence.source &&
                       sentences_.back().kind == LineKind::kHeading &&
                       hits[source].start + sentences_.back().range.start > 0;
      all.insert(all.end(), sentence.terms.begin(), sentence.terms.end());
      sentence.context = above;
      sentence.head = last_head;
      sentence.names = sentence.kind == LineKind::kProse && IsTermLine(text, range);
      if (sentence.kind == LineKind::kHeading || sentence.names) {
        last_head = static_cast<int>(sentences_.size());
        const bool inner = sentence.names;
        // "-q" and "--quiet" name the same.
        const bool again = inner && !sentences_.empty() && sentences_.back().names &&
                           sentences_.back().source == sentence.source;
        if (!again) above = inner ? section : title;
        above.insert(above.end(), sentence.terms.begin(), sentence.terms.end());
        Normalise(&above);
        if (!inner) section = above;
      } else if (sentence.kind == LineKind::kTableRow) {
        const indexer::ByteRange head = TableHeader(text, range);
        if (head.start <= range.start && range.start < head.end) sentence.answers = false;
        if (head.end > 0) {
          if (header.empty() || head.start != header_start) {
            header = Terms(text.substr(head.start, head.end - head.start));
          }
          header_start = head.start;
          sentence.context.insert(sentence.context.end(), header.begin(), header.end());
          Normalise(&sentence.context);
        }
      }
      sentences_.push_back(std::move(sentence));
    }
    Normalise(&all);
    source_terms_.push_back(std::move(all));
  }
  std::vector<int> frequencies(ids_.size());
  for (const Sentence& sentence : sentences_) {
    for (TermId term : sentence.terms) ++frequencies[term];
  }
  const double total = kBackgroundSentences + static_cast<double>(sentences_.size());
  weights_.reserve(frequencies.size());
  for (int frequency : frequencies) weights_.push_back(std::log(total / (frequency + 1.0)));
  unseen_ = std::log(total);
}

std::vector<Slot> Evidence::Slots(std::string_view question) {
  std::map<std::uint32_t, Slot> slots;  // by their first byte
  const std::vector<bool> quoted = QuotedBytes(question);
  const indexer::ByteRange asking = AskingPhrase(question);
  int guesses = 0;
  for (const indexer::Term& term : analyzer_.Analyze(question)) {
    if (indexer::IsStopTerm(term.text)) continue;
    const auto fresh = static_cast<TermId>(ids_.size());
    const TermId id = ids_.try_emplace(term.text, fresh).first->second;
    // No passage holds the word: it may be misspelt.
    TermId meant = id;
    if (id >= weights_.size() && guesses++ < kMaxGuesses) {
      const std::string_view word =
          question.substr(term.source.start, term.source.end - term.source.start);
      for (const indexer::Term& other : indexer::AnalyzeMisspelt(analyzer_, word)) {
        const auto known = ids_.find(other.text);
        if (known == ids_.end() || known->second >= weights_.size()) continue;
        if (meant == id || known->second < meant) meant = known->second;
      }
    }
    const double weight = Weight(meant);
    for (std::uint32_t at = term.source.start; at < term.source.end;) {
      std::uint32_t end = at + 1;
      const bool wide = (question[at] & '\x80') != 0;
      while (end < term.source.end && (!wide || (question[end] & '\xC0') == '\x80')) ++end;
      // 的 says nothing even where a bigram holds it.
      const bool asks = at >= asking.start && at < asking.end;
      if (!asks && (!wide || !indexer::IsStopTerm(question.substr(at, end - at)))) {
        Slot& slot = slots[at];
        const double share = wide ? weight * kCharacterShare : weight;
        slot.weight = slot.weight == 0 ? share : std::min(slot.weight, share);
        slot.entity = quoted[at] || (!wide && IsEntity(question, term.source));
        (wide && term.source.end - term.source.start <= 4 ? slot.weak : slot.terms)
            .push_back(meant);
      }
      at = end;
    }
  }
  for (const Rewording& rewording : FindRewordings(question)) {
    // Whole words: one character of a Chinese word says little.
    const TermSet words = KnownTerms(rewording.words, kTwoCharacters);
    if (words.empty()) continue;
    for (auto it = slots.lower_bound(rewording.range.start);
         it != slots.end() && it->first < rewording.range.end; ++it) {
      Slot& slot = it->second;
      slot.terms.insert(slot.terms.end(), words.begin(), words.end());
      if (rewording.searched) {
        for (TermId word : words) slot.weight = std::max(slot.weight, Weight(word));
      } else {
        const bool wide = (question[it->first] & '\x80') != 0;
        slot.weight = std::min(slot.weight, WeightOfAny(slot.terms) * (wide ? kCharacterShare : 1));
      }
    }
  }
  for (const indexer::ByteRange range : LightWords(question)) {
    for (auto it = slots.lower_bound(range.start); it != slots.end() && it->first < range.end;
         ++it) {
      if (!it->second.entity) it->second.weight *= kLightShare;
    }
  }
  std::vector<Slot> all;
  for (auto& [at, slot] : slots) {
    if (slot.terms.empty()) slot.terms.swap(slot.weak);
    Normalise(&slot.terms);
    if (slot.entity && NamesPlace(question, at)) {
      const auto holders = std::count_if(
          source_terms_.begin(), source_terms_.end(),
          [&named = slot.terms](const TermSet& terms) { return HoldsAny(terms, named); });
      slot.scope = 2 * holders >= static_cast<std::ptrdiff_t>(source_terms_.size());
    }
    all.push_back(std::move(slot));
  }
  return all;
}

std::vector<std::pair<TermId, indexer::ByteRange>> Evidence::Places(std::string_view text) const {
  std::vector<std::pair<TermId, indexer::ByteRange>> places;
  for (const indexer::Term& term : analyzer_.Analyze(text)) {
    const auto found = ids_.find(term.text);
    if (found != ids_.end()) places.emplace_back(found->second, term.source);
  }
  return places;
}

double Evidence::WeightOfAny(const TermSet& terms) const {
  const auto holders = std::count_if(sentences_.begin(), sentences_.end(),
                                     [&](const Sentence& s) { return HoldsAny(s.terms, terms); });
  const double total = kBackgroundSentences + static_cast<double>(sentences_.size());
  return std::log(total / (static_cast<double>(holders) + 1));
}

double Evidence::Weight(const TermSet& terms) const {
  double weight = 0;
  for (TermId term : terms) weight += Weight(term);
  return weight;
}

double Evidence::TermWeight(const std::string& term) const {
  const auto found = ids_.find(term);
  return found == ids_.end() ? unseen_ : Weight(found->second);
}

std::string_view Evidence::Text(const Sentence& sentence) const {
  const std::string_view text = hits_[static_cast<std::size_t>(sentence.source)].text;
  return text.substr(sentence.range.start, sentence.range.end - sentence.range.start);
}

double Coverage(const Evidence& evidence, const TermSet& wanted, const TermSet& held) {
  const double all = evidence.Weight(wanted);
  if (all <= 0) return 0;
  double both = 0;
  for (TermId term : wanted) {
    if (Holds(held, term)) both += evidence.Weight(term);
  }
  return both / all;
}

Alignment Align(const Evidence& evidence, const TermSet& wanted, int source) {
  Alignment best;
  for (const Sentence& sentence : evidence.sentences()) {
    if (sentence.source != source) continue;
    const double coverage = Coverage(evidence, wanted, sentence.terms);
    if (best.sentence == nullptr || coverage > best.coverage) best = {&sentence, coverage};
  }
  return best;
}

}  // namespace citeseek::gateway
