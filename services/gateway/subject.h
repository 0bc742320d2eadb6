// Subject: what a turn of a conversation was about: the names that later questions leave out.
//
// By rules, without a model; English and Chinese. Free functions, thread-safe, linear time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/gateway/answerer.h"

namespace citeseek::gateway {

// A word of Latin letters or digits, without the punctuation around it, as written.
struct Word {
  std::size_t start = 0;  // bytes
  std::size_t end = 0;
  std::string lower;
};
std::vector<Word> SplitWords(std::string_view text);

// Words that frame a question or a sentence and name nothing.
bool IsFrameWord(std::string_view lower);

// Quoted texts, titles in 《》, and runs of capitalised words, in order, each once.
std::vector<std::string> FindNames(std::string_view text);

// How many Chinese characters it has.
std::size_t CountHan(std::string_view text);

// Where a Chinese question begins to ask: what stands before names its subject. npos: nowhere.
std::size_t FindPredicate(std::string_view question);

struct Subject {
  std::string text;   // as the turn's question has it; empty: none was found
  bool name = false;  // a proper name
};

// The question of a turn, as it stands alone.
const std::string& FullQuestion(const Turn& turn);

Subject FindSubject(const Turn& turn);

// The n-th (from 1; 0: the last) of what the turn listed: the names of its question if it has
// several, else the items, else the sentences of its answer. Empty: there are not so many.
std::string ListedItem(const Turn& turn, int n);

}  // namespace citeseek::gateway
