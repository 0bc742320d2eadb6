#include "services/gateway/parts.h"

#include <algorithm>

#include "services/gateway/cues.h"
#include "services/gateway/evidence.h"
#include "services/gateway/plan.h"
#include "services/gateway/reading.h"

namespace citeseek::gateway {
namespace {

// The number of that passage among the hits, which it joins if there is room; -1 if there is none.
int Join(const retrieval::Hit& hit, std::size_t most, std::vector<retrieval::Hit>* hits) {
  const auto same = std::find_if(hits->begin(), hits->end(), [&](const retrieval::Hit& other) {
    return other.document_id == hit.document_id && other.collection == hit.collection &&
           other.start == hit.start;
  });
  if (same != hits->end()) return static_cast<int>(same - hits->begin());
  if (hits->size() >= most) return -1;
  hits->push_back(hit);
  return static_cast<int>(hits->size()) - 1;
}

// What these passages say to the part; sources are put into the numbers of all the hits.
Extract Read(const std::string& question, const std::vector<retrieval::Hit>& own,
             const std::vector<int>& numbers, const indexer::Analyzer& analyzer) {
  Evidence evidence(own, analyzer);
  Extract extract = ExtractAnswer(question, ReadCues(question), &evidence);
  for (auto* sentences : {&extract.sentences, &extract.nearest}) {
    std::erase_if(*sentences, [&](ExtractedSentence& sentence) {
      sentence.source = numbers[static_cast<std::size_t>(sentence.source)];
      return sentence.source < 0;
    });
  }
  return extract;
}

}  // namespace

absl::StatusOr<std::vector<Part>> SearchParts(const std::vector<std::string>& questions, int top_k,
                                              const SearchPassages& search,
                                              const indexer::Analyzer& analyzer,
                                              std::vector<retrieval::Hit>* hits) {
  const auto wanted = static_cast<std::size_t>(top_k);
  // The whole question's best half stays; the others make room for those of the parts.
  std::vector<retrieval::Hit> whole = std::move(*hits);
  hits->assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(
                                                  std::min(whole.size(), (wanted + 1) / 2)));
  std::vector<std::vector<retrieval::Hit>> found;
  for (const std::string& question : questions) {
    absl::StatusOr<std::vector<retrieval::Hit>> own = search(SearchText(question));
    if (!own.ok()) return own.status();
    KeepPassages(top_k, &*own);
    found.push_back(*std::move(own));
  }
  std::vector<std::vector<int>> numbers(questions.size());
  for (std::size_t rank = 0; rank < wanted; ++rank) {
    for (std::size_t part = 0; part < questions.size(); ++part) {
      if (rank >= found[part].size()) continue;
      numbers[part].push_back(Join(found[part][rank], 2 * wanted, hits));
    }
  }
  std::vector<Part> parts;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    Part part{.question = questions[i]};
    part.extract = Read(part.question, found[i], numbers[i], analyzer);
    const std::string names = NamesOnly(part.question);
    if (part.extract.sentences.empty() && !names.empty()) {
      absl::StatusOr<std::vector<retrieval::Hit>> again = search(names);
      if (!again.ok()) return again.status();
      KeepPassages(top_k, &*again);
      numbers[i].clear();
      for (const retrieval::Hit& hit : *again) numbers[i].push_back(Join(hit, 2 * wanted, hits));
      Extract second = Read(part.question, *again, numbers[i], analyzer);
      if (!second.sentences.empty()) part.extract = std::move(second);
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace citeseek::gateway
