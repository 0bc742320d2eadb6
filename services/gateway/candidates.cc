#include "services/gateway/candidates.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>

#include "absl/strings/ascii.h"
#include "services/gateway/forms.h"
#include "services/gateway/identifiers.h"

namespace citeseek::gateway {
namespace {

// Tuned with tests/bench/extract_quality.cc on several question sets, English and Chinese.
constexpr double kContextShare = 0.75;    // of a term's weight, held by title, heading or header
constexpr double kNeighbourShare = 0.45;  // held by the sentence before, or after
constexpr double kScopeShare = 0.45;      // of what most passages are about
constexpr double kWeakShare = 0.5;        // by a character of it, without the word
constexpr double kPassageShare = 0.3;     // held elsewhere in the passage
constexpr double kElsewhereShare = 0.6;   // of an entity, held elsewhere in the passage
constexpr double kWithoutEntities = 0.4;  // of the support, where none of the entities is there
constexpr double kLengthPower = 0.65;
constexpr double kLengthPowerChinese = 0.9;  // whose questions vary less in length
constexpr double kUsualWeight = 20;          // of a question of four words
constexpr double kWrongType = 0.6;           // asked when, but states no date
constexpr double kLeads = 1.25;              // says what the heading above it promises
constexpr double kNamed = 0.6;  // more, below a line that names but what the question does
constexpr double kStandard[] = {1, 1.15, 1.6};  // asked for a default: tells none, of one, which
constexpr double kElsewhere = 0.4;              // only says where to read on
constexpr double kAgreement = 0.35;
constexpr double kLookedUp = 1.5;   // the row and the column that the question names
constexpr double kStep = 1.5;       // asked how to do something, tells what to do
constexpr double kDefines = 2.0;    // asked what something is, says so of it
constexpr double kTitle = 0.4;      // of a line that looks like one
constexpr double kCode = 0.5;       // of a line of a program, unless asked how to do something
constexpr double kOfAnother = 0.3;  // names another version or code than the question does
constexpr std::size_t kLeastNameBytes = 3;
constexpr std::size_t kTitleBytes = 60;
constexpr std::size_t kOpeningBytes = 80;  // of a sentence: where its subject stands

// How much of the question a sentence carries where it stands.
struct Carried {
  double coverage = 0;      // [0, 1]
  double weight = 0;        // of what is carried
  double all = 0;           // of the question
  double entities = 1;      // [0, 1]: of the question's numbers and names
  std::uint64_t slots = 0;  // which of the first 64, context counted
  Clue clue;
};

// Adds one slot's weight to the sums of a clue; `share` of it is carried, neighbours counted.
void AddToClue(const Evidence& evidence, const Slot& slot, const Sentence& sentence, double share,
               Clue* clue) {
  const bool weak = share > 0 && share < 1 && HoldsAny(sentence.terms, slot.weak);
  const double here = share == 1 ? 1 : weak ? kWeakShare : 0;
  const double titled = share >= kContextShare ? share : here;
  const bool passage = share > 0 || HoldsAny(evidence.SourceTerms(sentence.source), slot.terms);
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
    if (HoldsAny(sentence.terms, slot.terms)) {
      share = 1;
    } else if (HoldsAny(sentence.context, slot.terms)) {
      share = kContextShare;
    } else if (HoldsAny(sentence.terms, slot.weak)) {
      share = kWeakShare;
    } else if (table && HoldsAny(sentence.context, slot.weak)) {
      share = kWeakShare * kContextShare;
    } else if ((before != nullptr && HoldsAny(*before, slot.terms)) ||
               (after != nullptr && HoldsAny(*after, slot.terms))) {
      share = kNeighbourShare;
    } else if (slot.scope) {
      share = kScopeShare;
    } else {
      entity_share =
          HoldsAny(evidence.SourceTerms(sentence.source), slot.terms) ? kElsewhereShare : 0;
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
    return HoldsAny(heading.terms, slot.terms) && !HoldsAny(heading.context, slot.terms);
  });
}

// Whether the question names the row, by its first cell, and asks for one of its columns.
bool IsLookedUp(std::string_view question, const std::vector<Slot>& slots, const Evidence& evidence,
                const Sentence& row) {
  const std::string name = absl::AsciiStrToLower(FirstCell(evidence.Text(row)));
  if (name.size() < kLeastNameBytes) return false;
  const std::string lower = absl::AsciiStrToLower(std::string(question));
  const std::size_t at = lower.find(name);
  if (at == std::string::npos) return false;
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const std::size_t end = at + name.size();
  if (at > 0 && is_word(lower[at - 1]) && is_word(name.front())) return false;
  if (end < lower.size() && is_word(lower[end]) && is_word(name.back())) return false;
  const std::string_view passage = evidence.hits()[static_cast<std::size_t>(row.source)].text;
  const indexer::ByteRange header = TableHeader(passage, row.range);
  const TermSet columns =
      evidence.KnownTerms(passage.substr(header.start, header.end - header.start));
  return std::any_of(slots.begin(), slots.end(), [&](const Slot& slot) {
    return HoldsAny(columns, slot.terms) || HoldsAny(columns, slot.weak);
  });
}

// Whether a sentence, or else its heading, names another one of a series than the question does.
bool IsOfAnother(const std::vector<Identifier>& asked, const std::vector<Identifier>& named,
                 const std::vector<Identifier>& headed) {
  return std::any_of(asked.begin(), asked.end(), [&](const Identifier& wanted) {
    const auto is = [&](const Identifier& other) { return other.text == wanted.text; };
    const auto rivals = [&](const Identifier& other) { return other.shape == wanted.shape; };
    if (std::any_of(named.begin(), named.end(), is)) return false;
    if (std::any_of(named.begin(), named.end(), rivals)) return true;
    return std::none_of(headed.begin(), headed.end(), is) &&
           std::any_of(headed.begin(), headed.end(), rivals);
  });
}

// Whether a sentence opens with what is to be defined and goes on to say what it is.
bool Defines(const Evidence& evidence, const TermSet& defined, std::string_view text) {
  TermSet held;
  std::size_t end = 0;
  for (const auto& [term, place] : evidence.Places(text.substr(0, kOpeningBytes))) {
    if (!Holds(defined, term)) continue;
    if (held.empty() && !OpensSentence(text.substr(0, place.start))) return false;
    if (std::find(held.begin(), held.end(), term) == held.end()) held.push_back(term);
    end = std::max<std::size_t>(end, place.end);
    if (held.size() == defined.size()) return TellsWhatItIs(text, end);
  }
  return false;
}

// Whether a sentence is a short line that ends like a title.
bool LooksLikeTitle(std::string_view passage, const Sentence& sentence) {
  return sentence.kind == LineKind::kProse &&
         sentence.range.end - sentence.range.start <= kTitleBytes &&
         IsTitleLine(passage, sentence.range);
}

// How much of what the line above a sentence names the question names too, [0, 1]; 0 if that is no
// more than the title says. Of lines that name the same, the best.
double NamedAbove(const Evidence& evidence, const Sentence& sentence, const TermSet& question,
                  const std::vector<Slot>& slots) {
  const auto sentences = evidence.sentences();
  double best = 0;
  for (int at = sentence.head; at >= 0; --at) {
    const Sentence& line = sentences[static_cast<std::size_t>(at)];
    if (line.source != sentence.source || (at != sentence.head && !line.names)) break;
    if (Announces(line, slots)) best = std::max(best, Coverage(evidence, line.terms, question));
    if (!line.names) break;
  }
  return best;
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
    candidate.clue.agreed = agreed / all;
  }
}

}  // namespace

std::vector<Candidate> ReadCandidates(std::string_view question, const QuestionCues& cues,
                                      const std::vector<Slot>& slots, Evidence* evidence) {
  const TermSet terms = evidence->Terms(question);
  std::vector<Candidate> candidates;
  const auto sentences = evidence->sentences();
  const std::vector<Identifier> asked = FindIdentifiers(question);
  const auto matter = static_cast<std::size_t>(
      std::max_element(slots.begin(), slots.end(),
                       [](const Slot& a, const Slot& b) { return a.weight < b.weight; }) -
      slots.begin());  // what the question says that least else does
  const std::string_view subject =
      question.substr(cues.defined.start, cues.defined.end - cues.defined.start);
  const bool capitals = std::all_of(subject.begin(), subject.end(), [](char c) {
    return absl::ascii_isupper(static_cast<unsigned char>(c));
  });
  const TermSet defined = evidence->KnownTerms(subject);
  const std::string_view acronym = capitals ? subject : "";
  bool announced = false;          // a heading named what is to be defined, and no prose came since
  std::vector<Identifier> headed;  // by the last heading of this source that names any
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const Sentence& sentence = sentences[i];
    if (i > 0 && sentences[i - 1].source != sentence.source) {
      announced = false;
      headed.clear();
    }
    std::vector<Identifier> named;
    if (!asked.empty()) {
      named = FindIdentifiers(evidence->Text(sentence));
      if (sentence.kind == LineKind::kHeading && !named.empty()) headed = named;
    }
    if (sentence.kind == LineKind::kHeading || sentence.names) {
      announced = !defined.empty() && std::includes(sentence.terms.begin(), sentence.terms.end(),
                                                    defined.begin(), defined.end());
    }
    if (!sentence.answers) continue;
    const Carried carried = Carry(*evidence, slots, i);
    if (carried.weight <= 0) continue;
    // What title and column heads alone carry is said of every row alike.
    const bool row = sentence.kind == LineKind::kTableRow;
    if (row && carried.clue.stated <= 0 && !cues.list && !cues.newest) continue;
    Candidate candidate{.sentence = &sentence,
                        .coverage = carried.coverage,
                        .entities = carried.entities,
                        .slots = carried.slots,
                        .clue = carried.clue};
    const std::string_view text = evidence->Text(sentence);
    candidate.typed = States(cues.type, text, question);
    const double rank =
        static_cast<double>(sentence.source) / static_cast<double>(evidence->hits().size());
    candidate.worth = candidate.coverage * (1 - 0.3 * rank) * (candidate.typed ? 1 : kWrongType);
    candidate.support = Support(carried, candidate.typed, cues.chinese);
    candidate.worth *= 0.5 + 0.5 * carried.entities;
    if (IsQuestion(text)) candidate.worth *= 0.4;
    const std::string_view passage =
        evidence->hits()[static_cast<std::size_t>(sentence.source)].text;
    if (LooksLikeTitle(passage, sentence)) candidate.worth *= kTitle;
    if (IsOfAnother(asked, named, headed)) {
      candidate.worth *= kOfAnother;
      candidate.support *= kOfAnother;
    }
    candidate.looked_up =
        row && candidate.typed && IsLookedUp(question, slots, *evidence, sentence);
    if (candidate.looked_up) candidate.worth *= kLookedUp;
    const bool step = cues.steps && TellsStep(text);
    if (row && cues.steps && !step && !candidate.looked_up) continue;
    if (step) candidate.worth *= kStep;
    const bool code = LooksLikeCode(text);
    if (code && !cues.steps) candidate.worth *= kCode;
    if (!defined.empty() && !code && !row) {
      const bool first = announced && (text.ends_with('.') || text.ends_with("。"));
      if (first) announced = false;
      if (Defines(*evidence, defined, text) || SpellsOut(text, acronym)) {
        candidate.worth *= kDefines;
      } else if (first) {
        candidate.worth *= kLeads;
      }
    }
    if (sentence.leads && Announces(sentences[i - 1], slots)) candidate.worth *= kLeads;
    // What is told of "X.y" or "--no-X" is not what X is, nor how to do X.
    const double named_above = cues.steps ? 0 : NamedAbove(*evidence, sentence, terms, slots);
    if (defined.empty() || named_above == 1) candidate.fit += kNamed * named_above;
    const bool heaviest = carried.slots >> std::min<std::size_t>(matter, 63) & 1;
    if (cues.standard && heaviest) {
      candidate.fit *= kStandard[static_cast<int>(StatesDefault(text))];
    }
    if (PointsElsewhere(text)) candidate.fit *= kElsewhere;
    // A sentence that adds nothing to the question cannot answer it, unless what it tells of does.
    const auto adds = [&](const Sentence& other) {
      return !std::includes(terms.begin(), terms.end(), other.terms.begin(), other.terms.end());
    };
    const bool heads = sentence.head >= 0 && PointsBack(text);
    if (!adds(sentence) && !(heads && adds(sentences[static_cast<std::size_t>(sentence.head)]))) {
      candidate.worth *= 0.3;
    }
    candidates.push_back(candidate);
  }
  AddAgreement(*evidence, terms, &candidates);
  return candidates;
}

}  // namespace citeseek::gateway
