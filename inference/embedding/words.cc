#include "inference/embedding/words.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>

#include "inference/folding.h"
#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

// Longer words are cut: what comes after says little more, and hostile text is full of them.
constexpr std::size_t kMaxWord = 48;

// Roughly by how often they occur in written English.
constexpr std::string_view kEnglish =
    "the of and to in a is that for it as was with be by on not he this are or his from at which "
    "but have an had they you were their one all we can her has there been if more when will would "
    "who so no she other its may these what them than some him time into only do such my new about "
    "out also two any up first could our then most see me should after said your over did man "
    "those where how made must people through many years before between under well each even much "
    "state being year because while does since last both us during use used part same three day "
    "against another high own great world still life men old found long work good way make get "
    "just very now like back here too general any number set name following system place house "
    "among without however within small city large every several end different second example "
    "called group early later until often using early based including become became country "
    "government public company around national university known home war four few american down "
    "left right off know take come came think look want give find tell describe explain why whom "
    "whose am i yes please case point form line area order result results data given change type "
    "kind show shown single note value values function program member members history next day "
    "again never always though although per less might upon toward best five six seven eight nine "
    "ten million percent water school family children women power development local important "
    "office president law service party century list possible information problem fact hand month "
    "week today night thing things much study method language book song film series season team "
    "game music north south east west united states british english french german chinese";

// Roughly by how often they occur in written Chinese.
constexpr std::u32string_view kChinese =
    U"的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过"
    U"子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体"
    U"制机"
    U"当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正"
    U"心反"
    U"你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程"
    U"展五"
    U"果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根"
    U"论运"
    U"什谁哪几吗呢吧怎请何";

// The share of passages (about 200 words) that hold the word of this rank, by Zipf's law.
float IdfOfRank(std::size_t rank, double zipf) {
  const double expected = 200 * zipf / static_cast<double>(rank + 1);
  return static_cast<float>(-std::log(1 - std::exp(-expected)));
}

struct Prior {
  std::unordered_map<std::uint64_t, float> words;
  std::unordered_map<char32_t, float> characters;
};

Prior MakePrior() {
  Prior prior;
  std::u32string word;
  std::size_t rank = 0;
  for (const char c : std::string(kEnglish) + " ") {
    if (c != ' ') {
      word.push_back(static_cast<char32_t>(c));
      continue;
    }
    prior.words.emplace(HashCodePoints(word, 0), IdfOfRank(rank++, 0.1));
    word.clear();
  }
  for (std::size_t i = 0; i < kChinese.size(); ++i) {
    prior.characters.emplace(kChinese[i], IdfOfRank(i, 0.06));
  }
  // Whatever their rank, these ask and say nothing.
  for (const char32_t c : std::u32string_view(U"的了是在和与吗呢吧什么谁哪几怎请何")) {
    prior.characters[c] = 0.1f;
  }
  return prior;
}

const Prior& ThePrior() {
  static const Prior prior = MakePrior();
  return prior;
}

float CharacterIdf(char32_t c) {
  const auto found = ThePrior().characters.find(c);
  return found != ThePrior().characters.end() ? found->second : 3.5f;
}

float WordIdf(const Word& word) {
  const auto found = ThePrior().words.find(word.hash);
  if (found != ThePrior().words.end()) return found->second;
  const auto length = static_cast<float>(word.end - word.begin);
  return word.kind == Word::Kind::kNumber ? 4.0f : 3.0f + 0.35f * std::min(length, 12.0f);
}

bool IsCharacter(CharClass c) {
  return c == CharClass::kHan || c == CharClass::kKana || c == CharClass::kHangul ||
         c == CharClass::kSoutheastAsian;
}

}  // namespace

std::uint64_t HashCodePoints(std::span<const char32_t> code_points, std::uint64_t seed) {
  std::uint64_t hash = 0x9E3779B97F4A7C15u + seed;
  for (const char32_t c : code_points) hash = (hash ^ c) * 0x100000001B3u;
  hash ^= hash >> 32;
  hash *= 0xD6E8FEB86659FD93u;
  hash ^= hash >> 32;
  hash *= 0xD6E8FEB86659FD93u;
  return hash ^ hash >> 32;
}

WordList ReadWords(std::string_view text) {
  WordList list;
  std::uint32_t position = 0;
  bool after_character = false;  // a run of characters goes on
  const auto add = [&](Word word) {
    word.hash = HashCodePoints(list.Text(word), 0);
    list.words.push_back(word);
  };
  FoldedReader reader(text);
  FoldedChar c;
  bool more = reader.Next(c);
  while (more) {
    const auto begin = static_cast<std::uint32_t>(list.code_points.size());
    if (IsCharacter(c.char_class)) {
      list.code_points.push_back(c.code_point);
      Word word{.begin = begin,
                .end = begin + 1,
                .position = position,
                .kind = Word::Kind::kCharacter,
                .idf = CharacterIdf(c.code_point)};
      add(word);
      if (after_character) {
        const float idf = CharacterIdf(list.code_points[begin - 1]) + word.idf;
        add({.begin = begin - 1,
             .end = begin + 1,
             .position = position - 1,
             .kind = Word::Kind::kBigram,
             .idf = std::min(idf, 6.0f)});
      }
      after_character = true;
      ++position;
      more = reader.Next(c);
    } else if (c.char_class == CharClass::kLetter || c.char_class == CharClass::kDigit) {
      Word word{.begin = begin, .position = position++, .kind = Word::Kind::kNumber};
      while (more && (c.char_class == CharClass::kLetter || c.char_class == CharClass::kDigit ||
                      c.char_class == CharClass::kMark || c.char_class == CharClass::kIgnored)) {
        const bool room = list.code_points.size() - begin < kMaxWord;
        if (room && c.char_class != CharClass::kIgnored) list.code_points.push_back(c.code_point);
        if (c.char_class == CharClass::kLetter) word.kind = Word::Kind::kLetters;
        more = reader.Next(c);
      }
      word.end = static_cast<std::uint32_t>(list.code_points.size());
      add(word);
      list.words.back().idf = WordIdf(list.words.back());
      after_character = false;
    } else {
      after_character = after_character && c.char_class == CharClass::kIgnored;
      more = reader.Next(c);
    }
  }
  return list;
}

}  // namespace citeseek::inference
