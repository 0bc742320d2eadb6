#include "services/gateway/extract.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace citeseek::gateway {
namespace {

// Tuned with tests/bench/extract_quality.cc on several question sets, English and Chinese.
constexpr double kContextShare = 0.75;    // of a term's weight, held by title, heading or header
constexpr double kNeighbourShare = 0.45;  // held by the sentence before, or after
constexpr double kWeakShare = 0.5;        // by a character of it, without the word
constexpr double kPassageShare = 0.3;     // held elsewhere in the passage
constexpr double kElsewhereShare = 0.6;   // of an entity, held elsewhere in the passage
constexpr double kWithoutEntities = 0.4;  // of the support, where none of the entities is there
constexpr double kLengthPower = 0.65;
constexpr double kLengthPowerChinese = 0.9;  // whose questions vary less in length
constexpr double kUsualWeight = 20;          // of a question of four words
constexpr double kWrongType = 0.6;           // asked when, but states no date
constexpr double kLeads = 1.25;              // says what the heading above it promises
constexpr double kAgreement = 0.35;
constexpr double kAlikeRows = 0.9;  // of the best row's share of the question
constexpr double kEnough = 0.62;    // of the best sentence's worth, for another one
// The same, for one that carries no other part of the question.
constexpr double kNearSameSource = 0.9;
constexpr double kNearOtherSource = 0.75;  // which may confirm or contradict
constexpr double kBothCarry = 0.85;  // of the question, by sentences that state it differently
// Below this the documents do not say. Chosen so that of each set at most a tenth of the questions
// that can be answered are refused (tests/bench/answerable_train.cc).
constexpr double kMinConfidence = 0.22;
constexpr double kMinNearest = 0.38;  // of the support, for a sentence to be of the matter at all
constexpr double kAlike = 0.6;        // of two sentences that state the same thing, or not
constexpr std::size_t kLongSentence = 600;  // bytes

// How much of the question a sentence carries where it stands.
struct Carried {
  double coverage = 0;      // [0, 1]
  double weight = 0;        // of what is carried
  double all = 0;           // of the question
  double entities = 1;      // [0, 1]: of the question's numbers and names
  std::uint64_t slots = 0;  // which of the first 64, context counted
  Clue clue;
};

struct Candidate {
  const Sentence* sentence = nullptr;
  double coverage = 0;  // of the question, context counted
  bool typed = true;    // states the kind of thing that is asked for
  double support = 0;
  double worth = 0;
  Carried carried;
};

bool HoldsAny(const TermSet* held, const TermSet& wanted) {
  return held != nullptr &&
         std::any_of(wanted.begin(), wanted.end(), [&](TermId t) { return Holds(*held, t); });
}

// Adds one slot's weight to the sums of a clue; `share` of it is carried, neighbours counted.
void AddToClue(const Evidence& evidence, const Slot& slot, const Sentence& sentence, double share,
               Clue* clue) {
  const bool weak = share > 0 && share < 1 && HoldsAny(&sentence.terms, slot.weak);
  const double here = share == 1 ? 1 : weak ? kWeakShare : 0;
  const double titled = share >= kContextShare ? share : here;
  const bool passage = share > 0 || HoldsAny(&evidence.SourceTerms(sentence.source), slot.terms);
  clue->stated += here * slot.weight;
  clue->titled += titled * slot.weight;
  clue->window += share * slot.weight;
  clue->passage += (share > 0 ? share : passage ? kPassageShare : 0) * slot.weight;
  if (passage) return;
  clue->missing += slot.weight;
  clue->gap = std::max(clue->gap, slot.weight);
}

Carried Carry(const Evidence& evidence, const std::vector<Slot>& question, std::size_t index) {
  const auto sentences = evidence.sentences();
  const Sentence& sentence = sentences[index];
  const auto neighbour = [&](std::size_t other) -> const TermSet* {
    if (other >= sentences.size() || sentences[other].source != sentence.source) return nullptr;
    return &sentences[other].terms;
  };
  const TermSet* before = index > 0 ? neighbour(index - 1) : nullptr;
  const TermSet* after = neighbour(index + 1);
  // A column's head is a word or two, of which the question may hold half.
  const bool table = sentence.kind == LineKind::kTableRow;
  Carried carried;
  double entities = 0, held_entities = 0, stated_entities = 0;
  for (std::size_t i = 0; i < question.size(); ++i) {
    const Slot& slot = question[i];
    double share = 0;
    double entity_share = 1;
    if (HoldsAny(&sentence.terms, slot.terms)) {
      share = 1;
    } else if (HoldsAny(&sentence.context, slot.terms)) {
      share = kContextShare;
    } else if (HoldsAny(&sentence.terms, slot.weak)) {
      share = kWeakShare;
    } else if (table && HoldsAny(&sentence.context, slot.weak)) {
      share = kWeakShare * kContextShare;
    } else if (HoldsAny(before, slot.terms) || HoldsAny(after, slot.terms)) {
      share = kNeighbourShare;
    } else {
      entity_share =
          HoldsAny(&evidence.SourceTerms(sentence.source), slot.terms) ? kElsewhereShare : 0;
    }
    if (share >= kContextShare && i < 64) carried.slots |= std::uint64_t{1} << i;
    AddToClue(evidence, slot, sentence, share, &carried.clue);
    carried.all += slot.weight;
    carried.weight += share * slot.weight;
    if (slot.entity) {
      entities += slot.weight;
      held_entities += entity_share * slot.weight;
      stated_entities += share == 1 ? slot.weight : 0;
    }
  }
  Clue& clue = carried.clue;
  clue.sentence = &sentence;
  if (carried.all > 0) {
    carried.coverage = carried.weight / carried.all;
    for (double* sum :
         {&clue.stated, &clue.titled, &clue.window, &clue.passage, &clue.missing, &clue.gap}) {
      *sum /= carried.all;
    }
  }
  if (entities > 0) {
    carried.entities = held_entities / entities;
    clue.entities = stated_entities / entities;
  }
  return carried;
}

// Evidence that a sentence answers: half of a long question is more than half of a short one.
double Support(const Carried& carried, bool typed, bool chinese) {
  if (carried.all <= 0) return 0;
  const double power = chinese ? kLengthPowerChinese : kLengthPower;
  const double scale = std::pow(carried.all, power) * std::pow(kUsualWeight, 1 - power);
  return std::min(1.0, carried.weight / scale) *
         (kWithoutEntities + (1 - kWithoutEntities) * carried.entities) * (typed ? 1 : kWrongType);
}

// Whether a heading holds a part of the question that the title does not.
bool Announces(const Sentence& heading, const std::vector<Slot>& question) {
  return std::any_of(question.begin(), question.end(), [&](const Slot& slot) {
    return HoldsAny(&heading.terms, slot.terms) && !HoldsAny(&heading.context, slot.terms);
  });
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
    if (all <= 0) continue;
    candidate.worth *= 1 + kAgreement * agreed / all;
    candidate.carried.clue.agreed = agreed / all;
  }
}

// The first full year, month and day of a text: 20250603; 0 if it has none.
int FirstDay(std::string_view text) {
  for (const Value& value : FindValues(text)) {
    if (!value.date) continue;
    int parts[3] = {0, 0, 0};
    std::size_t part = 0;
    for (char c : value.number) {
      if (c == '-' && ++part == 3) break;
      if (c != '-') parts[part] = parts[part] * 10 + (c - '0');
    }
    if (parts[0] >= 1000 && part == 2) return (parts[0] * 100 + parts[1]) * 100 + parts[2];
  }
  return 0;
}

// Of table rows that carry about as much of the question, the one with the last date is "the
// latest".
void PreferNewestRow(const Evidence& evidence, std::vector<Candidate>* candidates) {
  double carried = 0;
  std::vector<int> days;
  for (const Candidate& candidate : *candidates) {
    const bool row = candidate.sentence->kind == LineKind::kTableRow;
    days.push_back(row ? FirstDay(evidence.Text(*candidate.sentence)) : 0);
    if (days.back() > 0) carried = std::max(carried, candidate.coverage);
  }
  Candidate* newest = nullptr;
  int last = 0;
  for (std::size_t i = 0; i < candidates->size(); ++i) {
    if (days[i] <= last || (*candidates)[i].coverage < kAlikeRows * carried) continue;
    last = days[i];
    newest = &(*candidates)[i];
  }
  if (newest == nullptr) return;
  for (const Candidate& candidate : *candidates) {
    newest->worth = std::max(newest->worth, kLeads * candidate.worth);
    newest->support = std::max(newest->support, candidate.support);
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
      const auto document = [&](const Statement& s) {
        return evidence.hits()[static_cast<std::size_t>(s.candidate->sentence->source)].document_id;
      };
      if (document(statement) == document(first)) continue;
      if (statement.value.unit != first.value.unit) continue;
      const bool same = type == AnswerType::kDate
                            ? MayBeSameDate(statement.value.number, first.value.number)
                            : statement.value.number == first.value.number;
      const double alike = std::min(Coverage(evidence, statement.frame, first.frame),
                                    Coverage(evidence, first.frame, statement.frame));
      const bool both =
          statement.candidate->coverage >= kBothCarry && first.candidate->coverage >= kBothCarry;
      if (same || (alike < kAlike && !both)) continue;
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

// Greedy choice: each next sentence by its worth less what the chosen ones already say. Unless
// several things are asked for, a further one must carry a part of the question that the chosen
// ones do not, or be nearly as good as the best.
std::vector<Candidate> Choose(const Evidence& evidence, const std::vector<Candidate>& candidates,
                              bool list, std::vector<Candidate> chosen) {
  if (!chosen.empty()) return chosen;  // the sides of a disagreement are the answer
  const double best = candidates.empty() ? 0 : candidates.front().worth;
  const std::size_t most = list ? kMaxExtractSentences : 3;
  std::uint64_t covered = 0;
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
      const bool heard = std::any_of(chosen.begin(), chosen.end(), [&](const Candidate& c) {
        return c.sentence->source == candidate.sentence->source;
      });
      const bool adds = list || (candidate.carried.slots & ~covered) != 0 ||
                        gain > (heard ? kNearSameSource : kNearOtherSource) * best;
      if (!adds || (!chosen.empty() && chosen.front().typed && !candidate.typed)) continue;
      if (gain > top) {
        top = gain;
        next = &candidate;
      }
    }
    if (next == nullptr || top < kEnough * best) break;
    chosen.push_back(*next);
    covered |= next->carried.slots;
  }
  return chosen;
}

// The clauses of a very long sentence, kLongSentence bytes of them, that carry most of the
// question.
indexer::ByteRange Shorten(const Evidence& evidence, const std::vector<Slot>& question,
                           const Sentence& sentence) {
  const std::string_view text = evidence.Text(sentence);
  if (text.size() <= kLongSentence) return sentence.range;
  static constexpr std::string_view kAsciiEnds = ",;|";
  std::vector<std::size_t> cuts = {0};  // where a clause starts
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view wide = text.substr(i, 3);
    const bool ends = kAsciiEnds.find(text[i]) != std::string_view::npos || wide == "，" ||
                      wide == "；" || wide == "、";
    if (ends) cuts.push_back(i + (text[i] < 0 ? 3 : 1));
    // No clause is longer than the limit, whatever the text.
    if (i - cuts.back() == kLongSentence / 2 && i > cuts.back()) {
      std::size_t at = i;
      while ((text[at] & '\xC0') == '\x80') --at;
      cuts.push_back(at);
    }
  }
  cuts.push_back(text.size());
  std::size_t first = 0;
  double best = -1;
  indexer::ByteRange range = sentence.range;
  for (std::size_t last = 1; last < cuts.size(); ++last) {
    while (cuts[last] - cuts[first] > kLongSentence) ++first;
    const TermSet terms = evidence.KnownTerms(text.substr(cuts[first], cuts[last] - cuts[first]));
    double weight = 0;
    for (const Slot& slot : question) weight += HoldsAny(&terms, slot.terms) ? slot.weight : 0;
    if (weight <= best) continue;
    best = weight;
    range = {sentence.range.start + static_cast<std::uint32_t>(cuts[first]),
             sentence.range.start + static_cast<std::uint32_t>(cuts[last])};
  }
  return range;
}

bool IsVersionByte(char c) { return (c >= '0' && c <= '9') || c == '.'; }

// Whether each version or decimal of the question, "3.0", stands in some passage or title.
bool VersionsStand(std::string_view question, const Evidence& evidence) {
  const auto stands = [](std::string_view text, std::string_view version) {
    for (std::size_t at = 0; (at = text.find(version, at)) != std::string_view::npos; ++at) {
      const std::size_t end = at + version.size();
      const bool goes_on = end < text.size() && IsVersionByte(text[end]) &&
                           (text[end] != '.' || (end + 1 < text.size() && text[end + 1] != '.' &&
                                                 IsVersionByte(text[end + 1])));
      if ((at == 0 || !IsVersionByte(text[at - 1])) && !goes_on) return true;
    }
    return false;
  };
  for (std::size_t at = 0; at < question.size();) {
    if (question[at] == '.' || !IsVersionByte(question[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < question.size() && IsVersionByte(question[end])) ++end;
    std::string_view version = question.substr(at, end - at);
    while (version.ends_with('.')) version.remove_suffix(1);
    at = end;
    if (version.find('.') == std::string_view::npos) continue;
    const auto hits = evidence.hits();
    if (std::none_of(hits.begin(), hits.end(), [&](const retrieval::Hit& hit) {
          return stands(hit.text, version) || stands(hit.title, version);
        })) {
      return false;
    }
  }
  return true;
}

}  // namespace

Extract ExtractAnswer(std::string_view question, const QuestionCues& cues, Evidence* evidence) {
  Extract extract;
  const TermSet terms = evidence->Terms(question);
  const std::vector<Slot> slots = evidence->Slots(question);
  std::vector<Candidate> candidates;
  const auto sentences = evidence->sentences();
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const Sentence& sentence = sentences[i];
    if (!sentence.answers) continue;
    const Carried carried = Carry(*evidence, slots, i);
    if (carried.weight <= 0) continue;
    Candidate candidate{.sentence = &sentence, .coverage = carried.coverage};
    if (candidate.coverage <= 0) continue;
    const std::string_view text = evidence->Text(sentence);
    candidate.typed = States(cues.type, text, question);
    const double rank =
        static_cast<double>(sentence.source) / static_cast<double>(evidence->hits().size());
    candidate.worth = candidate.coverage * (1 - 0.3 * rank) * (candidate.typed ? 1 : kWrongType);
    candidate.support = Support(carried, candidate.typed, cues.chinese);
    candidate.worth *= 0.5 + 0.5 * carried.entities;
    if (IsQuestion(text)) candidate.worth *= 0.4;
    if (sentence.leads && Announces(sentences[i - 1], slots)) candidate.worth *= kLeads;
    candidate.carried = carried;
    // A sentence that adds nothing to the question cannot answer it.
    TermSet news;
    std::set_difference(sentence.terms.begin(), sentence.terms.end(), terms.begin(), terms.end(),
                        std::back_inserter(news));
    if (news.empty()) candidate.worth *= 0.3;
    candidates.push_back(candidate);
  }
  AddAgreement(*evidence, terms, &candidates);
  if (cues.newest) PreferNewestRow(*evidence, &candidates);
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.worth > b.worth; });
  if (candidates.empty()) return extract;
  extract.support = candidates.front().support;
  std::vector<Clue> clues;
  for (std::size_t i = 0; i < std::min(kClues, candidates.size()); ++i) {
    clues.push_back(candidates[i].carried.clue);
  }
  extract.features = ReadAnswerFeatures(question, cues, *evidence, slots, clues, extract.support);
  extract.confidence = Confidence(TrainedAnswerTrees(), extract.features);
  const auto add = [&](const Candidate& candidate, std::vector<ExtractedSentence>* out) {
    const indexer::ByteRange range = Shorten(*evidence, slots, *candidate.sentence);
    const std::string_view passage =
        evidence->hits()[static_cast<std::size_t>(candidate.sentence->source)].text;
    out->push_back({.source = candidate.sentence->source,
                    .range = range,
                    .text = MakeReadable(passage, range),
                    .score = std::min(1.0, candidate.coverage)});
  };
  // What passages say of others, however like the question, is no answer.
  const bool named = std::any_of(candidates.begin(), candidates.end(),
                                 [](const Candidate& c) { return c.carried.entities > 0; });
  if (!named || !VersionsStand(question, *evidence)) extract.confidence = 0;
  if (extract.confidence < kMinConfidence) {
    if (extract.support < kMinNearest) return extract;
    for (const Candidate& candidate : Choose(*evidence, candidates, false, {})) {
      if (extract.nearest.size() < kNearest) add(candidate, &extract.nearest);
    }
    return extract;
  }
  std::vector<Candidate> sides =
      FindDisagreement(*evidence, question, cues.type, candidates, &extract.disagreement);
  for (const Candidate& candidate : Choose(*evidence, candidates, cues.list, std::move(sides))) {
    add(candidate, &extract.sentences);
  }
  return extract;
}

}  // namespace citeseek::gateway
