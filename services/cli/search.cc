#include <cstdio>
#include <fstream>
#include <iomanip>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "services/cli/batch.h"
#include "services/cli/commands.h"
#include "services/cli/target.h"

namespace citeseek::services {
namespace {

constexpr std::size_t kSnippetBytes = 300;

// The beginning of a passage on one line, cut on a code point.
std::string Snippet(const std::string& text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (line.size() >= kSnippetBytes && (static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      return Printable(line) + "…";
    }
    if (!blank) line += c;
    if (blank && !line.empty() && line.back() != ' ') line += ' ';
  }
  return Printable(line);
}

int Batch(retrieval::Retriever& retriever, const retrieval::Query& form,
          const SearchOptions& options) {
  const auto queries = ReadQueries(options.queries_file);
  if (!queries.ok()) return Fail(queries.status());
  const auto rankings = RunQueries(retriever, *queries, form, options.threads);
  if (!rankings.ok()) return Fail(rankings.status());
  const std::string temporary = options.run_file + ".new";
  std::ofstream run(temporary, std::ios::trunc);
  run << std::setprecision(9);
  for (std::size_t i = 0; i < queries->size(); ++i) {
    const auto& hits = (*rankings)[i].hits;
    for (std::size_t r = 0; r < hits.size(); ++r) {
      run << (*queries)[i].id << " Q0 " << hits[r].document_id << " " << r + 1 << " "
          << hits[r].score << " citeseek\n";
    }
  }
  run.close();
  if (!run || std::rename(temporary.c_str(), options.run_file.c_str()) != 0) {
    return Fail(absl::UnavailableError(absl::StrCat(options.run_file, " cannot be written")));
  }
  return kDone;
}

}  // namespace

int RunSearch(const GlobalOptions& global, const SearchOptions& options) {
  auto filters = ParseFilters(options.scope.filters);
  if (!filters.ok()) return Fail(filters.status(), kWrongUsage);
  Log log("warn");
  const auto app = OpenTarget(global, {ServiceRole::kInference, ServiceRole::kRetrieval}, &log);
  if (!app.ok()) return Fail(app.status());
  retrieval::Query query = {.top_k = options.top_k,
                            .collection = options.scope.collection,
                            .filters = *std::move(filters),
                            .legs = options.legs};
  if (!options.queries_file.empty()) return Batch(*(*app)->retriever(), query, options);
  query.text = ArgumentOrStdin(options.query);
  const auto result = (*app)->retriever()->Search(query);
  if (!result.ok()) return Fail(result.status());
  if (!result->degraded.empty()) std::cerr << "citeseek: " << result->degraded << "\n";
  for (std::size_t i = 0; i < result->hits.size(); ++i) {
    const retrieval::Hit& hit = result->hits[i];
    if (global.json) {
      std::cout << HitJson(hit, i + 1) << "\n";
      continue;
    }
    std::cout << i + 1 << ". " << Printable(hit.title.empty() ? hit.document_id : hit.title)
              << "  (" << Printable(hit.document_id) << ")\n"
              << "   " << Snippet(hit.text) << "\n";
  }
  if (result->hits.empty() && !global.json) std::cout << "nothing found\n";
  return kDone;
}

}  // namespace citeseek::services
