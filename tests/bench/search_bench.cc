// search_bench: measures speed and quality of search over the real index, beside peers' figures.
//
//   search_bench --corpus corpus.jsonl --index DIR --queries queries.jsonl|queries.txt
//                [--qrels qrels.tsv] [--top-k 10,100] [--threads 1,2] [--legs lexical,hybrid]
//                [--repeats 3]
//
// Makes the index if DIR does not exist. Without --qrels it measures speed: each query's time is
// its best of `repeats` passes, as in the peers' scripts. With --qrels it measures quality.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "indexer/analyzer.h"
#include "indexer/indexer.h"
#include "indexer/parser.h"
#include "indexer/snapshot.h"
#include "inference/embedder.h"
#include "nlohmann/json.hpp"
#include "retrieval/evaluation.h"
#include "retrieval/hybrid_retriever.h"

namespace citeseek {
namespace {

using Clock = std::chrono::steady_clock;

double MillisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "search_bench: %s\n", value.status().ToString().c_str());
  std::exit(1);
}

// Measured on this kind of machine with the same judgements and, for speed, the corpora of
// make_speed_corpus.py (one thread, milliseconds).
struct Peer {
  const char* set;
  double lucene_ndcg10;
};
constexpr Peer kQualityPeers[] = {
    {"cacm", .4082},    {"chunking_eval", .9893}, {"cppdocs_pages", .6570}, {"cranfield", .3557},
    {"crud_zh", .7138}, {"enwiki_qa", .9126},     {"npl", .4384},           {"rgb_en_fact", .3508},
    {"rgb_zh", .6913},  {"rgb_zh_fact", .4311},   {"rgb_zh_int", .4841},    {"zhwiki_qa", .9759},
};
constexpr const char* kSpeedPeers =
    "peers, 1 thread: en top-10 p50/p95/p99 ms: LanceDB 0.37 2.26/4.26/5.61 (410 QPS), "
    "Lucene 4.10 4.65/11.08/14.65 (193 QPS); top-100 3.77/-/8.07, 4.46/-/13.89\n"
    "                 zh top-10 p50/p95/p99 ms: Lucene 0.12/0.37/0.61 (6438 QPS), "
    "LanceDB 2.27/9.72/15.12 (302 QPS); top-100 Lucene 0.23/-/0.70\n";

struct TestQuery {
  std::string id, text;
};

std::vector<TestQuery> ReadQueries(const std::string& path) {
  std::ifstream file(path);
  std::vector<TestQuery> queries;
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    if (line.front() == '{') {
      const auto json = nlohmann::json::parse(line);
      queries.push_back({json["_id"], json["text"]});
    } else {
      queries.push_back({std::to_string(queries.size()), line});
    }
  }
  return queries;
}

std::map<std::string, retrieval::Judgements> ReadJudgements(const std::string& path) {
  std::ifstream file(path);
  std::map<std::string, retrieval::Judgements> judgements;
  std::string line;
  std::getline(file, line);  // the header
  while (std::getline(file, line)) {
    const auto first = line.find('\t'), second = line.find('\t', first + 1);
    judgements[line.substr(0, first)][line.substr(first + 1, second - first - 1)] =
        std::stoi(line.substr(second + 1));
  }
  return judgements;
}

void MakeIndex(const std::string& corpus, const indexer::IndexerOptions& options) {
  const auto start = Clock::now();
  auto index = OrDie(indexer::OpenIndexer(options));
  std::vector<indexer::Document> batch;
  std::size_t documents = 0, bytes = 0;
  const auto flush = [&] {
    for (const auto& added : OrDie(index->Add({.documents = batch}))) {
      if (!added.status.ok()) std::fprintf(stderr, "%s\n", added.status.ToString().c_str());
    }
    batch.clear();
  };
  std::ifstream file(corpus);
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line);
    indexer::Document& document = batch.emplace_back();
    document.id = json["_id"];
    document.title = json.value("title", "");
    document.text = json["text"];
    bytes += document.text.size();
    ++documents;
    if (batch.size() == 1000) flush();
  }
  flush();
  OrDie(index->Commit({}));
  const double seconds = MillisecondsSince(start) / 1000;
  const auto stats = OrDie(index->Stats());
  std::printf(
      "indexed %zu documents (%.1f MB), %zu passages in %.1f s: %.0f documents/s; "
      "%.1f MB on disk, %zu segments\n",
      documents, static_cast<double>(bytes) / 1e6, std::size_t{stats.passages}, seconds,
      static_cast<double>(documents) / seconds, static_cast<double>(stats.bytes_on_disk) / 1e6,
      std::size_t{stats.segments});
}

retrieval::Legs ParseLegs(const std::string& name) {
  return name == "hybrid"  ? retrieval::Legs::kHybrid
         : name == "dense" ? retrieval::Legs::kDense
                           : retrieval::Legs::kLexical;
}

void MeasureQuality(retrieval::Retriever& retriever, const std::vector<TestQuery>& queries,
                    const std::string& qrels, const std::vector<std::string>& legs) {
  const auto judgements = ReadJudgements(qrels);
  const std::string set = std::filesystem::path(qrels).parent_path().filename();
  for (const std::string& leg : legs) {
    retrieval::Metrics sum;
    double count = 0;
    for (const TestQuery& query : queries) {
      const auto judged = judgements.find(query.id);
      if (judged == judgements.end()) continue;
      const bool any = std::any_of(judged->second.begin(), judged->second.end(),
                                   [](const auto& entry) { return entry.second > 0; });
      if (!any || query.text.empty()) continue;
      const auto result =
          OrDie(retriever.Search({.text = query.text, .top_k = 100, .legs = ParseLegs(leg)}));
      std::vector<std::string> ranking;
      for (const auto& hit : result.hits) ranking.push_back(hit.document_id);
      const auto metrics = retrieval::Evaluate(ranking, judged->second);
      sum.ndcg10 += metrics.ndcg10;
      sum.recall100 += metrics.recall100;
      sum.mrr10 += metrics.mrr10;
      ++count;
    }
    std::printf("%-14s %-8s nDCG@10 %.4f  Recall@100 %.4f  MRR@10 %.4f  (%.0f queries)",
                set.c_str(), leg.c_str(), sum.ndcg10 / count, sum.recall100 / count,
                sum.mrr10 / count, count);
    for (const Peer& peer : kQualityPeers) {
      if (set == peer.set) {
        std::printf("  Lucene %.4f (%+.4f)", peer.lucene_ndcg10,
                    sum.ndcg10 / count - peer.lucene_ndcg10);
      }
    }
    std::printf("\n");
  }
}

struct SpeedRun {
  retrieval::Legs legs;
  int top_k = 10;
  int threads = 1;
  int repeats = 3;
};

void MeasureSpeed(retrieval::Retriever& retriever, const std::vector<TestQuery>& queries,
                  const SpeedRun& run, const std::string& leg) {
  std::vector<double> best(queries.size(), 1e9);
  double fastest_pass = 1e18;
  std::vector<retrieval::SearchStats> stages(queries.size());
  for (int pass = 0; pass < run.repeats; ++pass) {
    const auto start = Clock::now();
    std::vector<std::jthread> threads;
    for (int t = 0; t < run.threads; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t q = static_cast<std::size_t>(t); q < queries.size();
             q += static_cast<std::size_t>(run.threads)) {
          const auto begin = Clock::now();
          const auto result =
              retriever.Search({.text = queries[q].text, .top_k = run.top_k, .legs = run.legs});
          const double took = MillisecondsSince(begin);
          if (!result.ok()) std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
          if (took > best[q] || !result.ok()) continue;
          best[q] = took;
          stages[q] = result->stats;
        }
      });
    }
    threads.clear();
    fastest_pass = std::min(fastest_pass, MillisecondsSince(start));
  }
  const auto mean = [&](absl::Duration retrieval::SearchStats::*stage) {
    absl::Duration sum;
    for (const auto& stats : stages) sum += stats.*stage;
    return absl::ToDoubleMilliseconds(sum) / static_cast<double>(stages.size());
  };
  std::sort(best.begin(), best.end());
  const auto at = [&](double share) {
    return best[std::min(best.size() - 1,
                         static_cast<std::size_t>(share * static_cast<double>(best.size())))];
  };
  std::printf("%-8s top-%-4d %d threads: p50 %.3f  p95 %.3f  p99 %.3f  max %.3f ms  %.0f QPS\n",
              leg.c_str(), run.top_k, run.threads, at(.5), at(.95), at(.99), best.back(),
              1000 * static_cast<double>(queries.size()) / fastest_pass);
  using Stats = retrieval::SearchStats;
  std::printf("         means: analyze %.3f  lexical %.3f  dense %.3f  fuse %.3f  fetch %.3f ms\n",
              mean(&Stats::analyze), mean(&Stats::lexical), mean(&Stats::dense), mean(&Stats::fuse),
              mean(&Stats::fetch));
  std::fflush(stdout);
}

}  // namespace
}  // namespace citeseek

int main(int argc, char** argv) {
  using namespace citeseek;
  CLI::App app("search_bench: speed and quality of search over the real index");
  std::string corpus, directory, query_file, qrels;
  std::vector<int> top_ks = {10, 100}, thread_counts = {1, 2};
  std::vector<std::string> legs = {"lexical", "hybrid"};
  int repeats = 3;
  retrieval::HybridOptions options;
  app.add_option("--corpus", corpus);
  app.add_option("--index", directory)->required();
  app.add_option("--queries", query_file)->required();
  app.add_option("--qrels", qrels);
  app.add_option("--top-k", top_ks)->delimiter(',');
  app.add_option("--threads", thread_counts)->delimiter(',');
  app.add_option("--legs", legs)->delimiter(',');
  app.add_option("--repeats", repeats);
  app.add_option("--k1", options.bm25_k1);
  app.add_option("--b", options.bm25_b);
  double dense_weight = 0;
  const auto* weighed = app.add_option("--dense-weight", dense_weight);
  CLI11_PARSE(app, argc, argv);
  if (weighed->count() > 0) options.dense_weight = dense_weight;

  const auto analyzer = indexer::MakeAnalyzer();
  const auto embedder = inference::MakeHashingEmbedder();
  if (!std::filesystem::exists(directory)) {
    MakeIndex(corpus, {.directory = directory,
                       .analyzer = analyzer.get(),
                       .embedder = embedder.get(),
                       .commit_interval = absl::Hours(1)});
  }
  const auto snapshots = OrDie(indexer::OpenSnapshotSource(directory));
  options.snapshots = snapshots.get();
  options.analyzer = analyzer.get();
  options.embedder = embedder.get();
  const auto retriever = retrieval::MakeHybridRetriever(options);
  const auto queries = ReadQueries(query_file);
  if (!qrels.empty()) {
    MeasureQuality(*retriever, queries, qrels, legs);
    return 0;
  }
  std::printf("%s", kSpeedPeers);
  for (const std::string& leg : legs) {
    for (const int top_k : top_ks) {
      for (const int threads : thread_counts) {
        MeasureSpeed(
            *retriever, queries,
            {.legs = ParseLegs(leg), .top_k = top_k, .threads = threads, .repeats = repeats}, leg);
      }
    }
  }
  return 0;
}
