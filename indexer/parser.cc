#include "indexer/parser.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "indexer/parse/charset.h"
#include "indexer/parse/html.h"
#include "indexer/parse/jsonl.h"
#include "indexer/parse/plain.h"
#include "inference/utf8.h"

namespace citeseek::indexer {
namespace {

constexpr std::size_t kChunkBytes = 1 << 20;

enum class Format { kNone, kPlain, kMarkdown, kHtml, kJsonl };

struct Extension {
  std::string_view name;
  Format format;
};
constexpr Extension kExtensions[] = {
    {".txt", Format::kPlain},         {".text", Format::kPlain}, {".md", Format::kMarkdown},
    {".markdown", Format::kMarkdown}, {".html", Format::kHtml},  {".htm", Format::kHtml},
    {".jsonl", Format::kJsonl},
};

std::string_view FileName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Format FormatOf(std::string_view path) {
  const std::string_view name = FileName(path);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return Format::kNone;
  const std::string extension =
      absl::AsciiStrToLower(absl::string_view(name.data() + dot, name.size() - dot));
  const auto* found = std::ranges::find(kExtensions, extension, &Extension::name);
  return found == std::end(kExtensions) ? Format::kNone : found->format;
}

std::size_t MaxBytes(Format format) {
  return format == Format::kHtml ? kMaxHtmlBytes : kMaxTextBytes;
}

absl::Status Named(std::string_view name, absl::StatusCode code, const std::string& reason) {
  return absl::Status(code, absl::StrCat(std::string(name), ": ", reason));
}
absl::Status Named(std::string_view name, const std::string& reason) {
  return Named(name, absl::StatusCode::kInvalidArgument, reason);
}

absl::Status Unsupported(std::string_view name) {
  return Named(name, "not one of the supported types .txt, .md, .html, .jsonl");
}

absl::Status TooLong(std::string_view name, std::uint64_t bytes, Format format) {
  return Named(name, absl::StrCat("file of ", bytes, " bytes is longer than the limit of ",
                                  MaxBytes(format)));
}

absl::Status Stopped(std::string_view name) {
  return Named(name, absl::StatusCode::kCancelled, "stopped by the caller");
}

// A regular file open for reading.
class File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  absl::Status Open(const std::string& path) {
    // Without O_NONBLOCK a named pipe would wait for a writer.
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat facts {};
    if (descriptor_ < 0 || ::fstat(descriptor_, &facts) != 0) {
      return absl::ErrnoToStatus(errno, path);
    }
    if (S_ISDIR(facts.st_mode)) return Named(path, "is a directory");
    if (!S_ISREG(facts.st_mode)) return Named(path, "is not a regular file");
    size_ = static_cast<std::uint64_t>(facts.st_size);
    return absl::OkStatus();
  }

  // Fewer bytes than asked for only at the end of the file.
  absl::StatusOr<std::size_t> Read(const std::string& path, char* buffer, std::size_t bytes) {
    std::size_t done = 0;
    while (done < bytes) {
      const ssize_t n = ::read(descriptor_, buffer + done, bytes - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return absl::ErrnoToStatus(errno, path);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  std::uint64_t size() const { return size_; }

 private:
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

std::string IdOf(const std::string& path, const std::string& root) {
  if (root.empty()) return path;
  namespace fs = std::filesystem;
  const fs::path file = fs::path(path).lexically_normal();
  const std::string relative = file.lexically_relative(fs::path(root).lexically_normal()).string();
  const bool below =
      !relative.empty() && relative != "." && relative != ".." && !relative.starts_with("../");
  return below ? relative : file.filename().string();
}

// One document from the bytes of a file that is not .jsonl.
absl::StatusOr<Document> MakeDocument(Format format, std::string_view name,
                                      std::string_view bytes) {
  Document document;
  document.uri = std::string(name);
  if (format == Format::kHtml) {
    absl::StatusOr<std::string> utf8 = parse::ToUtf8(bytes);
    if (!utf8.ok()) return Named(name, std::string(utf8.status().message()));
    parse::HtmlPage page = parse::ParseHtml(*utf8);
    document.title = parse::CleanTitle(page.title);
    document.text = std::move(page.text);
  } else {
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    if (const std::size_t valid = inference::ValidUtf8Prefix(bytes); valid != bytes.size()) {
      return Named(name, absl::StrCat("not UTF-8 at byte ", valid));
    }
    document.text = std::string(bytes);
    document.title = format == Format::kMarkdown ? parse::TitleOfMarkdown(bytes)
                                                 : parse::TitleOfPlainText(bytes);
  }
  if (document.text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return Named(name, absl::StatusCode::kFailedPrecondition, "has no text");
  }
  if (document.title.empty()) {
    const std::string_view file = FileName(name);
    document.title = parse::CleanTitle(file.substr(0, file.rfind('.')));
  }
  return document;
}

absl::Status Deliver(Format format, std::string_view name, std::string id, std::string_view bytes,
                     const DocumentSink& sink) {
  if (bytes.size() > MaxBytes(format)) return TooLong(name, bytes.size(), format);
  absl::StatusOr<Document> document = MakeDocument(format, name, bytes);
  if (!document.ok()) return document.status();
  document->id = std::move(id);
  if (const absl::Status valid = ValidateDocument(*document); !valid.ok()) {
    return Named(name, std::string(valid.message()));
  }
  return sink(*std::move(document)) ? absl::OkStatus() : Stopped(name);
}

}  // namespace

bool IsSupportedFile(std::string_view path) { return FormatOf(path) != Format::kNone; }

absl::Status ParseFile(const std::string& path, const std::string& root, const DocumentSink& sink) {
  const Format format = FormatOf(path);
  File file;
  if (absl::Status opened = file.Open(path); !opened.ok()) return opened;
  if (format == Format::kNone) return Unsupported(path);

  if (format == Format::kJsonl) {
    parse::JsonlParser parser(path, sink);
    std::string chunk(kChunkBytes, '\0');
    while (true) {
      const absl::StatusOr<std::size_t> bytes = file.Read(path, chunk.data(), chunk.size());
      if (!bytes.ok()) return bytes.status();
      if (!parser.Push(std::string_view(chunk).substr(0, *bytes))) return Stopped(path);
      if (*bytes < chunk.size()) break;
    }
    return parser.Finish() ? absl::OkStatus() : Stopped(path);
  }

  if (file.size() > MaxBytes(format)) return TooLong(path, file.size(), format);
  std::string bytes(file.size() + 1, '\0');  // one more than there should be: the file may grow
  const absl::StatusOr<std::size_t> read = file.Read(path, bytes.data(), bytes.size());
  if (!read.ok()) return read.status();
  bytes.resize(*read);
  return Deliver(format, path, IdOf(path, root), bytes, sink);
}

absl::Status ParseBytes(std::string_view name, std::string_view bytes, const DocumentSink& sink) {
  const Format format = FormatOf(name);
  if (format == Format::kNone) return Unsupported(name);
  if (format == Format::kJsonl) {
    parse::JsonlParser parser(name, sink);
    return parser.Push(bytes) && parser.Finish() ? absl::OkStatus() : Stopped(name);
  }
  return Deliver(format, name, std::string(name), bytes, sink);
}

}  // namespace citeseek::indexer
