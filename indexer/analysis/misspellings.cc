#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "indexer/analyzer.h"

namespace citeseek::indexer {
namespace {

// Shorter words have too many neighbours; longer ones are no words.
constexpr std::size_t kMinLetters = 5;
constexpr std::size_t kMaxLetters = 24;

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

std::vector<Term> AnalyzeMisspelt(const Analyzer& analyzer, std::string_view word) {
  if (word.size() < kMinLetters || word.size() > kMaxLetters ||
      !std::all_of(word.begin(), word.end(), IsLetter)) {
    return {};
  }
  std::string meant;  // all candidates, with blanks between
  const auto add = [&](std::size_t keep, std::string_view middle, std::size_t from) {
    meant += word.substr(0, keep);
    meant += middle;
    meant += word.substr(from);
    meant += ' ';
  };
  for (std::size_t i = 0; i <= word.size(); ++i) {
    if (i < word.size()) add(i, "", i + 1);
    if (i + 1 < word.size()) add(i, std::string{word[i + 1], word[i]}, i + 2);
    for (char c = 'a'; c <= 'z'; ++c) {
      add(i, std::string_view(&c, 1), i);
      if (i < word.size()) add(i, std::string_view(&c, 1), i + 1);
    }
  }
  std::vector<Term> terms = analyzer.Analyze(meant);
  std::sort(terms.begin(), terms.end(),
            [](const Term& a, const Term& b) { return a.text < b.text; });
  const auto same = [](const Term& a, const Term& b) { return a.text == b.text; };
  terms.erase(std::unique(terms.begin(), terms.end(), same), terms.end());
  std::erase_if(terms, [](const Term& term) { return IsStopTerm(term.text); });
  return terms;
}

}  // namespace citeseek::indexer
