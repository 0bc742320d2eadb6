#include "services/gateway/reading.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "services/gateway/cues.h"
#include "services/gateway/forms.h"
#include "services/gateway/rewordings.h"

namespace citeseek::gateway {
namespace {

// The letters and digits of a text in their order; the same for two of which only the markup
// differs.
std::string WithoutMarkup(std::string_view text) {
  std::string letters;
  letters.reserve(text.size());
  for (char c : text) {
    if ((c & '\x80') != 0 || absl::ascii_isalnum(static_cast<unsigned char>(c))) letters += c;
  }
  return letters;
}

// Passages among which one that says what something is, is looked for: its name stands in all.
constexpr int kDefinitionsAmong = 64;
constexpr int kMostDefinitions = 2;

// What the question asks to be defined, in lower case; empty for other questions.
std::string Defined(std::string_view question) {
  const indexer::ByteRange range = FindDefined(question);
  return absl::AsciiStrToLower(std::string(question.substr(range.start, range.end - range.start)));
}

bool HoldsDefinition(std::string_view text, std::string_view term) {
  const std::string lower = absl::AsciiStrToLower(std::string(text));
  for (std::size_t at = lower.find(term); at != std::string::npos; at = lower.find(term, at + 1)) {
    const std::size_t end = at + term.size();
    if (TellsWhatItIs(lower, end + (lower.substr(end, 2) == "s " ? 1 : 0)) &&
        OpensSentence(std::string_view(lower).substr(0, at))) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string SearchText(std::string_view question) {
  std::string text(question);
  for (const Rewording& rewording : FindRewordings(question)) {
    if (!rewording.searched) continue;
    if (text.size() + 1 + rewording.words.size() > retrieval::kMaxQueryBytes) break;
    text += " ";
    text += rewording.words;
  }
  return text;
}

int PassagesWanted(int top_k) { return std::min(kMostOfADocument * top_k, retrieval::kMaxTopK); }

void KeepPassages(int top_k, std::vector<retrieval::Hit>* hits) {
  const auto wanted = static_cast<std::size_t>(top_k);
  std::map<std::pair<std::string, std::string>, int> seen;
  std::set<std::string> texts;
  std::vector<bool> keep(hits->size());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < hits->size() && kept < wanted; ++i) {
    const retrieval::Hit& hit = (*hits)[i];
    // A copy adds nothing; what differs in one word may differ in the answer.
    const bool copy = !hit.text.empty() && !texts.insert(WithoutMarkup(hit.text)).second;
    keep[i] = !copy && ++seen[{hit.collection, hit.document_id}] <= kMostOfADocument;
    kept += keep[i] ? 1 : 0;
  }
  for (std::size_t i = 0; i < hits->size() && kept < wanted; ++i) {
    kept += keep[i] ? 0 : 1;
    keep[i] = true;
  }
  std::size_t i = 0;
  std::erase_if(*hits, [&](const retrieval::Hit&) { return !keep[i++]; });
}

const std::string& AskedText(const Question& question) {
  return question.rewritten.empty() ? question.text : question.rewritten;
}

retrieval::Query ReadingQuery(const Question& question) {
  return {.text = SearchText(AskedText(question)),
          .top_k = Defined(AskedText(question)).empty()
                       ? PassagesWanted(question.top_k)
                       : std::max(PassagesWanted(question.top_k), kDefinitionsAmong),
          .collection = question.collection,
          .filters = question.filters,
          .each_passage = true,
          .min_generation = question.min_generation,
          .deadline = question.deadline,
          .stop = question.stop};
}

void ChooseHits(const Question& question, std::vector<retrieval::Hit>* hits) {
  if (const std::string term = Defined(AskedText(question)); !term.empty()) {
    int most = kMostDefinitions;
    std::stable_partition(hits->begin(), hits->end(), [&](const retrieval::Hit& hit) {
      return most > 0 && HoldsDefinition(hit.text, term) && most-- > 0;
    });
  }
  KeepPassages(question.top_k, hits);
  for (const retrieval::Hit& hit : question.carried) {
    const bool found = std::any_of(hits->begin(), hits->end(), [&](const retrieval::Hit& other) {
      return other.passage_id == hit.passage_id && other.collection == hit.collection;
    });
    if (!found) hits->push_back(hit);
  }
}

}  // namespace citeseek::gateway
