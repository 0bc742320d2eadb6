#include "services/gateway/conversation_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/temp_directory.h"

namespace citeseek::gateway {
namespace {

using ::testing::ElementsAre;

class ConversationStoreTest : public ::testing::Test {
 protected:
  void Open() {
    store_.reset();
    auto opened = ConversationStore::Open({.directory = directory_.path() / "conversations",
                                           .ttl = absl::Hours(1),
                                           .now = [this] { return now_; }});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }
  void SetUp() override { Open(); }

  static retrieval::Place At(const std::string& id, std::uint32_t start = 0) {
    return {id, "default", 7, start, start + 10};
  }
  static Turn MakeTurn(const std::string& question, int marker = 1) {
    return {.asked = absl::FromUnixMillis(1234),
            .question = question,
            .rewritten = "r",
            .answer = "答 [1]",
            .reason = "answered",
            .mode = Mode::kDeep,
            .citations = {{.marker = marker,
                           .document_id = "d",
                           .collection = "c",
                           .version = 5,
                           .title = "not kept",
                           .start = 1,
                           .end = 4,
                           .quote = "not kept",
                           .verdict = Verdict::kPartly,
                           .score = 0.5,
                           .answer_start = 2,
                           .answer_end = 6}},
            .sources = {{marker, At("d")}}};
  }
  int Append(const std::string& owner, const std::string& session, const std::string& question,
             bool first = false) {
    Turn turn = MakeTurn(question);
    const absl::Status status = store_->Append(owner, session, first, &turn);
    EXPECT_TRUE(status.ok()) << status;
    return turn.number;
  }
  std::vector<std::string> Questions(int before, int limit) {
    std::vector<std::string> questions;
    const auto read = store_->Read("", "s", before, limit);
    EXPECT_TRUE(read.ok()) << read.status();
    for (const Turn& turn : read->shown) questions.push_back(turn.question);
    return questions;
  }

  TempDirectory directory_;
  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  std::unique_ptr<ConversationStore> store_;
};

TEST_F(ConversationStoreTest, KeepsEveryFieldButTextsOfDocuments) {
  EXPECT_EQ(Append("", "s", "问？", true), 1);
  Open();  // as the next process
  const auto read = store_->Read("", "s", 0, 10);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->title, "问？");
  EXPECT_EQ(read->turns, 1);
  EXPECT_EQ(read->created, now_);
  EXPECT_EQ(read->expires, now_ + absl::Hours(1));
  ASSERT_EQ(read->shown.size(), 1u);
  const Turn& turn = read->shown[0];
  EXPECT_EQ(turn.number, 1);
  EXPECT_EQ(absl::ToUnixMillis(turn.asked), 1234);
  EXPECT_EQ(turn.rewritten, "r");
  EXPECT_EQ(turn.answer, "答 [1]");
  EXPECT_EQ(turn.reason, "answered");
  EXPECT_EQ(turn.mode, Mode::kDeep);
  ASSERT_EQ(turn.citations.size(), 1u);
  const Citation& citation = turn.citations[0];
  EXPECT_EQ(citation.marker, 1);
  EXPECT_EQ(citation.document_id, "d");
  EXPECT_EQ(citation.version, 5u);
  EXPECT_EQ(citation.end, 4u);
  EXPECT_EQ(citation.verdict, Verdict::kPartly);
  EXPECT_EQ(citation.score, 0.5);
  EXPECT_EQ(citation.answer_end, 6u);
  EXPECT_EQ(citation.quote + citation.title, "");
  ASSERT_EQ(turn.sources.size(), 1u);
  EXPECT_EQ(turn.sources[0].place.end, 10u);
}

TEST_F(ConversationStoreTest, ReadsTheNewestTurnsOrThoseBeforeOne) {
  Append("", "s", "q1", true);
  for (int i = 2; i <= 300; ++i) EXPECT_EQ(Append("", "s", "q" + std::to_string(i)), i);
  EXPECT_THAT(Questions(0, 2), ElementsAre("q299", "q300"));
  EXPECT_THAT(Questions(3, 5), ElementsAre("q1", "q2"));
  EXPECT_THAT(Questions(999, 1), ElementsAre("q300"));
}

TEST_F(ConversationStoreTest, AnOwnerSeesNothingOfAnother) {
  Append("ana", "s", "of ana", true);
  Append("an", "as", "of an", true);
  EXPECT_EQ(store_->Read("", "s", 0, 1).status(), absl::NotFoundError("no conversation s"));
  EXPECT_EQ(store_->Read("bob", "s", 0, 1).status(), absl::NotFoundError("no conversation s"));
  EXPECT_EQ(store_->Delete("bob", "s"), absl::NotFoundError("no conversation s"));
  const auto list = store_->List("an", 0, 10);
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->size(), 1u);
  EXPECT_EQ(list->at(0).session, "as");
  // Names that look like one another's keys.
  Append(std::string("a\0b", 3), "c", "x", true);
  EXPECT_FALSE(store_->Read("a", std::string("b\0c", 3), 0, 1).ok());
  const auto odd = store_->List(std::string("a\0b", 3), 0, 10);
  ASSERT_EQ(odd->size(), 1u);
  EXPECT_EQ(odd->at(0).session, "c");
}

TEST_F(ConversationStoreTest, ListsWhatWentOnLastFirst) {
  for (const char* session : {"a", "b", "c"}) {
    Append("o", session, session, true);
    now_ += absl::Seconds(1);
  }
  Append("o", "a", "again");
  const auto list = store_->List("o", 0, 2);
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ(list->at(0).session, "a");
  EXPECT_EQ(list->at(0).turns, 2);
  EXPECT_EQ(list->at(0).title, "a");
  EXPECT_EQ(list->at(1).session, "c");
  EXPECT_EQ(store_->List("o", 2, 9)->at(0).session, "b");
}

TEST_F(ConversationStoreTest, SourcesKeepTheirMarkersAndNewOnesGetNewMarkers) {
  const std::vector<retrieval::Place> places = {At("x"), At("d"), At("x", 50)};
  EXPECT_THAT(*store_->Number("", "s", places), ElementsAre(1, 2, 3));
  Turn turn = MakeTurn("q", 3);
  turn.sources = {{3, At("x", 50)}};
  ASSERT_TRUE(store_->Append("", "s", true, &turn).ok());
  // Marker 3 is the third place's for ever; 1 and 2 were never cited, and are given to nobody.
  EXPECT_THAT(*store_->Number("", "s", places), ElementsAre(4, 5, 3));
  Append("", "s", "more");  // cites d as 1, as if it had been numbered so
  EXPECT_THAT(*store_->Number("", "s", places), ElementsAre(4, 1, 3));
  EXPECT_THAT(*store_->Number("other", "s", places), ElementsAre(1, 2, 3));
}

TEST_F(ConversationStoreTest, WhatHasExpiredIsGone) {
  Append("", "s", "q", true);
  Append("", "young", "q", true);
  now_ += absl::Minutes(59);
  EXPECT_TRUE(store_->Read("", "s", 0, 1).ok());
  Append("", "young", "q");
  now_ += absl::Minutes(1);
  EXPECT_EQ(store_->Read("", "s", 0, 1).status(), absl::NotFoundError("no conversation s"));
  EXPECT_EQ(store_->List("", 0, 9)->size(), 1u);
  ASSERT_TRUE(store_->Sweep().ok());
  now_ -= absl::Minutes(30);  // it would be there still
  EXPECT_FALSE(store_->Read("", "s", 0, 1).ok());
  EXPECT_TRUE(store_->Read("", "young", 0, 1).ok());
}

TEST_F(ConversationStoreTest, NothingOfADeletedOneIsLeftOnDisk) {
  Append("", "s", "the heron flies at midnight", true);
  Append("", "other", "something else", true);
  ASSERT_TRUE(store_->Delete("", "s").ok());
  EXPECT_EQ(store_->Delete("", "s"), absl::NotFoundError("no conversation s"));
  Turn late = MakeTurn("an answer that comes late");
  EXPECT_EQ(store_->Append("", "s", false, &late), absl::NotFoundError("no conversation s"));
  EXPECT_TRUE(store_->Read("", "other", 0, 1).ok());
  store_.reset();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(bytes.find("heron"), std::string::npos) << entry.path();
  }
}

TEST_F(ConversationStoreTest, ASecondProcessIsToldWhy) {
  const auto second = ConversationStore::Open({.directory = directory_.path() / "conversations"});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()),
              ::testing::HasSubstr("are in use by another process"));
}

}  // namespace
}  // namespace citeseek::gateway
