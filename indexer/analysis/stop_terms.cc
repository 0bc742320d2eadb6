#include <array>
#include <string>
#include <string_view>
#include <unordered_set>

#include "indexer/analysis/stemmer.h"
#include "indexer/analyzer.h"
#include "inference/folding.h"

namespace citeseek::indexer {
namespace {

constexpr std::string_view kEnglish =
    "a about above after again against all also am an and any are arent as at be because been "
    "before being below between both but by can cannot cant could couldnt describe did didnt do "
    "does doesnt doing dont down during each either explain few find for from further get give "
    "given gives had has hasnt have havent having he her here hers herself him himself his how "
    "however i if in into is isnt it its itself just know let list many may me might mine more "
    "most much must my myself name neither no nor not now of off on once one only or other our "
    "ours ourselves out over own per please same shall she should shouldnt so some such tell than "
    "that the their theirs them themselves then there these they this those through to too under "
    "until up upon us very via was wasnt we were werent what whats when where whether which while "
    "who whom whose why will with within without wont would wouldnt yes yet you your yours "
    "yourself yourselves";

// Characters that carry grammar or the question itself: a term made of these alone is a stop term.
constexpr std::u32string_view kChinese =
    U"的了是在和与及或而且但也都就还又很被把对于从到向以为之其所这那哪谁什么怎样几吗呢吧啊个些"
    U"有没不能会可将该每各它他她们我你您此者请问如何何时多少";

const std::unordered_set<std::string>& EnglishStems() {
  static const auto* stems = [] {
    auto* set = new std::unordered_set<std::string>;
    Stemmer stemmer;
    for (std::size_t at = 0; at < kEnglish.size();) {
      const std::size_t end = std::min(kEnglish.find(' ', at), kEnglish.size());
      set->emplace(stemmer.Stem(kEnglish.substr(at, end - at)));
      at = end + 1;
    }
    return set;
  }();
  return *stems;
}

}  // namespace

bool IsStopTerm(std::string_view term) {
  if (term.empty()) return true;
  if (static_cast<unsigned char>(term[0]) < 0x80) return EnglishStems().contains(std::string(term));
  inference::FoldedReader reader(term);
  inference::FoldedChar c;
  while (reader.Next(c)) {
    if (kChinese.find(c.code_point) == std::u32string_view::npos) return false;
  }
  return true;
}

}  // namespace citeseek::indexer
