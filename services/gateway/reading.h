// Reading: which passages are read to answer a question.
//
// A long document may hold its answer in several passages, so passages are searched, not documents;
// but no document takes more than a share of the places while others wait. The words in which
// answers are usually put join those of the question. Free functions, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "retrieval/retriever.h"
#include "services/gateway/answerer.h"

namespace citeseek::gateway {

// The words to search for; fits retrieval::kMaxQueryBytes if the question does.
std::string SearchText(std::string_view question);

// Passages to ask the retriever for, so that KeepPassages can keep top_k.
int PassagesWanted(int top_k);

// Leaves the best top_k hits, of which at most kMostOfADocument are of one document, and none says
// the same words as one before it, unless there are no others. Keeps their order.
inline constexpr int kMostOfADocument = 3;
void KeepPassages(int top_k, std::vector<retrieval::Hit>* hits);

// The question as it stands alone.
const std::string& AskedText(const Question& question);

// The search for a question, and what of its hits is read: the best ones, then those carried over.
// Asked what something is, passages that say so come first, from far down the list: the name of
// the matter of a collection stands in all of its passages.
retrieval::Query ReadingQuery(const Question& question);
void ChooseHits(const Question& question, std::vector<retrieval::Hit>* hits);

}  // namespace citeseek::gateway
