#include "services/gateway/parts.h"

#include <algorithm>

#include "services/gateway/cues.h"
#include "services/gateway/evidence.h"
#include "services/gateway/plan.h"
#include "services/gateway/reading.h"

namespace citeseek::gateway {
namespace {

constexpr std::size_t kMaxSearches = 3;  // of a part

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

// A part with the passages of its best search, which its extract numbers, and those of others.
struct Found {
  Part part;
  std::vector<retrieval::Hit> own, others;

  void Take(std::vector<retrieval::Hit> hits, const indexer::Analyzer& analyzer) {
    Extract extract = Read(part.question, hits, analyzer);
    const bool better =
        !extract.sentences.empty() &&
        (part.extract.sentences.empty() || extract.confidence > part.extract.confidence);
    if (better || own.empty()) {
      part.extract = std::move(extract);
      own.swap(hits);
    }
    others.insert(others.end(), hits.begin(), hits.end());
  }
};

// `first`: what its first search brought; null: it is still to be searched for, and that is told.
absl::StatusOr<Found> SearchPart(const std::string& question, const PartSearch& how,
                                 const std::vector<retrieval::Hit>* first,
                                 const std::function<absl::Status(PartEvent::State)>& tell) {
  using State = PartEvent::State;
  Found found{.part = {.question = question}};
  const Extract& extract = found.part.extract;
  std::vector<std::string> tried;
  const auto search = [&](const std::string& text, State state) -> absl::Status {
    if (absl::Status told = tell(state); !told.ok()) return told;
    absl::StatusOr<std::vector<retrieval::Hit>> hits = how.search(text);
    if (!hits.ok()) return hits.status();
    KeepPassages(how.top_k, &*hits);
    found.Take(*std::move(hits), *how.analyzer);
    return absl::OkStatus();
  };
  absl::Status status;
  if (first != nullptr) {
    found.Take(*first, *how.analyzer);
  } else {
    status = search(SearchText(question), State::kSearching);
  }
  tried.push_back(question);
  const auto again = [&](const std::string& text) {
    if (text.empty()) return;
    tried.push_back(text);
    ++found.part.searches;
    status = search(text, State::kSearchingAgain);
  };
  const bool little = extract.sentences.empty() || extract.confidence < how.enough;
  if (status.ok() && little && !how.hurry.stop_requested()) {
    const std::string names = NamesOnly(question);
    again(names.empty() ? Reworded(question) : names);
  }
  if (status.ok() && extract.sentences.empty() && how.propose && !how.hurry.stop_requested()) {
    absl::StatusOr<std::string> words = how.propose(question, tried);
    if (!words.ok()) return words.status();
    again(*words);
  }
  if (status.ok() && (first == nullptr || found.part.searches > 1)) {
    status = tell(extract.sentences.empty() ? State::kNoEvidence : State::kEvidence);
  }
  if (!status.ok()) return status;
  return found;
}

}  // namespace

absl::StatusOr<std::vector<Part>> SearchParts(const std::vector<std::string>& questions,
                                              const PartSearch& how,
                                              std::vector<retrieval::Hit>* hits) {
  const bool alone = questions.size() == 1;
  std::vector<Found> found;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    absl::StatusOr<Found> part =
        SearchPart(questions[i], how, alone ? hits : nullptr,
                   [&](PartEvent::State state) { return how.tell(i, state); });
    if (!part.ok()) return part.status();
    found.push_back(*std::move(part));
  }
  const auto wanted = static_cast<std::size_t>(how.top_k);
  const std::size_t most = alone ? hits->size() + wanted : 2 * wanted;
  // The whole question's best half stays, if it leaves room for a passage of each part.
  if (!alone) {
    hits->resize(std::min({hits->size(), (wanted + 1) / 2, most - std::min(most, found.size())}));
  }
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
  for (auto searched : {&Found::own, &Found::others}) {
    for (std::size_t rank = 0; rank < kMaxSearches * wanted; ++rank) {
      for (const Found& one : found) {
        if (rank < (one.*searched).size()) Join((one.*searched)[rank], most, hits);
      }
    }
  }
  return parts;
}

}  // namespace citeseek::gateway
