#include "services/gateway/extract.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "services/gateway/candidates.h"
#include "services/gateway/forms.h"
#include "services/gateway/identifiers.h"
#include "services/gateway/values.h"

namespace citeseek::gateway {
namespace {

// Tuned with tests/bench/extract_quality.cc on several question sets, English and Chinese.
constexpr double kNewestLeads = 1.25;  // of the worth, for the last of dated rows
constexpr double kAlikeRows = 0.9;     // of the best row's share of the question
constexpr double kEnough = 0.5;        // of the best sentence's worth, for another one
// The same, for one that carries no other part of the question.
constexpr double kNearSameSource = 0.8;
constexpr double kNearOtherSource = 0.65;  // which may confirm or contradict
constexpr double kBothCarry = 0.85;  // of the question, by sentences that state it differently
// Below this the documents do not say. Chosen so that of each set at most a tenth of the questions
// that can be answered are refused (tests/bench/answerable_train.cc).
constexpr double kMinConfidence = 0.24;
// The trees learned from questions of facts; instructions repeat less of what asks for them.
constexpr double kMinStepsConfidence = 0.15;
constexpr double kWithoutValue = 0.6;        // asked when or how many, of what tells neither
constexpr double kLookedUpConfidence = 0.5;  // that a table's row answers
constexpr double kMinNearest = 0.38;  // of the support, for a sentence to be of the matter at all
constexpr double kAlike = 0.6;        // of two sentences that state the same thing, or not
constexpr std::size_t kLongSentence = 600;  // bytes
constexpr std::size_t kAnnounced = 3;       // lines behind the sentence that announces them

// The first full year, month and day of a text: 20250603; 0 if it has none.
int FirstDay(std::string_view text) {
  for (const Value& value : FindValues(text)) {
    if (!value.date) continue;
    const auto [year, month, day] = DateParts(value);
    if (year > 0 && day > 0) return (year * 100 + month) * 100 + day;
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
    newest->worth = std::max(newest->worth, kNewestLeads * candidate.worth);
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

// Whether the sentence stands behind the mark of a list's item: "- ", "3. ".
bool IsListItem(std::string_view passage, indexer::ByteRange range) {
  std::size_t start = passage.substr(0, range.start).rfind('\n');
  start = start == std::string_view::npos ? 0 : start + 1;
  std::string_view mark = passage.substr(start, range.start - start);
  mark.remove_prefix(std::min(mark.find_first_not_of(" \t"), mark.size()));
  return !mark.empty() && mark.find_first_not_of("-*+0123456789.) ") == std::string_view::npos;
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

// Asked how to do something: the best sentence with the instructions right before and after it, as
// they stand in the text; none if it is no instruction, or has none beside it.
std::vector<Candidate> FindSteps(const Evidence& evidence,
                                 const std::vector<Candidate>& candidates) {
  const auto sentences = evidence.sentences();
  const Sentence* best = candidates.front().sentence;
  const auto is_step = [&](const Sentence& sentence) {
    return sentence.source == best->source && sentence.answers &&
           TellsStep(evidence.Text(sentence));
  };
  if (!is_step(*best)) return {};
  std::size_t first = static_cast<std::size_t>(best - sentences.data());
  std::size_t end = first + 1;
  while (end < sentences.size() && end - first < kMaxExtractSentences && is_step(sentences[end])) {
    ++end;
  }
  while (first > 0 && end - first < kMaxExtractSentences && is_step(sentences[first - 1])) --first;
  std::vector<Candidate> steps;
  for (std::size_t i = first; i < end; ++i) {
    const auto known = std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& c) {
      return c.sentence == &sentences[i];
    });
    steps.push_back(known != candidates.end() ? *known : Candidate{.sentence = &sentences[i]});
  }
  return steps.size() > 1 ? steps : std::vector<Candidate>();
}

// Greedy choice: each next sentence by its worth less what the chosen ones already say. Unless
// several things are asked for, a further one must carry a part of the question that the chosen
// ones do not, or be nearly as good as the best.
std::vector<Candidate> Choose(const Evidence& evidence, const std::vector<Candidate>& candidates,
                              bool list) {
  std::vector<Candidate> chosen;
  const double best = candidates.front().worth;
  const std::size_t most = list ? kMaxExtractSentences : 3;
  std::uint64_t covered = 0;
  const auto is_further = [&](const Candidate& candidate, double gain) {
    if (chosen.empty()) return true;
    const Candidate& first = chosen.front();
    if (first.typed && !candidate.typed) return false;
    if (list) return true;
    if (first.looked_up && !candidate.looked_up) return false;
    const bool heard = std::any_of(chosen.begin(), chosen.end(), [&](const Candidate& c) {
      return c.sentence->source == candidate.sentence->source;
    });
    return (candidate.slots & ~covered) != 0 ||
           gain > (heard ? kNearSameSource : kNearOtherSource) * best;
  };
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
      if (gain > top && is_further(candidate, gain)) {
        top = gain;
        next = &candidate;
      }
    }
    if (next == nullptr || top < kEnough * best) break;
    chosen.push_back(*next);
    covered |= next->slots;
  }
  return chosen;
}

// Whether a line is an option, a command, a variable or a keyword rather than words.
bool IsLiteral(std::string_view line) {
  if (line.find_first_of("_=<[") != std::string_view::npos) return true;
  if (line.find_first_of("-$/:") == 0) return true;
  const std::string_view word = line.substr(0, line.find(' '));
  return word.size() > 1 && std::all_of(word.begin(), word.end(), [](char c) {
           return absl::ascii_isupper(static_cast<unsigned char>(c));
         });
}

// The option, or the heading of "This ...", that a sentence tells of without naming it, where the
// question does not name it either; null if there is none.
const Sentence* FindUnnamed(const Evidence& evidence, const TermSet& question,
                            const Sentence& sentence) {
  if (sentence.head < 0) return nullptr;
  const auto is_name = [&](int at) {
    const Sentence& line = evidence.sentences()[static_cast<std::size_t>(at)];
    return line.names && line.source == sentence.source;
  };
  int at = sentence.head;
  while (is_name(at) && at > 0 && is_name(at - 1)) --at;
  const Sentence& line = evidence.sentences()[static_cast<std::size_t>(at)];
  const std::string_view text = evidence.Text(line);
  const bool heads = line.kind == LineKind::kHeading && PointsBack(evidence.Text(sentence));
  if (!IsLiteral(text) && !heads) return nullptr;
  const TermSet name = evidence.KnownTerms(text.substr(0, text.find(' ')));
  const bool named = std::all_of(name.begin(), name.end(), [&](TermId term) {
    return Holds(question, term) || Holds(sentence.terms, term);
  });
  return named ? nullptr : &line;
}

// Whether a sentence says that something comes behind it.
bool SpeaksOfFollowing(std::string_view text) {
  for (std::string_view word : {"following", "as follows", "如下", "以下", "下面", "下列"}) {
    if (text.find(word) != std::string_view::npos) return true;
  }
  return false;
}

// Adds to chosen sentences what they cannot be understood without: before one, the option that it
// tells of; behind one that announces what follows ("run:", "如下："), the lines that do.
void AddNeeded(const Evidence& evidence, const TermSet& question, std::vector<Candidate>* chosen) {
  const auto sentences = evidence.sentences();
  std::vector<Candidate> whole;
  const auto add = [&](const Sentence& sentence, const Candidate& candidate) {
    const auto is_it = [&](const Candidate& c) { return c.sentence == &sentence; };
    const bool known = std::any_of(whole.begin(), whole.end(), is_it) ||
                       std::any_of(chosen->begin(), chosen->end(), is_it);
    if (!known) whole.push_back({.sentence = &sentence, .coverage = candidate.coverage});
  };
  for (const Candidate& candidate : *chosen) {
    const Sentence& sentence = *candidate.sentence;
    if (const Sentence* option = FindUnnamed(evidence, question, sentence)) {
      add(*option, candidate);
    }
    whole.push_back(candidate);
    const std::string_view text = evidence.Text(sentence);
    const bool colon = text.ends_with(':') || text.ends_with("：");
    if (!colon && !SpeaksOfFollowing(text)) continue;
    const std::string_view passage =
        evidence.hits()[static_cast<std::size_t>(sentence.source)].text;
    const auto at = static_cast<std::size_t>(&sentence - sentences.data());
    for (std::size_t i = at + 1; i < sentences.size() && i <= at + kAnnounced; ++i) {
      const Sentence& next = sentences[i];
      if (next.source != sentence.source || !next.answers) break;
      // Behind the first line, prose is a new paragraph.
      const bool line = next.kind == LineKind::kTableRow || IsTitleLine(passage, next.range) ||
                        LooksLikeCode(evidence.Text(next)) || IsListItem(passage, next.range);
      if ((i > at + 1 || !colon) && !line) break;
      add(next, candidate);
    }
  }
  chosen->swap(whole);
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
    for (const Slot& slot : question) weight += HoldsAny(terms, slot.terms) ? slot.weight : 0;
    if (weight <= best) continue;
    best = weight;
    range = {sentence.range.start + static_cast<std::uint32_t>(cuts[first]),
             sentence.range.start + static_cast<std::uint32_t>(cuts[last])};
  }
  return range;
}

// Whether each version or decimal of the question, "3.0", stands in some passage or title.
bool VersionsStand(std::string_view question, const Evidence& evidence) {
  const std::vector<Identifier> asked = FindIdentifiers(question);
  return std::all_of(asked.begin(), asked.end(), [&](const Identifier& version) {
    const auto stands = [&](std::string_view text) {
      const std::vector<Identifier> named = FindIdentifiers(text);
      return std::any_of(named.begin(), named.end(),
                         [&](const Identifier& other) { return other.text == version.text; });
    };
    const auto hits = evidence.hits();
    return !IsVersion(version) ||
           std::any_of(hits.begin(), hits.end(), [&](const retrieval::Hit& hit) {
             return stands(hit.text) || stands(hit.title);
           });
  });
}

}  // namespace

Extract ExtractAnswer(std::string_view question, const QuestionCues& cues, Evidence* evidence) {
  Extract extract;
  const std::vector<Slot> slots = evidence->Slots(question);
  std::vector<Candidate> candidates = ReadCandidates(question, cues, slots, evidence);
  if (cues.newest) PreferNewestRow(*evidence, &candidates);
  const auto is_better = [](const Candidate& a, const Candidate& b) { return a.worth > b.worth; };
  std::stable_sort(candidates.begin(), candidates.end(), is_better);
  if (candidates.empty()) return extract;
  extract.support = candidates.front().support;
  std::vector<Clue> clues;
  for (std::size_t i = 0; i < std::min(kClues, candidates.size()); ++i) {
    clues.push_back(candidates[i].clue);
  }
  extract.features = ReadAnswerFeatures(question, cues, *evidence, slots, clues, extract.support);
  extract.confidence = Confidence(TrainedAnswerTrees(), extract.features);
  const bool value = cues.type == AnswerType::kDate || cues.type == AnswerType::kNumber;
  if (value && !candidates.front().typed) extract.confidence *= kWithoutValue;
  if (candidates.front().looked_up) {
    extract.confidence = std::max(extract.confidence, kLookedUpConfidence);
  }
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
                                 [](const Candidate& c) { return c.entities > 0; });
  if (!named || !VersionsStand(question, *evidence)) extract.confidence = 0;
  if (extract.confidence < (cues.steps ? kMinStepsConfidence : kMinConfidence)) {
    if (extract.support < kMinNearest) return extract;
    for (const Candidate& candidate : Choose(*evidence, candidates, false)) {
      if (extract.nearest.size() < kNearest) add(candidate, &extract.nearest);
    }
    return extract;
  }
  for (Candidate& candidate : candidates) candidate.worth *= candidate.fit;
  std::stable_sort(candidates.begin(), candidates.end(), is_better);
  // Steps, or the sides of a disagreement, are the whole answer.
  std::vector<Candidate> chosen = cues.steps ? FindSteps(*evidence, candidates)
                                             : FindDisagreement(*evidence, question, cues.type,
                                                                candidates, &extract.disagreement);
  if (chosen.empty()) chosen = Choose(*evidence, candidates, cues.list);
  AddNeeded(*evidence, evidence->Terms(question), &chosen);
  for (const Candidate& candidate : chosen) add(candidate, &extract.sentences);
  return extract;
}

}  // namespace citeseek::gateway
