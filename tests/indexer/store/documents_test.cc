// documents.sst: whole documents and single passages come back, and damage is found.
#include "indexer/store/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "indexer/store/file.h"
#include "tests/support/temp_directory.h"

namespace citeseek::indexer {
namespace {

using ::testing::HasSubstr;

StoredDocument Sample(std::uint64_t version, std::size_t text_bytes) {
  std::mt19937 random(static_cast<unsigned>(version));
  StoredDocument stored{.document = {.id = "id" + std::to_string(version),
                                     .title = "title of " + std::to_string(version),
                                     .uri = "file:///a",
                                     .metadata = {{"lang", "en"}, {"year", "1999"}}},
                        .version = version};
  while (stored.document.text.size() < text_bytes) {
    stored.document.text.push_back(static_cast<char>('a' + random() % 16));
  }
  return stored;
}

void WriteAll(const std::string& directory, const std::vector<StoredDocument>& all) {
  auto writer = DocumentsWriter::Create(directory);
  ASSERT_TRUE(writer.ok()) << writer.status();
  for (const StoredDocument& stored : all) {
    std::string encoded;
    EncodeDocument(stored, encoded);
    ASSERT_TRUE(writer->Add(encoded, stored.document.text.size()).ok());
  }
  ASSERT_TRUE(writer->Finish().ok());
}

TEST(Documents, ComeBackWholeAndByThePassageWhateverTheirSize) {
  const TempDirectory directory;
  std::vector<StoredDocument> all;
  for (const std::size_t bytes :
       {0UL, 1UL, 4095UL, 4096UL, 4097UL, 8192UL, 8193UL, 100'000UL, 5UL}) {
    all.push_back(Sample(10 + all.size(), bytes));
  }
  WriteAll(directory.path(), all);
  const DocumentCache cache(1 << 20);
  for (const DocumentCache* used : {static_cast<const DocumentCache*>(nullptr), &cache}) {
    const auto documents = Documents::Open(directory.path(), used);
    ASSERT_TRUE(documents.ok()) << documents.status();
    ASSERT_EQ(documents->count(), all.size());
    EXPECT_TRUE(documents->VerifyChecksums().ok());
    for (std::uint32_t d = 0; d < all.size(); ++d) {
      const std::string& text = all[d].document.text;
      const auto whole = documents->Read(d);
      ASSERT_TRUE(whole.ok()) << whole.status();
      EXPECT_EQ(whole->version, all[d].version);
      EXPECT_EQ(whole->document.text, text);
      EXPECT_EQ(whole->document.metadata, all[d].document.metadata);
      const auto size = static_cast<std::uint32_t>(text.size());
      for (const std::uint32_t start : {0U, 1U, 4000U, 4096U, 8191U, 50'000U}) {
        for (const std::uint32_t end : {0U, 5U, 4096U, 4097U, 8192U, 9000U, size}) {
          if (start > end || end > size) continue;
          const auto passage = documents->ReadPassage(d, {start, end});
          ASSERT_TRUE(passage.ok()) << passage.status();
          EXPECT_EQ(passage->text, text.substr(start, end - start)) << d << " " << start;
          EXPECT_EQ(passage->document_id, all[d].document.id);
          EXPECT_EQ(passage->title, all[d].document.title);
          EXPECT_EQ(passage->version, all[d].version);
        }
      }
      EXPECT_EQ(documents->ReadPassage(d, {0, size + 1}).status().code(),
                absl::StatusCode::kDataLoss);
    }
    std::uint32_t next = 0;
    const auto visited = documents->ForEach([&](std::uint32_t d, std::string_view encoded) {
      EXPECT_EQ(d, next++);
      EXPECT_EQ(DecodeDocument(encoded)->document.text, all[d].document.text);
      return absl::OkStatus();
    });
    EXPECT_TRUE(visited.ok()) << visited;
    EXPECT_EQ(next, all.size());
    EXPECT_THAT(std::string(documents->Read(next).status().message()),
                HasSubstr("document 9 is missing"));
  }
}

TEST(Documents, ADamagedByteIsNeverReadAsText) {
  const TempDirectory directory;
  const std::vector<StoredDocument> all = {Sample(1, 9000), Sample(2, 100)};
  WriteAll(directory.path(), all);
  const std::string whole = *ReadWholeFile(directory.path() / "documents.sst");
  int found = 0;
  for (std::size_t at = 0; at < whole.size(); at += 41) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x20);
    directory.Write("documents.sst", bytes);
    const auto documents = Documents::Open(directory.path(), nullptr);
    if (!documents.ok()) {
      ++found;
      continue;
    }
    for (std::uint32_t d = 0; d < all.size(); ++d) {
      const auto passage = documents->ReadPassage(d, {0, 100});
      if (passage.ok()) {
        EXPECT_EQ(passage->text, all[d].document.text.substr(0, 100));
      }
      const auto read = documents->Read(d);
      if (read.ok()) {
        EXPECT_EQ(read->document.text, all[d].document.text);
      } else {
        ++found;
      }
    }
  }
  EXPECT_GT(found, 50);
}

}  // namespace
}  // namespace citeseek::indexer
