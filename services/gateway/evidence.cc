#include "services/gateway/evidence.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "services/gateway/cues.h"

namespace citeseek::gateway {
namespace {

// Sentences that the collection is taken to have beyond those retrieved.
constexpr double kBackgroundSentences = 200;

void Normalise(TermSet* terms) {
  std::sort(terms->begin(), terms->end());
  terms->erase(std::unique(terms->begin(), terms->end()), terms->end());
}

// Of a Chinese character in the weight of a word, which has about two.
constexpr double kCharacterShare = 0.5;

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

// A short paragraph at the top of the text that is no sentence.
bool IsLoneTitle(std::string_view text, indexer::ByteRange range) {
  if (range.start > 0 || range.end > 90 || text.substr(range.end, 2) != "\n\n") return false;
  const std::string_view line = text.substr(0, range.end);
  return line.find('\n') == std::string_view::npos && KindOf(line) == LineKind::kProse &&
         std::string_view(".!?:;,").find(line.back()) == std::string_view::npos &&
         !line.ends_with("。") && !line.ends_with("！") && !line.ends_with("？") &&
         !line.ends_with("：") && !line.ends_with("；");
}

// True if one is the other with one letter more, less, other, or two neighbours swapped.
bool IsMisspelling(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  if (a.size() < 5 || b.size() - a.size() > 1 || a[0] != b[0]) return false;
  std::size_t i = 0;
  while (i < a.size() && a[i] == b[i]) ++i;
  const std::string_view rest_a = a.substr(i), rest_b = b.substr(i);
  if (a.size() < b.size()) return rest_a == rest_b.substr(1);
  if (rest_a.size() < 2) return true;
  return rest_a.substr(1) == rest_b.substr(1) ||
         (rest_a[0] == rest_b[1] && rest_a[1] == rest_b[0] && rest_a.substr(2) == rest_b.substr(2));
}

bool IsLatinWord(std::string_view term) {
  return std::all_of(term.begin(), term.end(), [](char c) { return c >= 'a' && c <= 'z'; });
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

bool Holds(const TermSet& terms, TermId term) {
  return std::binary_search(terms.begin(), terms.end(), term);
}

TermSet Evidence::Terms(std::string_view text) {
  TermSet terms;
  for (indexer::Term& term : analyzer_.Analyze(text)) {
    if (indexer::IsStopTerm(term.text)) continue;
    const auto id = static_cast<TermId>(ids_.size());
    terms.push_back(ids_.try_emplace(std::move(term.text), id).first->second);
  }
  Normalise(&terms);
  return terms;
}

TermSet Evidence::KnownTerms(std::string_view text) const {
  TermSet terms;
  for (const indexer::Term& term : analyzer_.Analyze(text)) {
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
    TermSet above = title;  // title and heading
    std::uint32_t header_start = 0;
    TermSet header;
    TermSet all = title;
    for (const indexer::ByteRange range : indexer::SplitSentences(text)) {
      Sentence sentence{.source = static_cast<int>(source), .range = range};
      const std::string_view line = text.substr(range.start, range.end - range.start);
      sentence.kind = KindOf(line);
      if (sentence.kind == LineKind::kTableRule) continue;
      sentence.terms = Terms(line);
      if (sentence.terms.empty()) continue;
      if (line == hits[source].title || IsLoneTitle(text, range)) {
        sentence.kind = LineKind::kHeading;
      }
      sentence.answers = sentence.kind != LineKind::kHeading;
      // The document's own title, at its start, promises nothing of its first sentence.
      sentence.leads = !sentences_.empty() && sentences_.back().source == sentence.source &&
                       sentences_.back().kind == LineKind::kHeading &&
                       hits[source].start + sentences_.back().range.start > 0;
      all.insert(all.end(), sentence.terms.begin(), sentence.terms.end());
      sentence.context = above;
      if (sentence.kind == LineKind::kHeading) {
        above = title;
        above.insert(above.end(), sentence.terms.begin(), sentence.terms.end());
        Normalise(&above);
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
  for (const indexer::Term& term : analyzer_.Analyze(question)) {
    if (indexer::IsStopTerm(term.text)) continue;
    const auto fresh = static_cast<TermId>(ids_.size());
    const TermId id = ids_.try_emplace(term.text, fresh).first->second;
    // No passage holds the word: it may be misspelt.
    TermId meant = id;
    if (id >= weights_.size() && IsLatinWord(term.text)) {
      for (const auto& [known, known_id] : ids_) {
        if (known_id >= weights_.size() || !IsMisspelling(term.text, known)) continue;
        if (meant == id || known_id < meant) meant = known_id;
      }
    }
    const double weight = Weight(meant);
    for (std::uint32_t at = term.source.start; at < term.source.end;) {
      std::uint32_t end = at + 1;
      const bool wide = (question[at] & '\x80') != 0;
      while (end < term.source.end && (!wide || (question[end] & '\xC0') == '\x80')) ++end;
      // 的 says nothing even where a bigram holds it.
      if (!wide || !indexer::IsStopTerm(question.substr(at, end - at))) {
        Slot& slot = slots[at];
        const double share = wide ? weight * kCharacterShare : weight;
        slot.weight = slot.terms.empty() ? share : std::min(slot.weight, share);
        slot.entity = quoted[at] || (!wide && IsEntity(question, term.source));
        slot.terms.push_back(meant);
      }
      at = end;
    }
  }
  for (const Rewording& rewording : FindRewordings(question)) {
    const TermSet words = KnownTerms(rewording.words);
    for (auto it = slots.lower_bound(rewording.range.start);
         it != slots.end() && it->first < rewording.range.end; ++it) {
      it->second.terms.insert(it->second.terms.end(), words.begin(), words.end());
    }
  }
  std::vector<Slot> all;
  for (auto& [at, slot] : slots) {
    Normalise(&slot.terms);
    all.push_back(std::move(slot));
  }
  return all;
}

double Evidence::Weight(const TermSet& terms) const {
  double weight = 0;
  for (TermId term : terms) weight += Weight(term);
  return weight;
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
