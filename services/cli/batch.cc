#include "services/cli/batch.h"

#include <atomic>
#include <fstream>
#include <iostream>
#include <mutex>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace citeseek::services {
namespace {

absl::Status LineError(const std::string& path, std::size_t line, std::string_view reason) {
  return absl::InvalidArgumentError(absl::StrCat(path, ":", line, ": ", std::string(reason)));
}

absl::StatusOr<std::ifstream> OpenFile(const char* what, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || file.peek() == std::ifstream::traits_type::eof()) {
    return absl::NotFoundError(absl::StrCat(what, " ", path, " cannot be read, or is empty"));
  }
  return file;
}

}  // namespace

absl::StatusOr<std::vector<QueryLine>> ReadQueries(const std::string& path) {
  auto file = OpenFile("queries file", path);
  if (!file.ok()) return file.status();
  std::vector<QueryLine> queries;
  std::string line;
  for (std::size_t number = 1; std::getline(*file, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto query = ParseQueryLine(line);
    if (!query.ok()) return LineError(path, number, std::string(query.status().message()));
    if (query->text.empty()) {
      std::cerr << "citeseek: " << path << ":" << number << ": query " << query->id
                << " is empty and gets no hits\n";
    }
    queries.push_back(*std::move(query));
  }
  return queries;
}

absl::StatusOr<std::map<std::string, retrieval::Judgements>> ReadQrels(const std::string& path) {
  auto file = OpenFile("qrels file", path);
  if (!file.ok()) return file.status();
  std::map<std::string, retrieval::Judgements> qrels;
  std::string line;
  for (std::size_t number = 1; std::getline(*file, line); ++number) {
    const std::vector<std::string> cells =
        absl::StrSplit(line, absl::ByAnyChar("\t \r"), absl::SkipEmpty());
    if (cells.empty()) continue;
    if (cells.size() != 3 && cells.size() != 4) {
      return LineError(path, number, absl::StrCat(cells.size(), " columns are not 3 or 4"));
    }
    int grade = 0;
    if (!absl::SimpleAtoi(cells.back(), &grade)) {
      if (number == 1) continue;  // the header
      return LineError(path, number, absl::StrCat("grade '", cells.back(), "' is not a number"));
    }
    qrels[cells[0]][cells[cells.size() - 2]] = grade;
  }
  return qrels;
}

absl::StatusOr<std::vector<Ranking>> RunQueries(retrieval::Retriever& retriever,
                                                const std::vector<QueryLine>& queries,
                                                const retrieval::Query& form, int threads) {
  std::vector<Ranking> rankings(queries.size());
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  absl::Status failure;
  const auto work = [&] {
    for (std::size_t i = next++; i < queries.size(); i = next++) {
      if (queries[i].text.empty()) continue;  // one hole in a file must not end the run
      retrieval::Query query = form;
      query.text = queries[i].text;
      const absl::Time start = absl::Now();
      auto result = retriever.Search(query);
      rankings[i].latency = absl::Now() - start;
      if (!result.ok()) {
        const std::scoped_lock lock(mutex);
        failure = absl::Status(result.status().code(), absl::StrCat("query ", queries[i].id, ": ",
                                                                    result.status().message()));
        next = queries.size();
        return;
      }
      rankings[i].hits = std::move(result->hits);
    }
  };
  {
    std::vector<std::jthread> workers;
    for (int i = 1; i < threads; ++i) workers.emplace_back(work);
    work();
  }
  if (!failure.ok()) return failure;
  return rankings;
}

}  // namespace citeseek::services
