// index_bench CORPUS.jsonl [DIRECTORY [BATCH]]: documents/s, MB/s and index bytes per input byte of
// indexing a BEIR corpus into a new index, up to the commit that makes all of it visible.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "indexer/indexer.h"
#include "indexer/parser.h"
#include "tests/support/temp_directory.h"

namespace citeseek::indexer {
namespace {

int Run(const std::string& corpus, const std::string& directory, std::size_t batch) {
  std::vector<Document> documents;
  std::size_t bytes = 0;
  const absl::Status parsed = ParseFile(corpus, "", [&](absl::StatusOr<Document> document) {
    if (!document.ok()) return true;
    bytes += document->text.size() + document->title.size();
    documents.push_back(*std::move(document));
    return true;
  });
  if (!parsed.ok() || documents.empty()) {
    std::fprintf(stderr, "%s: %s\n", corpus.c_str(), parsed.ToString().c_str());
    return 1;
  }
  const auto analyzer = MakeAnalyzer();
  const auto embedder = inference::MakeHashingEmbedder();
  const auto indexer =
      OpenIndexer({.directory = directory, .analyzer = analyzer.get(), .embedder = embedder.get()});
  if (!indexer.ok()) {
    std::fprintf(stderr, "%s\n", indexer.status().ToString().c_str());
    return 1;
  }
  const absl::Time start = absl::Now();
  for (std::size_t i = 0; i < documents.size(); i += batch) {
    const std::span<const Document> part(documents.data() + i,
                                         std::min(batch, documents.size() - i));
    const auto added = (*indexer)->Add({.documents = part});
    if (!added.ok()) {
      std::fprintf(stderr, "%s\n", added.status().ToString().c_str());
      return 1;
    }
  }
  const absl::Time acknowledged = absl::Now();
  if (const auto generation = (*indexer)->Commit({}); !generation.ok()) {
    std::fprintf(stderr, "%s\n", generation.status().ToString().c_str());
    return 1;
  }
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  const auto stats = (*indexer)->Stats();
  rusage usage;
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"documents\":%zu,\"passages\":%lu,\"segments\":%lu,\"input_mb\":%.1f,"
      "\"acknowledged_s\":%.2f,\"visible_s\":%.2f,\"documents_per_s\":%.0f,\"mb_per_s\":%.2f,"
      "\"index_mb\":%.1f,\"index_bytes_per_input_byte\":%.2f,\"max_rss_mb\":%.0f}\n",
      documents.size(), static_cast<unsigned long>(stats->passages),
      static_cast<unsigned long>(stats->segments), static_cast<double>(bytes) / 1e6,
      absl::ToDoubleSeconds(acknowledged - start), seconds,
      static_cast<double>(documents.size()) / seconds, static_cast<double>(bytes) / 1e6 / seconds,
      static_cast<double>(stats->bytes_on_disk) / 1e6,
      static_cast<double>(stats->bytes_on_disk) / static_cast<double>(bytes),
      static_cast<double>(usage.ru_maxrss) / 1024);
  return 0;
}

}  // namespace
}  // namespace citeseek::indexer

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s CORPUS.jsonl [DIRECTORY [BATCH]]\n", argv[0]);
    return 64;
  }
  const citeseek::TempDirectory temporary;
  return citeseek::indexer::Run(
      argv[1], argc > 2 ? std::string(argv[2]) : (temporary.path() / "index").string(),
      argc > 3 ? static_cast<std::size_t>(std::max(1, std::atoi(argv[3]))) : 100);
}
