#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "indexer/analyzer.h"
#include "indexer/parser.h"
#include "services/cli/commands.h"
#include "services/cli/json.h"
#include "services/cli/target.h"

namespace citeseek::services {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<std::string> ReadText(const std::string& path) {
  if (path == "-") return ArgumentOrStdin(path);
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad() || fs::is_directory(path)) {
    return absl::NotFoundError(absl::StrCat("--answer ", path, " cannot be read"));
  }
  return text;
}

// The file itself, or those of a folder in the order of their names.
absl::StatusOr<std::vector<std::string>> ListFiles(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (fs::recursive_directory_iterator it(path, error), end; !error && it != end;
       it.increment(error)) {
    const std::string file = it->path().string();
    if (it->is_regular_file() && indexer::IsSupportedFile(file)) files.push_back(file);
  }
  if (error) return absl::ErrnoToStatus(error.value(), path);
  std::ranges::sort(files);
  if (files.empty()) {
    return absl::NotFoundError(
        absl::StrCat(path, " holds no .txt, .md, .html, .htm or .jsonl file"));
  }
  return files;
}

// All or an error: a document that is left out would shift the numbers of the others.
absl::StatusOr<std::vector<indexer::Document>> ReadDocuments(
    const std::vector<std::string>& paths) {
  std::vector<indexer::Document> documents;
  for (const std::string& path : paths) {
    const auto files = ListFiles(path);
    if (!files.ok()) return files.status();
    for (const std::string& file : *files) {
      absl::Status failed;
      const std::string root = fs::path(file).parent_path().string();
      const absl::Status parsed =
          indexer::ParseFile(file, root, [&](absl::StatusOr<indexer::Document> document) {
            failed = document.status();
            if (document.ok()) documents.push_back(*std::move(document));
            return failed.ok();
          });
      if (!failed.ok()) return failed;
      if (!parsed.ok()) return parsed;
    }
  }
  return documents;
}

void Print(std::string_view text, const gateway::CheckReport& report) {
  auto next = report.citations.begin();  // in the order of the sentences
  for (const gateway::CheckedSentence& sentence : report.sentences) {
    std::cout << VerdictName(sentence.verdict) << ": "
              << Printable(text.substr(sentence.start, sentence.end - sentence.start)) << "\n";
    for (; next != report.citations.end() && next->answer_start == sentence.start; ++next) {
      std::cout << "    ";
      if (next->marker != 0) std::cout << "[" << next->marker << "] ";
      std::cout << Printable(next->title.empty() ? next->document_id : next->title) << ": \""
                << Printable(next->quote) << "\"\n";
    }
    for (const std::string& problem : sentence.problems) {
      std::cout << "    " << Printable(problem) << "\n";
    }
  }
  const auto count = [&](gateway::Verdict verdict) {
    return std::ranges::count(report.sentences, verdict, &gateway::CheckedSentence::verdict);
  };
  std::cout << report.sentences.size() << " sentences: " << count(gateway::Verdict::kSupported)
            << " supported, " << count(gateway::Verdict::kPartly) << " partly, "
            << count(gateway::Verdict::kUnsupported) << " unsupported, "
            << count(gateway::Verdict::kUnchecked) << " state no fact\n";
}

}  // namespace

int RunCheck(const GlobalOptions& global, const CheckOptions& options) {
  auto filters = ParseFilters(options.scope.filters);
  if (!filters.ok()) return Fail(filters.status(), kWrongUsage);
  auto text = ReadText(options.answer);
  if (!text.ok()) return Fail(text.status());
  auto documents = ReadDocuments(options.documents);
  if (!documents.ok()) return Fail(documents.status());
  const gateway::CheckRequest request = {.text = *std::move(text),
                                         .documents = *std::move(documents),
                                         .collection = options.scope.collection,
                                         .filters = *std::move(filters)};
  Log log("warn");
  std::unique_ptr<const indexer::Analyzer> analyzer;
  std::unique_ptr<gateway::Answerer> local;
  std::unique_ptr<App> app;
  gateway::Answerer* answerer = nullptr;
  if (!request.documents.empty() && global.server.empty()) {  // needs no index
    analyzer = indexer::MakeAnalyzer();
    local = gateway::MakeAnswerer({.analyzer = analyzer.get()});
    answerer = local.get();
  } else {
    auto opened = OpenTarget(
        global, {ServiceRole::kInference, ServiceRole::kRetrieval, ServiceRole::kGateway}, &log);
    if (!opened.ok()) return Fail(opened.status());
    app = *std::move(opened);
    answerer = app->answerer();
  }
  const auto report = answerer->Check(request);
  if (!report.ok()) return Fail(report.status());
  if (global.json) {
    for (const std::string& line : CheckJson(request.text, *report)) std::cout << line << "\n";
  } else {
    Print(request.text, *report);
  }
  return kDone;
}

}  // namespace citeseek::services
