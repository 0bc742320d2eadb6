// crash_writer DIRECTORY SEED: changes an index from several threads until it is killed, and tells
// on stdout what it began and what was acknowledged (crash_common.h).
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/crash/crash_common.h"

namespace citeseek::indexer {
namespace {

void Tell(std::string line) {
  line.push_back('\n');
  // One write of less than PIPE_BUF bytes is not torn by the others'.
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    std::_Exit(3);
  }
}

void Fail(const absl::Status& status) {
  std::fprintf(stderr, "crash_writer: %s\n", status.ToString().c_str());
  std::_Exit(2);
}

void ChangeUntilKilled(Indexer& indexer, int thread, unsigned seed) {
  std::mt19937 random(seed * kThreads + static_cast<unsigned>(thread));
  // Numbers are never used twice: a text found in the index names the call that wrote it.
  unsigned long number = (seed * 1'000'003UL + static_cast<unsigned long>(thread)) * 1'000'000UL;
  while (true) {
    const bool add = random() % 4 != 0;
    std::vector<Document> documents;
    std::vector<DocumentKey> keys;
    std::string line = "begin " + std::to_string(thread) + (add ? " add" : " delete");
    const int first = static_cast<int>(random() % kKeys);
    const int count = 1 + static_cast<int>(random() % 3);
    for (int i = 0; i < count; ++i) {
      const std::string id = KeyName(thread, (first + i) % kKeys);
      if (add) {
        documents.push_back({.id = id, .text = TextOf(++number)});
      } else {
        keys.push_back({id, ""});
      }
      line += " " + id + "=" + std::to_string(add ? number : 0);
    }
    Tell(line);
    std::string done = "done " + std::to_string(thread);
    if (add) {
      const auto added = indexer.Add({.documents = documents});
      if (!added.ok()) Fail(added.status());
      for (const AddResult& result : *added) done += " " + std::to_string(result.version);
    } else {
      const auto deleted = indexer.Delete({.keys = keys});
      if (!deleted.ok()) Fail(deleted.status());
      for (const DeleteResult& result : *deleted) done += result.status.ok() ? " 1" : " 0";
    }
    Tell(done);
    if (random() % 16 == 0) {
      const auto generation = indexer.Commit({});
      if (!generation.ok()) Fail(generation.status());
    }
  }
}

int Run(const std::string& directory, unsigned seed) {
  CrashIndex index(directory);
  auto indexer = OpenIndexer(index.options);
  if (!indexer.ok()) Fail(indexer.status());
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] { ChangeUntilKilled(**indexer, t, seed); });
  }
  return 0;
}

}  // namespace
}  // namespace citeseek::indexer

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  return citeseek::indexer::Run(argv[1], static_cast<unsigned>(std::atoi(argv[2])));
}
