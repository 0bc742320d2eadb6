// What fsck finds and recovery mends: each kind of fault is planted and must be named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "indexer/indexer.h"
#include "indexer/snapshot.h"
#include "indexer/store/deletes.h"
#include "indexer/store/file.h"
#include "indexer/store/log.h"
#include "indexer/store/manifest.h"
#include "indexer/store/segment_files.h"
#include "tests/support/temp_directory.h"
#include "tests/support/word_embedder.h"

namespace citeseek::indexer {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr int kDimension = 64;

// An index of generation 3: "a" (deleted) and "b" in segment 1, "c" in segment 2.
class CheckIndexTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Open();
    Add("a", "red fox");
    Add("b", "red hen and a fox");
    Commit();
    Add("c", "blue fox " + std::string(9000, 'x'));
    Commit();
    Delete("a");
    Commit();
    indexer_.reset();
    ASSERT_EQ(Faults(), "");
    ASSERT_EQ(*ReadCurrent(Path("")), 3U);
  }

  std::string Path(const std::string& name) const { return directory_.path() / "index" / name; }

  absl::Status TryOpen(std::size_t per_tier = 8) {
    auto opened = OpenIndexer({.directory = Path(""),
                               .analyzer = &analyzer_,
                               .embedder = &embedder_,
                               .commit_interval = absl::Hours(1),
                               .max_segments_per_tier = per_tier});
    if (opened.ok()) indexer_ = *std::move(opened);
    return opened.status();
  }
  void Open() {
    const absl::Status opened = TryOpen();
    ASSERT_TRUE(opened.ok()) << opened;
  }
  void Add(const std::string& id, const std::string& text) {
    const Document document{.id = id, .text = text, .metadata = {{"lang", "en"}}};
    ASSERT_TRUE((*indexer_->Add({.documents = {&document, 1}}))[0].status.ok());
  }
  void Delete(const std::string& id) {
    const DocumentKey key{id, ""};
    ASSERT_TRUE((*indexer_->Delete({.keys = {&key, 1}}))[0].status.ok());
  }
  void Commit() {
    const auto generation = indexer_->Commit({});
    ASSERT_TRUE(generation.ok()) << generation.status();
  }

  // What CheckIndex says; empty if all is sound.
  std::string Faults() const {
    const auto report = CheckIndex(Path(""));
    return std::string(report.status().message());
  }
  void Flip(const std::string& name, std::size_t at) {
    std::string bytes = *ReadWholeFile(Path(name));
    ASSERT_LT(at, bytes.size());
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    directory_.Write("index/" + name, bytes);
  }
  // Ids of the live documents of the newest generation.
  std::vector<std::string> Live() const {
    std::vector<std::string> ids;
    const auto snapshot = (*OpenSnapshotSource(Path("")))->Latest();
    for (const auto& segment : (*snapshot)->segments()) {
      for (std::uint32_t d = 0; d < segment->document_count(); ++d) {
        if (segment->IsLive(segment->FirstPassage(d))) {
          ids.push_back(segment->document(d)->document.id);
        }
      }
    }
    return ids;
  }

  // Writes the lists of segment 1 anew after `change`.
  using Lists = std::map<std::string, std::vector<Posting>>;
  void RewritePostings(const std::function<void(Lists&)>& change) {
    Lists lists;
    std::vector<std::uint32_t> lengths;
    {
      const auto files = OpenSegmentFiles(Path("segment-1"), kDimension, nullptr);
      ASSERT_TRUE(files.ok()) << files.status();
      const auto all = (*files)->passages.lengths();
      lengths.assign(all.begin(), all.end());
      Lexicon::Walker walker((*files)->lexicon);
      while (walker.Next()) {
        const auto cursor =
            MakePostingCursor(walker.list(), static_cast<std::uint32_t>(lengths.size()));
        cursor->SeekBlock(0);
        for (std::size_t i = 0; i < cursor->passages().size(); ++i) {
          lists[std::string(walker.term())].push_back(
              {cursor->passages()[i], cursor->frequencies()[i]});
        }
      }
    }
    change(lists);
    auto writer = LexiconWriter::Create(Path("segment-1"));
    ASSERT_TRUE(writer.ok()) << writer.status();
    for (const auto& [term, postings] : lists) {
      ASSERT_TRUE(postings.empty() || writer->Add(term, postings, lengths).ok());
    }
    ASSERT_TRUE(writer->Finish().ok());
  }

  TempDirectory directory_;
  tests::WordAnalyzer analyzer_;
  tests::WordEmbedder embedder_;
  std::unique_ptr<Indexer> indexer_;
};

TEST_F(CheckIndexTest, AFlippedByteIsFoundInEveryFileAndTheFileNamed) {
  for (const std::string name :
       {"FORMAT", "CURRENT", "manifest-3", "deletes-1-3", "segment-1/terms", "segment-1/postings",
        "segment-1/passages", "segment-1/vectors.faiss", "segment-1/documents.sst",
        "segment-2/documents.sst"}) {
    const std::string whole = *ReadWholeFile(Path(name));
    for (const std::size_t at : {std::size_t{0}, whole.size() / 3, whole.size() / 2}) {
      Flip(name, at);
      EXPECT_THAT(Faults(), AnyOf(HasSubstr(name), HasSubstr("is of version"))) << at;
      directory_.Write("index/" + name, whole);
    }
  }
  EXPECT_EQ(Faults(), "");
}

TEST_F(CheckIndexTest, AFlippedByteInTheLogIsFound) {
  Open();
  Add("d", "pending " + std::string(500, 'y'));
  Add("e", "pending, too");
  indexer_.reset();
  int flipped = 0;
  for (const auto& entry : std::filesystem::directory_iterator(Path("log"))) {
    if (entry.path().extension() != ".log" || entry.file_size() < 500) continue;
    Flip("log/" + entry.path().filename().string(), 200);
    ++flipped;
  }
  ASSERT_EQ(flipped, 1);
  EXPECT_THAT(Faults(), HasSubstr("log"));
}

TEST_F(CheckIndexTest, AllFaultsAreToldNotOnlyTheFirst) {
  Flip("segment-1/terms", 20);
  Flip("segment-1/vectors.faiss", 100);
  Flip("segment-2/postings", 10);
  EXPECT_THAT(Faults(), AllOf(HasSubstr("segment-1/terms"), HasSubstr("segment-1/vectors.faiss"),
                              HasSubstr("segment-2/postings"),
                              HasSubstr("2 documents are in no segment that can be read")));
}

TEST_F(CheckIndexTest, MissingFilesAreNamed) {
  std::filesystem::remove(Path("segment-1/passages"));
  std::filesystem::remove(Path("segment-1/documents.sst"));
  std::filesystem::remove_all(Path("segment-2"));
  EXPECT_THAT(Faults(), AllOf(HasSubstr("segment-1/passages"), HasSubstr("segment-1/documents.sst"),
                              HasSubstr("segment-2/terms")));
}

TEST_F(CheckIndexTest, ADroppedPostingIsFound) {
  RewritePostings([](Lists& lists) { lists.at("fox").pop_back(); });
  EXPECT_THAT(Faults(), HasSubstr("segment-1: passage 1 has 4 terms in the postings and 5"));
}

TEST_F(CheckIndexTest, ADroppedMetadataPostingIsFound) {
  RewritePostings([](Lists& lists) {
    lists.at(MetadataTerm("lang", "en")).erase(lists.at(MetadataTerm("lang", "en")).begin());
  });
  EXPECT_THAT(Faults(), HasSubstr("segment-1: document 0: passage 0 has other metadata"));
}

TEST_F(CheckIndexTest, ABitmapOfOtherDocumentsIsFoundBothWays) {
  ASSERT_TRUE(WriteDeletes(Path("deletes-1-3"), std::vector<std::uint32_t>{1}).ok());
  EXPECT_THAT(Faults(), AllOf(HasSubstr("log: document b of collection default has version 2"),
                              HasSubstr("log: document a of collection default is not known")));
}

TEST_F(CheckIndexTest, AKeyWithoutDocumentIsFound) {
  {
    auto log = Log::Open(Path("log"));
    ASSERT_TRUE(log.ok()) << log.status();
    const Document ghost{.id = "ghost", .text = "boo"};
    std::vector<Change> changes(1);
    changes[0].document = &ghost;
    ASSERT_TRUE((*log)->Write(changes).ok());
    ASSERT_TRUE((*log)->Trim((*log)->last_sequence()).ok());
  }
  EXPECT_THAT(Faults(), AllOf(HasSubstr("trimmed past"), HasSubstr("document ghost")));
}

TEST_F(CheckIndexTest, ALostCurrentIsMendedFromTheNewestManifestAndTheLog) {
  Open();
  Delete("b");  // in the log alone
  Add("d", "pending fox");
  indexer_.reset();
  std::uint64_t generation = 3;
  for (const std::string content : {"", "manifest-2", "nonsense\n", "manifest-99\n"}) {
    if (content.empty()) {
      std::filesystem::remove(Path("CURRENT"));
    } else {
      directory_.Write("index/CURRENT", content);
    }
    EXPECT_NE(Faults(), "") << content;
    Open();
    EXPECT_FALSE(indexer_->Get({.key = {"a", ""}}).ok()) << content;
    EXPECT_FALSE(indexer_->Get({.key = {"b", ""}}).ok()) << content;
    Commit();
    EXPECT_GT(indexer_->Stats()->generation, generation);
    generation = indexer_->Stats()->generation;
    EXPECT_THAT(Live(), UnorderedElementsAre("c", "d")) << content;
    indexer_.reset();
    EXPECT_EQ(Faults(), "") << content;
  }
}

TEST_F(CheckIndexTest, AGenerationThatWouldBringBackDeletedDocumentsIsRefusedAndNothingRemoved) {
  const std::string manifest = *ReadWholeFile(Path("manifest-3"));
  Flip("manifest-3", 20);
  const absl::Status opened = TryOpen();
  EXPECT_EQ(opened.code(), absl::StatusCode::kDataLoss) << opened;
  EXPECT_THAT(std::string(opened.message()), HasSubstr("manifest-3"));
  directory_.Write("index/manifest-3", manifest);
  Open();
  EXPECT_THAT(Live(), UnorderedElementsAre("b", "c"));
}

TEST_F(CheckIndexTest, AMergeThatIsLostIsDoneAgain) {
  ASSERT_TRUE(TryOpen(2).ok());
  const absl::Time limit = absl::Now() + absl::Seconds(30);
  while (*ReadCurrent(Path("")) < 4 && absl::Now() < limit) std::this_thread::yield();
  indexer_.reset();
  ASSERT_EQ(*ReadCurrent(Path("")), 4U);
  EXPECT_EQ(ReadManifest(Path(""), 4)->segments.size(), 1U);
  Flip("manifest-4", 30);
  Open();
  EXPECT_GT(indexer_->Stats()->generation, 4U);
  EXPECT_EQ(indexer_->Stats()->segments, 2U);
  EXPECT_THAT(Live(), UnorderedElementsAre("b", "c"));
  indexer_.reset();
  EXPECT_EQ(Faults(), "");
}

}  // namespace
}  // namespace citeseek::indexer
