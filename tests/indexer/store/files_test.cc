// The small files: block files, passages, delete bitmaps, manifests, FORMAT. Round trips, and every
// single damaged bit found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "indexer/store/block_file.h"
#include "indexer/store/deletes.h"
#include "indexer/store/manifest.h"
#include "indexer/store/passages.h"
#include "tests/support/temp_directory.h"

namespace citeseek::indexer {
namespace {

using ::testing::HasSubstr;

TEST(BlockFile, GivesBackWhatWasWritten) {
  const TempDirectory directory;
  for (const std::size_t size : {0UL, 1UL, 65535UL, 65536UL, 65537UL, 300'000UL}) {
    const std::string path = directory.path() / std::to_string(size);
    std::string content(size, '\0');
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 31 >> 3);
    auto writer = BlockFileWriter::Create(path);
    ASSERT_TRUE(writer.ok());
    for (std::size_t at = 0; at < size; at += 1000) {
      ASSERT_TRUE(writer->Append(std::string_view(content).substr(at, 1000)).ok());
    }
    EXPECT_EQ(writer->size(), size);
    ASSERT_TRUE(writer->Finish().ok());
    const auto file = BlockFile::Open(path);
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ(AsText(file->content()), content);
  }
}

TEST(BlockFile, EveryDamagedBitAndEveryCutIsFound) {
  const TempDirectory directory;
  const std::string path = directory.path() / "file";
  auto writer = BlockFileWriter::Create(path);
  ASSERT_TRUE(writer->Append("some content").ok());
  ASSERT_TRUE(writer->Finish().ok());
  const std::string whole = *ReadWholeFile(path);
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(VerifyBlocks(AsBytes(bytes)).status().code(), absl::StatusCode::kDataLoss) << bit;
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(VerifyBlocks(AsBytes(whole.substr(0, size))).ok()) << size;
  }
  directory.Write("file", whole.substr(0, 4));
  EXPECT_THAT(std::string(BlockFile::Open(path).status().message()), HasSubstr(path));
  EXPECT_EQ(BlockFile::Open(path + "x").status().code(), absl::StatusCode::kNotFound);
}

PassageTable SmallTable() {
  return {.versions = {4, 9},
          .text_bytes = {100, 5},
          .first_passages = {0, 2, 3},
          .starts = {0, 50, 0},
          .ends = {50, 100, 5},
          .lengths = {7, 8, 1},
          .scales = {1, 1, 0}};
}

absl::StatusOr<BlockFile> WriteTable(const TempDirectory& directory, const PassageTable& table) {
  EXPECT_TRUE(WritePassages(table, directory.path()).ok());
  return BlockFile::Open(directory.path() / "passages");
}

TEST(Passages, KnowTheDocumentsOfPassagesAndVersions) {
  const TempDirectory directory;
  const auto file = WriteTable(directory, SmallTable());
  const auto passages = Passages::Make(file->content());
  ASSERT_TRUE(passages.ok()) << passages.status();
  EXPECT_EQ(passages->document_count(), 2U);
  EXPECT_EQ(passages->passage_count(), 3U);
  EXPECT_EQ(passages->total_length(), 16U);
  EXPECT_EQ(passages->Find(1).document, 0U);
  EXPECT_EQ(passages->Find(1).range.start, 50U);
  EXPECT_EQ(passages->Find(2).document, 1U);
  EXPECT_EQ(passages->DocumentOfVersion(9), 1U);
  EXPECT_EQ(passages->DocumentOfVersion(5), std::nullopt);
}

TEST(Passages, ThatContradictThemselvesAreRefused) {
  const auto refused = [](const PassageTable& table) {
    const TempDirectory directory;
    const auto file = WriteTable(directory, table);
    return Passages::Make(file->content()).status().code() == absl::StatusCode::kDataLoss;
  };
  PassageTable table = SmallTable();
  table.versions[1] = 4;
  EXPECT_TRUE(refused(table));
  table = SmallTable();
  table.first_passages[1] = 4;
  EXPECT_TRUE(refused(table));
  table = SmallTable();
  table.first_passages[1] = 0;
  EXPECT_TRUE(refused(table));
  table = SmallTable();
  table.ends[1] = 101;
  EXPECT_TRUE(refused(table));
  table = SmallTable();
  table.starts[1] = 49;
  EXPECT_TRUE(refused(table));
  table = SmallTable();
  table.scales.pop_back();
  EXPECT_TRUE(refused(table));
}

TEST(Deletes, ComeBackSorted) {
  const TempDirectory directory;
  const std::string path = directory.path() / "deletes";
  for (const std::vector<std::uint32_t>& deleted :
       {std::vector<std::uint32_t>{}, {0}, {1, 2, 3, 70'000, 99'999}}) {
    ASSERT_TRUE(WriteDeletes(path, deleted).ok());
    EXPECT_EQ(*ReadDeletes(path, 100'000), deleted);
  }
  EXPECT_EQ(ReadDeletes(path, 99'999).status().code(), absl::StatusCode::kDataLoss);
}

TEST(Manifest, ComesBackAndEveryDamagedBitIsFound) {
  const Manifest manifest{
      .generation = 7,
      .covered = 99,
      .next_segment = 12,
      .segments = {{.number = 3, .documents = 10, .deleted = 2, .deletes_generation = 6},
                   {.number = 11, .documents = 1}}};
  const std::string whole = EncodeManifest(manifest);
  const auto decoded = DecodeManifest(whole);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(EncodeManifest(*decoded), whole);
  EXPECT_EQ(decoded->segments[0].deletes_generation, 6U);
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(DecodeManifest(bytes).ok()) << bit;
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(DecodeManifest(whole.substr(0, size)).ok()) << size;
  }
}

TEST(Manifest, TheNewestIsTheOneCurrentNames) {
  const TempDirectory directory;
  EXPECT_EQ(*ReadCurrent(directory.path()), 0U);
  ASSERT_TRUE(PublishManifest(directory.path(), {.generation = 4}).ok());
  ASSERT_TRUE(PublishManifest(directory.path(), {.generation = 5}).ok());
  EXPECT_EQ(*ReadCurrent(directory.path()), 5U);
  EXPECT_EQ(ReadManifest(directory.path(), 4)->generation, 4U);
  for (const std::string bad :
       {"", "manifest-5", "manifest-05\n", "manifest-x\n", "manifest-5\n\n"}) {
    directory.Write("CURRENT", bad);
    EXPECT_EQ(ReadCurrent(directory.path()).status().code(), absl::StatusCode::kDataLoss) << bad;
  }
}

TEST(Format, ComesBackAndEveryDamagedByteIsFound) {
  const TempDirectory directory;
  EXPECT_EQ(ReadFormat(directory.path()).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(WriteFormat(directory.path(), {"hashing-v1 dimension 3", 512}).ok());
  EXPECT_EQ(ReadFormat(directory.path())->embedder, "hashing-v1 dimension 3");
  EXPECT_EQ(ReadFormat(directory.path())->dimension, 512);
  const std::string whole = *ReadWholeFile(directory.path() / "FORMAT");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x11);
    directory.Write("FORMAT", bytes);
    EXPECT_FALSE(ReadFormat(directory.path()).ok()) << at;
    directory.Write("FORMAT", whole.substr(0, at));
    EXPECT_FALSE(ReadFormat(directory.path()).ok()) << at;
  }
}

}  // namespace
}  // namespace citeseek::indexer
