#include "services/gateway/reading.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
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
          .top_k = PassagesWanted(question.top_k),
          .collection = question.collection,
          .filters = question.filters,
          .each_passage = true,
          .min_generation = question.min_generation,
          .deadline = question.deadline,
          .stop = question.stop};
}

void ChooseHits(const Question& question, std::vector<retrieval::Hit>* hits) {
  KeepPassages(question.top_k, hits);
  for (const retrieval::Hit& hit : question.carried) {
    const bool found = std::any_of(hits->begin(), hits->end(), [&](const retrieval::Hit& other) {
      return other.passage_id == hit.passage_id && other.collection == hit.collection;
    });
    if (!found) hits->push_back(hit);
  }
}

}  // namespace citeseek::gateway
