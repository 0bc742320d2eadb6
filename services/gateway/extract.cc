#include "services/gateway/extract.h"

#include <algorithm>
#include <cmath>

namespace citeseek::gateway {
namespace {

// Tuned on the question sets named in docs/benchmarks.md by tests/bench/extract_quality.cc.
constexpr double kContextShare = 0.75;    // of a term's weight, held by title, heading or header
constexpr double kNeighbourShare = 0.45;  // held by the sentence before, or after
constexpr double kWrongType = 0.6;        // asked when, but states no date
constexpr double kAgreement = 0.35;
constexpr double kEnough = 0.62;            // of the best sentence's worth, for another one
constexpr double kMinSupport = 0.42;        // below it the documents do not say
constexpr double kAlike = 0.6;              // of two sentences that state the same thing, or not
constexpr std::size_t kLongSentence = 600;  // bytes

struct Candidate {
  const Sentence* sentence = nullptr;
  double coverage = 0;  // of the question, context counted
  bool typed = true;    // states the kind of thing that is asked for
  double worth = 0;
};

double CoverageInContext(const Evidence& evidence, const TermSet& question, std::size_t index) {
  const auto sentences = evidence.sentences();
  const Sentence& sentence = sentences[index];
  const auto neighbour = [&](std::size_t other) -> const TermSet* {
    if (other >= sentences.size() || sentences[other].source != sentence.source) return nullptr;
    return &sentences[other].terms;
  };
  const TermSet* before = index > 0 ? neighbour(index - 1) : nullptr;
  const TermSet* after = neighbour(index + 1);
  double all = 0, held = 0;
  for (TermId term : question) {
    const double weight = evidence.Weight(term);
    all += weight;
    if (Holds(sentence.terms, term)) {
      held += weight;
    } else if (Holds(sentence.context, term)) {
      held += kContextShare * weight;
    } else if ((before && Holds(*before, term)) || (after && Holds(*after, term))) {
      held += kNeighbourShare * weight;
    }
  }
  return all > 0 ? held / all : 0;
}

bool IsQuestion(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n\"*_");
  if (last == std::string_view::npos) return false;
  return text[last] == '?' || text.substr(0, last + 1).ends_with("？");
}

// How much of what a sentence adds to the question other sources say too, [0, 1].
void AddAgreement(const Evidence& evidence, const TermSet& question,
                  std::vector<Candidate>* candidates) {
  const std::size_t sources = evidence.hits().size();
  if (sources < 2) return;
  // support[term]: over the sources, the best coverage of a sentence there that holds the term.
  std::unordered_map<TermId, std::vector<float>> support;
  for (const Candidate& candidate : *candidates) {
    for (TermId term : candidate.sentence->terms) {
      if (Holds(question, term)) continue;
      auto& by_source = support.try_emplace(term, sources, 0.0f).first->second;
      float& best = by_source[static_cast<std::size_t>(candidate.sentence->source)];
      best = std::max(best, static_cast<float>(candidate.coverage));
    }
  }
  for (Candidate& candidate : *candidates) {
    double agreed = 0, all = 0;
    for (TermId term : candidate.sentence->terms) {
      const auto found = support.find(term);
      if (found == support.end()) continue;
      double others = 0;
      for (std::size_t source = 0; source < sources; ++source) {
        if (static_cast<int>(source) == candidate.sentence->source) continue;
        others += found->second[source];
      }
      const double weight = evidence.Weight(term);
      agreed += weight * std::min(1.0, others / 2);
      all += weight;
    }
    if (all > 0) candidate.worth *= 1 + kAgreement * agreed / all;
  }
}

double Similarity(const Evidence& evidence, const TermSet& a, const TermSet& b) {
  double both = 0;
  for (TermId term : a) {
    if (Holds(b, term)) both += evidence.Weight(term);
  }
  const double smaller = std::min(evidence.Weight(a), evidence.Weight(b));
  return smaller > 0 ? both / smaller : 0;
}

// True if one date is the other, told more exactly: 1998 and 1998-5, 5-3 and 1998-5-3.
bool MayBeSameDate(const std::string& a, const std::string& b) {
  const std::string& shorter = a.size() < b.size() ? a : b;
  const std::string& longer = a.size() < b.size() ? b : a;
  return longer.starts_with(shorter + "-") || longer.ends_with("-" + shorter) || a == b;
}

// What a sentence answers to "when" or "how many", where that is plain: its only such value.
const Value* OnlyAnswer(const std::vector<Value>& values, AnswerType type,
                        const std::vector<Value>& asked) {
  const Value* only = nullptr;
  for (const Value& value : values) {
    if (value.date != (type == AnswerType::kDate)) continue;
    const bool known = std::any_of(asked.begin(), asked.end(), [&](const Value& v) {
      return value.date ? MayBeSameDate(v.number, value.number) : v.number == value.number;
    });
    if (known) continue;
    if (only != nullptr && only->number != value.number) return nullptr;
    only = &value;
  }
  return only;
}

// The sentences of different sources that state different values for the same thing: both carry
// the question, and they say the same but for the value. `said` gets the values as written.
std::vector<Candidate> FindDisagreement(const Evidence& evidence, std::string_view question,
                                        AnswerType type, const std::vector<Candidate>& candidates,
                                        std::vector<std::string>* said) {
  if (type != AnswerType::kDate && type != AnswerType::kNumber) return {};
  struct Statement {
    const Candidate* candidate;
    Value value;
    TermSet frame;  // the sentence without its values
  };
  const std::vector<Value> asked = FindValues(question);
  std::vector<Statement> statements;
  for (const Candidate& candidate : candidates) {
    if (candidate.worth < kAlike * candidates.front().worth || statements.size() == 16) break;
    if (candidate.coverage < kAlike || !candidate.typed) continue;
    const std::string_view text = evidence.Text(*candidate.sentence);
    const std::vector<Value> values = FindValues(text);
    const Value* only = OnlyAnswer(values, type, asked);
    if (only == nullptr) continue;
    Statement statement{.candidate = &candidate, .value = *only};
    const TermSet value =
        evidence.KnownTerms(text.substr(only->range.start, only->range.end - only->range.start));
    std::set_difference(candidate.sentence->terms.begin(), candidate.sentence->terms.end(),
                        value.begin(), value.end(), std::back_inserter(statement.frame));
    statements.push_back(std::move(statement));
  }
  std::vector<Candidate> sides;
  for (const Statement& statement : statements) {
    const Statement& first = statements.front();
    if (&statement != &first) {
      if (statement.candidate->sentence->source == first.candidate->sentence->source) continue;
      if (statement.value.unit != first.value.unit) continue;
      const bool same = type == AnswerType::kDate
                            ? MayBeSameDate(statement.value.number, first.value.number)
                            : statement.value.number == first.value.number;
      const double alike = std::min(Coverage(evidence, statement.frame, first.frame),
                                    Coverage(evidence, first.frame, statement.frame));
      if (same || alike < kAlike) continue;
    }
    const std::string_view text = evidence.Text(*statement.candidate->sentence);
    std::string value(text.substr(statement.value.range.start,
                                  statement.value.range.end - statement.value.range.start));
    if (std::find(said->begin(), said->end(), value) != said->end() || sides.size() == 3) continue;
    said->push_back(std::move(value));
    sides.push_back(*statement.candidate);
  }
  if (sides.size() < 2) {
    said->clear();
    sides.clear();
  }
  return sides;
}

// Greedy choice: each next sentence by its worth less what the chosen ones already say.
std::vector<Candidate> Choose(const Evidence& evidence, const std::vector<Candidate>& candidates,
                              bool list, std::vector<Candidate> chosen) {
  const double best = candidates.empty() ? 0 : candidates.front().worth;
  const std::size_t most = list ? kMaxExtractSentences : 3;
  while (chosen.size() < most) {
    double top = 0;
    const Candidate* next = nullptr;
    for (const Candidate& candidate : candidates) {
      double same = 0;
      for (const Candidate& other : chosen) {
        same =
            std::max(same, Similarity(evidence, candidate.sentence->terms, other.sentence->terms));
      }
      if (same > 0.8) continue;
      const double gain = candidate.worth * (1 - 0.3 * same);
      if (gain > top) {
        top = gain;
        next = &candidate;
      }
    }
    if (next == nullptr || top < kEnough * best) break;
    chosen.push_back(*next);
  }
  return chosen;
}

// The part of a long sentence around the question's terms, cut at clauses.
indexer::ByteRange Shorten(const Evidence& evidence, const Sentence& sentence) {
  const std::string_view text = evidence.Text(sentence);
  if (text.size() <= kLongSentence) return sentence.range;
  std::size_t end = kLongSentence;
  while (end > 0 && (text[end] & '\xC0') == '\x80') --end;
  return {sentence.range.start, sentence.range.start + static_cast<std::uint32_t>(end)};
}

}  // namespace

Extract ExtractAnswer(std::string_view question, const QuestionCues& cues, Evidence* evidence) {
  Extract extract;
  const TermSet terms = evidence->Terms(question);
  std::vector<Candidate> candidates;
  const auto sentences = evidence->sentences();
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const Sentence& sentence = sentences[i];
    if (sentence.kind == LineKind::kHeading) continue;
    Candidate candidate{.sentence = &sentence, .coverage = CoverageInContext(*evidence, terms, i)};
    if (candidate.coverage <= 0) continue;
    const std::string_view text = evidence->Text(sentence);
    candidate.typed = States(cues.type, text, question);
    const double rank =
        static_cast<double>(sentence.source) / static_cast<double>(evidence->hits().size());
    candidate.worth = candidate.coverage * (1 - 0.3 * rank) * (candidate.typed ? 1 : kWrongType);
    if (IsQuestion(text)) candidate.worth *= 0.4;
    // A sentence that adds nothing to the question cannot answer it.
    TermSet news;
    std::set_difference(sentence.terms.begin(), sentence.terms.end(), terms.begin(), terms.end(),
                        std::back_inserter(news));
    if (news.empty()) candidate.worth *= 0.3;
    candidates.push_back(candidate);
  }
  AddAgreement(*evidence, terms, &candidates);
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.worth > b.worth; });
  if (candidates.empty()) return extract;
  extract.support = candidates.front().coverage * (candidates.front().typed ? 1 : kWrongType);
  if (extract.support < kMinSupport) return extract;
  std::vector<Candidate> sides =
      FindDisagreement(*evidence, question, cues.type, candidates, &extract.disagreement);
  for (const Candidate& candidate : Choose(*evidence, candidates, cues.list, std::move(sides))) {
    const indexer::ByteRange range = Shorten(*evidence, *candidate.sentence);
    const std::string_view passage =
        evidence->hits()[static_cast<std::size_t>(candidate.sentence->source)].text;
    extract.sentences.push_back({.source = candidate.sentence->source,
                                 .range = range,
                                 .text = MakeReadable(passage, range),
                                 .score = std::min(1.0, candidate.coverage)});
  }
  return extract;
}

}  // namespace citeseek::gateway
