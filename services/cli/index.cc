#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <iostream>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "indexer/parser.h"
#include "services/cli/commands.h"
#include "services/cli/target.h"

namespace citeseek::services {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBatchBytes = 2 << 20;
constexpr std::size_t kBatchDocuments = 2000;

struct File {
  std::string path;
  std::string root;  // cut off the path to make ids
  std::uintmax_t bytes = 0;
};

struct Counts {
  std::size_t files = 0;
  std::size_t documents = 0;
  std::size_t failed = 0;   // files and documents, each named on stderr
  std::size_t skipped = 0;  // files of other types, files without text
  std::uintmax_t text_bytes = 0;
};

std::string FormatBytes(double bytes) {
  if (bytes < 1e3) return absl::StrFormat("%.0f bytes", bytes);
  if (bytes < 1e6) return absl::StrFormat("%.1f KB", bytes / 1e3);
  return absl::StrFormat("%.1f MB", bytes / 1e6);
}

// The files of all paths, folders recursively, in the order of their names.
class FileList {
 public:
  explicit FileList(Counts& counts) : counts_(counts) {}

  void Add(const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) return Report(path, error ? error.message() : "no such file");
    if (fs::is_directory(status)) {
      const std::size_t before = files_.size(), faults = counts_.failed;
      AddFolder(path, path);
      if (files_.size() == before && counts_.failed == faults) {
        std::cerr << "citeseek: " << Printable(path)
                  << " holds no .txt, .md, .html, .htm or .jsonl file\n";
      }
      return;
    }
    if (!indexer::IsSupportedFile(path)) {
      return Report(path, "its type is not one of .txt, .md, .html, .htm, .jsonl");
    }
    AddFile(path, fs::path(path).parent_path().string());
  }

  const std::vector<File>& files() const { return files_; }

 private:
  void Report(const std::string& path, const std::string& reason) {
    ++counts_.failed;
    Fail(absl::NotFoundError(absl::StrCat(path, ": ", reason)));
  }

  void AddFile(const std::string& path, const std::string& root) {
    std::error_code error;
    const auto bytes = fs::file_size(path, error);
    files_.push_back({path, root, error ? 0 : bytes});
  }

  void AddFolder(const std::string& folder, const std::string& root) {
    std::error_code error;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      entries.push_back(*it);
    }
    if (error) return Report(folder, error.message());
    std::ranges::sort(entries);
    for (const fs::directory_entry& entry : entries) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(".")) continue;  // version control and editors keep theirs there
      if (entry.is_directory(error) && !entry.is_symlink(error)) {
        AddFolder(entry.path().string(), root);
      } else if (indexer::IsSupportedFile(entry.path().string())) {
        AddFile(entry.path().string(), root);
      } else {
        ++counts_.skipped;
      }
    }
  }

  Counts& counts_;
  std::vector<File> files_;
};

// A line on a terminal, rewritten; elsewhere a line every 5 s.
class Progress {
 public:
  explicit Progress(std::uintmax_t total) : total_(std::max<std::uintmax_t>(total, 1)) {}

  void Show(std::uintmax_t done, const Counts& counts) {
    const absl::Time now = absl::Now();
    if (now - shown_ < (terminal_ ? absl::Milliseconds(200) : absl::Seconds(5))) return;
    shown_ = now;
    const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
    const absl::Duration left = (now - start_) * ((1 - share) / std::max(share, 1e-3));
    std::cerr << (terminal_ ? "\r\033[K" : "")
              << absl::StrFormat("%3.0f%%  %d documents, %s, %s left", 100 * share,
                                 counts.documents, FormatBytes(static_cast<double>(done)),
                                 absl::FormatDuration(absl::Ceil(left, absl::Seconds(1))))
              << (terminal_ ? "" : "\n") << std::flush;
  }
  void Clear() const {
    if (terminal_) std::cerr << "\r\033[K" << std::flush;
  }
  absl::Duration elapsed() const { return absl::Now() - start_; }

 private:
  const bool terminal_ = isatty(STDERR_FILENO) != 0;
  const std::uintmax_t total_;
  const absl::Time start_ = absl::Now();
  absl::Time shown_ = start_;
};

// Sends batches to the indexer, one ahead of the reading of files.
class Sender {
 public:
  Sender(indexer::Indexer& indexer, Counts& counts) : indexer_(indexer), counts_(counts) {}

  absl::Status Add(indexer::Document document) {
    bytes_ += document.text.size();
    batch_.push_back(std::move(document));
    if (bytes_ < kBatchBytes && batch_.size() < kBatchDocuments) return absl::OkStatus();
    return Flush();
  }

  // Waits for the batch on its way and sends what is there.
  absl::Status Flush() {
    if (auto status = Await(); !status.ok()) return status;
    sent_ = std::move(batch_);
    batch_.clear();
    bytes_ = 0;
    if (sent_.empty()) return absl::OkStatus();
    answer_ = std::async(std::launch::async, [this] { return indexer_.Add({.documents = sent_}); });
    return absl::OkStatus();
  }

  absl::Status Await() {
    if (!answer_.valid()) return absl::OkStatus();
    const auto results = answer_.get();
    if (!results.ok()) return results.status();
    for (std::size_t i = 0; i < results->size(); ++i) {
      const absl::Status& status = (*results)[i].status;
      if (status.ok()) {
        ++counts_.documents;
        counts_.text_bytes += sent_[i].text.size();
      } else {
        ++counts_.failed;
        Fail(absl::Status(status.code(),
                          absl::StrCat(sent_[i].uri.empty() ? sent_[i].id : sent_[i].uri, ": ",
                                       status.message())));
      }
    }
    return absl::OkStatus();
  }

 private:
  indexer::Indexer& indexer_;
  Counts& counts_;
  std::vector<indexer::Document> batch_;
  std::size_t bytes_ = 0;
  std::vector<indexer::Document> sent_;
  std::future<absl::StatusOr<std::vector<indexer::AddResult>>> answer_;
};

void PrintSummary(const Counts& counts, std::uint64_t generation, absl::Duration took, bool json) {
  const auto number = [](auto n) { return static_cast<double>(n); };
  const double seconds = absl::ToDoubleSeconds(took);
  if (json) {
    std::cout << FlatJson({{"files", number(counts.files)},
                           {"documents", number(counts.documents)},
                           {"failed", number(counts.failed)},
                           {"skipped", number(counts.skipped)},
                           {"text_bytes", number(counts.text_bytes)},
                           {"generation", number(generation)},
                           {"seconds", seconds}})
              << "\n";
    return;
  }
  std::cout << absl::StrFormat("indexed %d documents (%s of text) of %d files in %.1f s",
                               counts.documents, FormatBytes(number(counts.text_bytes)),
                               counts.files, seconds);
  if (counts.failed > 0) std::cout << "; " << counts.failed << " failed";
  if (counts.skipped > 0) std::cout << "; " << counts.skipped << " skipped";
  std::cout << "; generation " << generation << "\n";
}

// The other file of this run whose document has the same id, or nothing. Lines of a .jsonl have ids
// of their own, and a later one replaces an earlier one.
std::string OtherFile(const indexer::Document& document, const std::string& path,
                      std::map<std::string, std::string>& paths) {
  if (document.uri != path || path.ends_with(".jsonl")) return "";
  const auto [place, is_new] = paths.try_emplace(document.id, path);
  std::error_code error;
  return is_new || fs::equivalent(place->second, path, error) ? "" : place->second;
}

}  // namespace

int RunIndex(const GlobalOptions& global, const IndexOptions& options) {
  Counts counts;
  FileList list(counts);
  for (const std::string& path : options.paths) list.Add(path);
  if (list.files().empty() && counts.failed > 0) return kFailed;  // makes no data directory
  Log log("warn");
  const auto app = OpenTarget(global, {ServiceRole::kInference, ServiceRole::kIndexer}, &log,
                              /*make=*/true);
  if (!app.ok()) return Fail(app.status());
  indexer::Indexer& indexer = *(*app)->indexer();
  std::uintmax_t total = 0;
  for (const File& file : list.files()) total += file.bytes;

  Progress progress(total);
  Sender sender(indexer, counts);
  std::map<std::string, std::string> paths;  // of the documents that are whole files, by id
  std::uintmax_t done = 0;
  for (const File& file : list.files()) {
    absl::Status fatal;
    std::uintmax_t in_file = 0;  // of a .jsonl: the texts are most of its bytes
    const absl::Status parsed =
        indexer::ParseFile(file.path, file.root, [&](absl::StatusOr<indexer::Document> document) {
          if (!document.ok()) {
            progress.Clear();
            ++counts.failed;
            Fail(document.status());
            return true;
          }
          if (const auto twin = OtherFile(*document, file.path, paths); !twin.empty()) {
            progress.Clear();
            ++counts.failed;
            Fail(absl::AlreadyExistsError(
                absl::StrCat(file.path, ": ", twin, " has the same document id ", document->id,
                             ": index their common folder, or one of them with --collection")));
            return true;
          }
          if (!options.collection.empty()) document->collection = options.collection;
          in_file += document->text.size() + document->title.size();
          fatal = sender.Add(*std::move(document));
          progress.Show(done + std::min(in_file, file.bytes), counts);
          return fatal.ok();
        });
    if (!fatal.ok()) return Fail(fatal);
    if (absl::IsFailedPrecondition(parsed)) {
      ++counts.skipped;
    } else if (!parsed.ok()) {
      progress.Clear();
      ++counts.failed;
      Fail(parsed);
    } else {
      ++counts.files;
    }
    done += file.bytes;
  }
  auto status = sender.Flush();
  if (status.ok()) status = sender.Await();
  if (!status.ok()) return Fail(status);
  const auto generation = indexer.Commit({});
  if (!generation.ok()) return Fail(generation.status());
  progress.Clear();
  PrintSummary(counts, *generation, progress.elapsed(), global.json);
  if (counts.failed == 0) return kDone;
  return counts.documents > 0 ? kPartlyDone : kFailed;
}

}  // namespace citeseek::services
