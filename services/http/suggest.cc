#include "services/http/suggest.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace citeseek::http {
namespace {

using retrieval::Hit;

constexpr int kHits = 8;
constexpr std::size_t kMaxCompletions = 3;
constexpr std::size_t kMinWordBytes = 2;
constexpr std::size_t kMaxWordBytes = 40;

bool IsWordByte(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

// The last word of a text that ends with one; Chinese has no blanks that would tell.
std::string_view LastWord(std::string_view text) {
  std::size_t begin = text.size();
  while (begin > 0 && IsWordByte(text[begin - 1])) --begin;
  return text.substr(begin);
}

// How often each word of a text begins with `prefix` and goes on.
void CountWords(std::string_view text, std::string_view prefix,
                std::map<std::string, int>* counts) {
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && IsWordByte(text[end])) ++end;
    const std::string_view word = text.substr(i, end - i);
    const bool whole = (end == text.size() || absl::ascii_isascii(text[end])) &&
                       (i == 0 || absl::ascii_isascii(text[i - 1]));  // no piece of "naïve"
    if (whole && word.size() > prefix.size() && word.size() <= kMaxWordBytes &&
        absl::StartsWithIgnoreCase(std::string(word), std::string(prefix))) {
      ++(*counts)[absl::AsciiStrToLower(std::string(word))];
    }
    i = std::max(end, i + 1);
  }
}

std::vector<std::string> Completions(std::string_view typed, std::string_view last,
                                     const std::vector<Hit>& hits) {
  if (last.size() < kMinWordBytes) return {};
  std::map<std::string, int> counts;
  for (const Hit& hit : hits) {
    CountWords(hit.title, last, &counts);
    CountWords(hit.text, last, &counts);
  }
  std::vector<std::pair<int, std::string>> best;  // the most frequent first
  for (const auto& [word, count] : counts) best.emplace_back(-count, word);
  std::sort(best.begin(), best.end());
  std::vector<std::string> completions;
  for (const auto& [count, word] : best) {
    if (completions.size() == kMaxCompletions) break;
    completions.push_back(absl::StrCat(std::string(typed), word.substr(last.size())));
  }
  return completions;
}

}  // namespace

absl::StatusOr<std::vector<Suggestion>> Suggest(retrieval::Retriever* retriever,
                                                std::string_view typed, absl::Time deadline,
                                                std::stop_token stop) {
  std::vector<Suggestion> suggestions;
  const std::size_t first = typed.find_first_not_of(' ');
  if (first == std::string_view::npos || typed.size() > kMaxSuggestBytes) return suggestions;
  typed.remove_prefix(first);
  const std::string_view last = LastWord(typed);
  std::vector<Hit> hits;
  const auto search = [&](std::string_view text) -> absl::Status {
    auto result = retriever->Search({.text = std::string(text),
                                     .top_k = kHits,
                                     .legs = retrieval::Legs::kLexical,
                                     .deadline = deadline,
                                     .stop = stop});
    if (!result.ok()) return result.status();
    for (Hit& hit : result->hits) hits.push_back(std::move(hit));
    return absl::OkStatus();
  };
  if (auto status = search(typed); !status.ok()) return status;
  std::string_view before = typed.substr(0, typed.size() - last.size());
  while (before.ends_with(' ')) before.remove_suffix(1);
  // Documents of the words before alone are named only if they have what the last one begins.
  const std::size_t certain = hits.size();
  if (!last.empty() && !before.empty()) {
    if (auto status = search(before); !status.ok()) return status;
  }
  for (std::string& text : Completions(typed, last, hits)) {
    suggestions.push_back({.text = std::move(text)});
  }
  for (std::size_t i = 0; i < hits.size() && suggestions.size() < kMaxSuggestions; ++i) {
    Hit& hit = hits[i];
    if (hit.title.empty()) continue;
    std::map<std::string, int> begun;
    if (i >= certain) CountWords(absl::StrCat(hit.title, " ", hit.text), last, &begun);
    if (i >= certain && begun.empty()) continue;
    const bool known =
        std::any_of(suggestions.begin(), suggestions.end(), [&](const Suggestion& suggestion) {
          return suggestion.text == hit.title || (suggestion.document_id == hit.document_id &&
                                                  suggestion.collection == hit.collection);
        });
    if (known) continue;
    suggestions.push_back({.text = std::move(hit.title),
                           .document_id = std::move(hit.document_id),
                           .collection = std::move(hit.collection)});
  }
  return suggestions;
}

}  // namespace citeseek::http
