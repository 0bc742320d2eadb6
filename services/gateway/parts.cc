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

// What these passages say to the part.
Extract Read(const std::string& question, const std::vector<retrieval::Hit>& own,
             const indexer::Analyzer& analyzer) {
  Evidence evidence(own, analyzer);
  return ExtractAnswer(question, ReadCues(question), &evidence);
}

// A part with the passages that were found for it, which its extract numbers.
struct Found {
  Part part;
  std::vector<retrieval::Hit> own;
};

absl::StatusOr<Found> SearchPart(const std::string& question, int top_k,
                                 const SearchPassages& search,
                                 const std::function<absl::Status(PartEvent::State)>& tell,
                                 const indexer::Analyzer& analyzer) {
  using State = PartEvent::State;
  Found found{.part = {.question = question}};
  if (absl::Status told = tell(State::kSearching); !told.ok()) return told;
  absl::StatusOr<std::vector<retrieval::Hit>> own = search(SearchText(question));
  if (!own.ok()) return own.status();
  KeepPassages(top_k, &*own);
  found.own = *std::move(own);
  found.part.extract = Read(question, found.own, analyzer);
  const std::string names = NamesOnly(question);
  if (found.part.extract.sentences.empty() && !names.empty()) {
    if (absl::Status told = tell(State::kSearchingAgain); !told.ok()) return told;
    found.part.searches = 2;
    absl::StatusOr<std::vector<retrieval::Hit>> again = search(names);
    if (!again.ok()) return again.status();
    KeepPassages(top_k, &*again);
    Extract second = Read(question, *again, analyzer);
    if (!second.sentences.empty()) {
      found.own = *std::move(again);
      found.part.extract = std::move(second);
    }
  }
  const bool evidence = !found.part.extract.sentences.empty();
  if (absl::Status told = tell(evidence ? State::kEvidence : State::kNoEvidence); !told.ok()) {
    return told;
  }
  return found;
}

}  // namespace

absl::StatusOr<std::vector<Part>> SearchParts(const std::vector<std::string>& questions, int top_k,
                                              const SearchPassages& search, const TellPart& tell,
                                              const indexer::Analyzer& analyzer,
                                              std::vector<retrieval::Hit>* hits) {
  std::vector<Found> found;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    absl::StatusOr<Found> part = SearchPart(
        questions[i], top_k, search, [&](PartEvent::State state) { return tell(i, state); },
        analyzer);
    if (!part.ok()) return part.status();
    found.push_back(*std::move(part));
  }
  // The whole question's best half stays, if it leaves room for a passage of each part.
  const auto wanted = static_cast<std::size_t>(top_k);
  const std::size_t most = 2 * wanted;
  hits->resize(std::min({hits->size(), (wanted + 1) / 2, most - std::min(most, found.size())}));
  // What the parts' sentences rest on comes first, then the rest in turns.
  std::vector<Part> parts;
  for (Found& one : found) {
    for (auto* sentences : {&one.part.extract.sentences, &one.part.extract.nearest}) {
      std::erase_if(*sentences, [&](ExtractedSentence& sentence) {
        sentence.source = Join(one.own[static_cast<std::size_t>(sentence.source)], most, hits);
        return sentence.source < 0;
      });
    }
    parts.push_back(std::move(one.part));
  }
  for (std::size_t rank = 0; rank < wanted; ++rank) {
    for (const Found& one : found) {
      if (rank < one.own.size()) Join(one.own[rank], most, hits);
    }
  }
  return parts;
}

}  // namespace citeseek::gateway
