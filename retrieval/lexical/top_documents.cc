#include "retrieval/lexical/top_documents.h"

#include <algorithm>
#include <utility>

namespace citeseek::retrieval {
namespace {

std::uint64_t DocumentKey(const ScoredPassage& p) {
  return std::uint64_t{p.segment} << 32 | p.document;
}

}  // namespace

TopDocuments::TopDocuments(std::size_t k, bool each_passage) : k_(k), each_passage_(each_passage) {
  heap_.reserve(k);
  documents_.reserve(k);
}

void TopDocuments::Offer(const ScoredPassage& passage) {
  if (heap_.size() == k_ && !BetterPassage(passage, heap_.front())) return;
  if (!each_passage_ && documents_.contains(DocumentKey(passage))) {
    const auto same = std::find_if(heap_.begin(), heap_.end(), [&](const ScoredPassage& other) {
      return DocumentKey(other) == DocumentKey(passage);
    });
    if (!BetterPassage(passage, *same)) return;
    *same = passage;
    std::make_heap(heap_.begin(), heap_.end(), BetterPassage);
  } else {
    if (heap_.size() == k_) {
      documents_.erase(DocumentKey(heap_.front()));
      std::pop_heap(heap_.begin(), heap_.end(), BetterPassage);
      heap_.pop_back();
    }
    heap_.push_back(passage);
    std::push_heap(heap_.begin(), heap_.end(), BetterPassage);
    documents_.insert(DocumentKey(passage));
  }
  if (heap_.size() == k_) threshold_ = heap_.front().score;
}

std::vector<ScoredPassage> TopDocuments::Take() {
  std::sort_heap(heap_.begin(), heap_.end(), BetterPassage);
  documents_.clear();
  threshold_ = 0;
  return std::move(heap_);
}

}  // namespace citeseek::retrieval
