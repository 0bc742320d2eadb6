#include "indexer/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

namespace citeseek::indexer {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

class ParserTest : public ::testing::Test {
 protected:
  ParserTest() {
    std::string pattern = (fs::temp_directory_path() / "parser_test.XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~ParserTest() override { fs::remove_all(root_); }

  std::string Write(const std::string& name, std::string_view bytes) {
    const fs::path path = fs::path(root_) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }

  absl::Status Parse(const std::string& path) {
    return ParseFile(path, root_, [this](absl::StatusOr<Document> document) {
      if (document.ok()) {
        documents_.push_back(*std::move(document));
      } else {
        errors_.emplace_back(document.status().message());
      }
      return true;
    });
  }

  std::string root_;
  std::vector<Document> documents_;
  std::vector<std::string> errors_;
};

TEST_F(ParserTest, TypesAreToldByExtension) {
  for (const char* name : {"a.txt", "b/a.MD", "a.html", "a.HTM", "a.jsonl", "a.b.markdown"}) {
    EXPECT_TRUE(IsSupportedFile(name)) << name;
  }
  for (const char* name : {"a.pdf", "txt", ".txt", "a.", "a.txt/b", "a.json", ""}) {
    EXPECT_FALSE(IsSupportedFile(name)) << name;
  }
  EXPECT_EQ(Parse(Write("a.pdf", "x")).message(),
            root_ + "/a.pdf: not one of the supported types .txt, .md, .html, .jsonl");
}

TEST_F(ParserTest, TextKeepsItsBytesAndIsNamedByItsPlaceBelowTheRoot) {
  const std::string text = "Ferry times\r\n\r\nThe ferry\tgoes at 9.\r\n";
  const std::string path = Write("sub/ferry.txt", text);
  ASSERT_TRUE(Parse(path).ok());
  ASSERT_EQ(documents_.size(), 1);
  EXPECT_EQ(documents_[0].text, text);
  EXPECT_EQ(documents_[0].id, "sub/ferry.txt");
  EXPECT_EQ(documents_[0].uri, path);
  EXPECT_EQ(documents_[0].title, "Ferry times");
}

TEST_F(ParserTest, IdsDoNotDependOnHowTheRootIsWritten) {
  Write("sub/a.md", "# A\n");
  const auto id = [&](const std::string& path, const std::string& root) {
    std::string found;
    EXPECT_TRUE(ParseFile(path, root, [&](absl::StatusOr<Document> document) {
                  found = document->id;
                  return true;
                }).ok());
    return found;
  };
  const std::string path = root_ + "/sub/a.md";
  EXPECT_EQ(id(path, root_ + "/"), "sub/a.md");
  EXPECT_EQ(id(root_ + "/./sub/../sub/a.md", root_ + "//"), "sub/a.md");
  EXPECT_EQ(id(path, path), "a.md");
  EXPECT_EQ(id(path, "/elsewhere"), "a.md");
  EXPECT_EQ(id(path, ""), path);
}

TEST_F(ParserTest, AByteOrderMarkIsNotPartOfTheText) {
  ASSERT_TRUE(Parse(Write("a.md", "\xEF\xBB\xBF# Title\n")).ok());
  EXPECT_EQ(documents_[0].text, "# Title\n");
  EXPECT_EQ(documents_[0].title, "Title");
}

TEST_F(ParserTest, AFileWithoutATitleIsCalledByItsName) {
  ASSERT_TRUE(Parse(Write("notes.v2.md", "just text")).ok());
  EXPECT_EQ(documents_[0].title, "notes.v2");
}

TEST_F(ParserTest, HtmlBecomesText) {
  ASSERT_TRUE(Parse(Write("a.html", "<meta charset=gbk><title>\xB2\xE8</title><p>\xD4\xC6")).ok());
  EXPECT_EQ(documents_[0].title, "茶");
  EXPECT_EQ(documents_[0].text, "云");
}

TEST_F(ParserTest, JsonlGivesManyDocumentsAndNamesBrokenLines) {
  const std::string path =
      Write("a.jsonl", "{\"_id\":\"1\",\"text\":\"t\"}\nx\n{\"_id\":\"2\",\"text\":\"t\"}");
  ASSERT_TRUE(Parse(path).ok());
  EXPECT_EQ(documents_.size(), 2);
  ASSERT_EQ(errors_.size(), 1);
  EXPECT_THAT(errors_[0], ::testing::StartsWith(path + ":2: is not JSON at byte 1: "));
}

TEST_F(ParserTest, FilesThatCannotBeReadAreNamed) {
  EXPECT_EQ(Parse(root_ + "/no.txt").code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(Parse(root_ + "/no.txt").message()),
              ::testing::StartsWith(root_ + "/no.txt: "));
  fs::create_directory(root_ + "/dir.txt");
  EXPECT_EQ(Parse(root_ + "/dir.txt").message(), root_ + "/dir.txt: is a directory");
  ASSERT_EQ(::mkfifo((root_ + "/pipe.txt").c_str(), 0600), 0);
  EXPECT_EQ(Parse(root_ + "/pipe.txt").message(), root_ + "/pipe.txt: is not a regular file");
}

TEST_F(ParserTest, FilesWithoutPermissionAreNamed) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const std::string path = Write("secret.txt", "x");
  fs::permissions(path, fs::perms::none);
  EXPECT_EQ(Parse(path).code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(ParserTest, BrokenUtf8IsNamedWithItsPlace) {
  const std::string path = Write("a.txt", "caf\xE9 au lait");
  EXPECT_EQ(Parse(path).message(), path + ": not UTF-8 at byte 3");
  const std::string html = Write("a.html", "<p>\xE9");
  EXPECT_EQ(Parse(html).message(), html + ": not UTF-8 at byte 3");
}

TEST_F(ParserTest, EmptyFilesAreSkips) {
  for (const char* name : {"a.txt", "a.md", "a.html"}) {
    const std::string path = Write(name, " \n\n");
    EXPECT_EQ(Parse(path), absl::FailedPreconditionError(path + ": has no text"));
  }
  EXPECT_TRUE(Parse(Write("a.jsonl", "")).ok());
  EXPECT_TRUE(documents_.empty());
}

TEST_F(ParserTest, FilesBeyondTheLimitAreNamedWithIt) {
  const std::string path = Write("big.txt", "");
  fs::resize_file(path, kMaxTextBytes + 1);  // sparse
  EXPECT_EQ(Parse(path).message(),
            path + ": file of 16777217 bytes is longer than the limit of 16777216");
  const std::string html = Write("big.html", "");
  fs::resize_file(html, kMaxHtmlBytes + 1);
  EXPECT_EQ(Parse(html).message(),
            html + ": file of 67108865 bytes is longer than the limit of 67108864");
  const std::string prose = Write("prose.html", std::string(kMaxTextBytes + 1, 'x'));
  EXPECT_EQ(Parse(prose).message(),
            prose + ": text of 16777217 bytes is longer than the limit of 16777216");
}

TEST_F(ParserTest, NulBytesInTextAreKept) {
  ASSERT_TRUE(Parse(Write("a.txt", std::string_view("a\0b", 3))).ok());
  EXPECT_EQ(documents_[0].text.size(), 3);
}

TEST_F(ParserTest, BytesInMemoryAreReadLikeFiles) {
  std::vector<std::string> seen;
  const DocumentSink sink = [&](absl::StatusOr<Document> document) {
    seen.push_back(document.ok() ? document->id + "=" + document->text
                                 : std::string(document.status().message()));
    return true;
  };
  EXPECT_TRUE(ParseBytes("x/a.md", "# A", sink).ok());
  EXPECT_TRUE(ParseBytes("a.jsonl", "{\"_id\":\"7\",\"text\":\"t\"}\n!", sink).ok());
  EXPECT_FALSE(ParseBytes("a.exe", "MZ", sink).ok());
  EXPECT_THAT(seen, ElementsAre("x/a.md=# A", "7=t", ::testing::StartsWith("a.jsonl:2: ")));
}

TEST_F(ParserTest, ASinkThatStopsIsSaidSo) {
  const DocumentSink sink = [](const absl::StatusOr<Document>&) { return false; };
  EXPECT_EQ(ParseBytes("a.md", "# A", sink).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(ParseBytes("a.jsonl", "x\ny\n", sink).code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace citeseek::indexer
