#include "inference/model/tokenizer/bpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

namespace citeseek::inference {
namespace {

using ::testing::ElementsAre;
using Ids = std::vector<std::int32_t>;

Ids Encode(const Bpe& bpe, std::string_view word) {
  Bpe::Scratch scratch;
  const auto cache = std::make_unique<WordCache>();
  Ids ids;
  bpe.Encode(word, scratch, *cache, ids);
  Ids again;
  bpe.Encode(word, scratch, *cache, again);
  EXPECT_EQ(ids, again) << "with a warm cache";
  return ids;
}

// Letters a, b, c and random merges of what there is. trained: each token is made by one merge
// alone.
BpeSpec RandomSpec(std::uint32_t seed, bool trained) {
  std::mt19937 random(seed);
  BpeSpec spec;
  std::map<std::string, std::int32_t> ids;
  const auto add = [&](const std::string& text) {
    if (!ids.emplace(text, static_cast<std::int32_t>(ids.size())).second) return;
    spec.vocabulary.emplace_back(text, ids[text]);
  };
  for (const char* letter : {"a", "b", "c"}) add(letter);
  for (int i = 0; i < 40; ++i) {
    const std::string left = spec.vocabulary[random() % spec.vocabulary.size()].first;
    const std::string right = spec.vocabulary[random() % spec.vocabulary.size()].first;
    if (left.size() + right.size() > 8) continue;
    if (trained && ids.contains(left + right)) continue;
    add(left + right);
    spec.merges.emplace_back(left, right);
  }
  return spec;
}

// The definition: again and again the first of the pairs with the best rank.
Ids EncodeByDefinition(const BpeSpec& spec, const std::string& word) {
  std::vector<std::string> parts;
  for (const char c : word) parts.emplace_back(1, c);
  while (true) {
    std::size_t best = parts.size();
    std::ptrdiff_t best_rank = -1;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      // The last of equal merges counts.
      for (auto rank = static_cast<std::ptrdiff_t>(spec.merges.size()) - 1; rank >= 0; --rank) {
        const auto& [left, right] = spec.merges[static_cast<std::size_t>(rank)];
        if (left != parts[i] || right != parts[i + 1]) continue;
        if (best == parts.size() || rank < best_rank) {
          best = i;
          best_rank = rank;
        }
        break;
      }
    }
    if (best == parts.size()) break;
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  Ids ids;
  for (const std::string& part : parts) {
    for (const auto& [text, id] : spec.vocabulary) {
      if (text == part) ids.push_back(id);
    }
  }
  return ids;
}

TEST(BpeTest, ShortAndLongWordsAreMergedByTheDefinition) {
  std::mt19937 random(7);
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    const BpeSpec spec = RandomSpec(seed, seed % 2 == 0);
    const auto bpe = Bpe::Make(spec, true, {});
    ASSERT_TRUE(bpe.ok()) << bpe.status();
    for (const std::size_t size : {1, 2, 10, 96, 97, 300}) {
      std::string word;
      for (std::size_t i = 0; i < size; ++i) word.push_back(static_cast<char>('a' + random() % 3));
      EXPECT_EQ(Encode(*bpe, word), EncodeByDefinition(spec, word)) << seed << " " << word;
    }
  }
}

// SentencePiece's definition: again and again the first of the neighbours whose union scores best.
Ids EncodeByScores(const BpeSpec& spec, const std::string& word) {
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < spec.vocabulary.size(); ++i) places[spec.vocabulary[i].first] = i;
  std::vector<std::string> parts;
  for (const char c : word) parts.emplace_back(1, c);
  while (true) {
    std::size_t best = parts.size();
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto it = places.find(parts[i] + parts[i + 1]);
      if (it == places.end()) continue;
      if (best == parts.size() ||
          spec.scores[it->second] > spec.scores[places[parts[best] + parts[best + 1]]]) {
        best = i;
      }
    }
    if (best == parts.size()) break;
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  Ids ids;
  for (const std::string& part : parts) ids.push_back(spec.vocabulary[places[part]].second);
  return ids;
}

TEST(BpeTest, WordsAreMergedByScoresWhetherOrNotPartsScoreBetter) {
  std::mt19937 random(7);
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    BpeSpec spec = RandomSpec(seed, true);
    spec.merges.clear();
    for (std::size_t i = 0; i < spec.vocabulary.size(); ++i) {
      // Even seeds: as training leaves them, and some alike.
      spec.scores.push_back(seed % 2 == 0 ? -static_cast<float>(i / (1 + seed % 4))
                                          : static_cast<float>(random() % 8));
    }
    const auto bpe = Bpe::Make(spec, false, {});
    ASSERT_TRUE(bpe.ok()) << bpe.status();
    for (const std::size_t size : {2, 10, 300}) {
      std::string word;
      for (std::size_t i = 0; i < size; ++i) word.push_back(static_cast<char>('a' + random() % 3));
      EXPECT_EQ(Encode(*bpe, word), EncodeByScores(spec, word)) << seed << " " << word;
    }
  }
}

TEST(BpeTest, TwoTokensOfOneIdAreMergedAsAnyOthers) {
  BpeSpec spec;
  spec.vocabulary = {{"a", 5}, {"b", 1}, {"ab", 1}};
  spec.merges = {{"a", "b"}};
  EXPECT_THAT(Encode(*Bpe::Make(spec, false, {}), "abba"), ElementsAre(1, 1, 5));
}

TEST(BpeTest, UnknownCharactersStandBetweenMergedOnesOrLeaveThemToEachOther) {
  BpeSpec spec;
  spec.vocabulary = {{"a", 0}, {"aa", 1}, {"<unk>", 2}};
  spec.merges = {{"a", "a"}};
  EXPECT_THAT(Encode(*Bpe::Make(spec, false, {}), "aaaxyaa"), ElementsAre(1, 1, 0));
  spec.unknown = "<unk>";
  EXPECT_THAT(Encode(*Bpe::Make(spec, false, {}), "aaaxyaa"), ElementsAre(1, 0, 2, 2, 1));
  spec.fuse_unknown = true;
  EXPECT_THAT(Encode(*Bpe::Make(spec, false, {}), "aaaxyaa"), ElementsAre(1, 0, 2, 1));
}

TEST(BpeTest, MarksThatNoMergeReachesOverCutAWordWithoutChangingIt) {
  BpeSpec spec;
  spec.vocabulary = {{"\u2581", 0}, {"a", 1}, {"\u2581a", 2}, {"aa", 3}, {"\u2581\u2581", 4}};
  spec.merges = {{"a", "a"}, {"\u2581", "a"}, {"\u2581", "\u2581"}};
  // Without a token for what is unknown it leaves its neighbours to each other.
  EXPECT_THAT(Encode(*Bpe::Make(spec, false, {}), "a\u2581x\u2581"), ElementsAre(1, 4));
  spec.vocabulary.emplace_back("<unk>", 5);
  spec.unknown = "<unk>";
  const auto bpe = Bpe::Make(spec, false, {});
  ASSERT_TRUE(bpe.ok()) << bpe.status();
  EXPECT_THAT(Encode(*bpe, "\u2581aa\u2581a\u2581\u2581a"), ElementsAre(0, 3, 2, 0, 2));
}

TEST(BpeTest, UnknownCharactersFallBackToBytesOrToTheUnknownToken) {
  BpeSpec spec;
  spec.vocabulary = {{"<unk>", 0}, {"a", 1}, {"<0xC3>", 2}, {"<0xA9>", 3}};
  spec.unknown = "<unk>";
  spec.fuse_unknown = true;
  spec.byte_fallback = true;
  const auto bpe = Bpe::Make(spec, false, {});
  ASSERT_TRUE(bpe.ok()) << bpe.status();
  EXPECT_THAT(Encode(*bpe, "a\u00e9xyza"), ElementsAre(1, 2, 3, 0, 1));
}

TEST(BpeTest, NoWordBecomesAControlToken) {
  BpeSpec spec;
  spec.vocabulary = {{"<", 0}, {">", 1}, {"<>", 2}};
  spec.merges = {{"<", ">"}};
  spec.ignore_merges = true;
  EXPECT_THAT(Encode(*Bpe::Make(spec, true, {}), "<>"), ElementsAre(2));
  EXPECT_THAT(Encode(*Bpe::Make(spec, true, {2}), "<>"), ElementsAre(0, 1));
}

TEST(BpeTest, MergesOfWhatIsNotInTheVocabularyAreErrors) {
  BpeSpec spec;
  spec.vocabulary = {{"a", 0}};
  spec.merges = {{"a", "a"}};
  EXPECT_EQ(Bpe::Make(spec, true, {}).status().message(),
            "merge 0, \"a a\", is not in the vocabulary");
}

TEST(BpeTest, EveryByteHasACharacterOfItsOwn) {
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(Gpt2Byte(Gpt2Character(static_cast<unsigned char>(byte))), byte);
  }
  EXPECT_EQ(Gpt2Decode("\u0120a"), " a");
  EXPECT_EQ(Gpt2Decode("a b"), "a b");
}

}  // namespace
}  // namespace citeseek::inference
