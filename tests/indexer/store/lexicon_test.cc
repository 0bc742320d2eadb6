#include "indexer/store/lexicon.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/support/temp_directory.h"

namespace citeseek::indexer {
namespace {

struct Opened {
  TempDirectory directory;
  BlockFile terms;
  BlockFile postings;
  Lexicon lexicon;
};

std::unique_ptr<Opened> WriteAndOpen(const std::map<std::string, std::vector<Posting>>& terms) {
  auto opened = std::make_unique<Opened>();
  const std::string path = opened->directory.path();
  const std::vector<std::uint32_t> lengths(1000, 10);
  auto writer = LexiconWriter::Create(path);
  EXPECT_TRUE(writer.ok());
  for (const auto& [term, postings] : terms) {
    EXPECT_TRUE(writer->Add(term, postings, lengths).ok());
  }
  EXPECT_TRUE(writer->Finish().ok());
  opened->terms = *BlockFile::Open(path + "/terms");
  opened->postings = *BlockFile::Open(path + "/postings");
  auto lexicon = Lexicon::Make(opened->terms.content(), opened->postings.content());
  EXPECT_TRUE(lexicon.ok()) << lexicon.status();
  opened->lexicon = *std::move(lexicon);
  return opened;
}

TEST(Lexicon, FindsEveryTermAndNoOther) {
  std::mt19937 engine(1);
  const auto random = [&](std::uint32_t n) { return static_cast<std::uint32_t>(engine() % n); };
  std::map<std::string, std::vector<Posting>> terms;
  for (int i = 0; i < 3000; ++i) {
    std::string term;
    for (unsigned n = random(8); n > 0; --n) term.push_back(static_cast<char>('a' + random(4)));
    std::vector<Posting>& postings = terms[term];
    postings.clear();
    for (PassageId p = random(900); p < 1000; p += 1 + random(300)) {
      postings.push_back({p, 1 + random(3)});
    }
  }
  terms["中文"] = {{5, 2}};
  terms[MetadataTerm("year", "2024")] = {{1, 1}, {2, 1}};
  const auto opened = WriteAndOpen(terms);
  EXPECT_EQ(opened->lexicon.size(), terms.size());
  for (const auto& [term, postings] : terms) {
    const auto list = opened->lexicon.Find(term);
    ASSERT_TRUE(list.has_value()) << term;
    const auto cursor = MakePostingCursor(*list, 1000);
    ASSERT_EQ(cursor->passages().size(), postings.size());
    for (std::size_t i = 0; i < postings.size(); ++i) {
      EXPECT_EQ(cursor->passages()[i], postings[i].passage);
      EXPECT_EQ(cursor->frequencies()[i], postings[i].frequency);
    }
    EXPECT_EQ(opened->lexicon.Find(term + "zz").has_value(), terms.contains(term + "zz"));
    EXPECT_EQ(opened->lexicon.Find(term + "a").has_value(), terms.contains(term + "a"));
  }
  Lexicon::Walker walker(opened->lexicon);
  for (const auto& [term, postings] : terms) {
    ASSERT_TRUE(walker.Next());
    EXPECT_EQ(walker.term(), term);
    EXPECT_EQ(walker.list().count, postings.size());
  }
  EXPECT_FALSE(walker.Next());
  EXPECT_FALSE(walker.damaged());
}

TEST(Lexicon, MayBeEmpty) {
  const auto opened = WriteAndOpen({});
  EXPECT_FALSE(opened->lexicon.Find("a").has_value());
  EXPECT_FALSE(Lexicon::Walker(opened->lexicon).Next());
}

TEST(Lexicon, DamageIsRefusedOrGivesTermsWithinTheFile) {
  std::map<std::string, std::vector<Posting>> terms;
  for (int i = 0; i < 50; ++i) terms["term" + std::to_string(i)] = {{1, 1}, {7, 3}};
  const auto opened = WriteAndOpen(terms);
  const std::string whole(AsText(opened->terms.content()));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xFF}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ flip);
      const auto lexicon = Lexicon::Make(AsBytes(bytes), opened->postings.content());
      if (!lexicon.ok()) continue;
      lexicon->Find("term7");
      Lexicon::Walker walker(*lexicon);
      for (int count = 0; walker.Next(); ++count) ASSERT_LE(count, 50);
    }
  }
}

}  // namespace
}  // namespace citeseek::indexer
