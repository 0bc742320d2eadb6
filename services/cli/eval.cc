#include <algorithm>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "services/cli/batch.h"
#include "services/cli/commands.h"
#include "services/cli/target.h"

namespace citeseek::services {
namespace {

double PercentileMs(std::vector<absl::Duration> sorted, double share) {
  if (sorted.empty()) return 0;
  const auto last = static_cast<double>(sorted.size() - 1);
  return absl::ToDoubleMilliseconds(sorted[static_cast<std::size_t>(share * last + 0.5)]);
}

}  // namespace

int RunEval(const GlobalOptions& global, const EvalOptions& options) {
  auto filters = ParseFilters(options.scope.filters);
  if (!filters.ok()) return Fail(filters.status(), kWrongUsage);
  auto queries = ReadQueries(options.queries_file);
  if (!queries.ok()) return Fail(queries.status());
  const auto qrels = ReadQrels(options.qrels_file);
  if (!qrels.ok()) return Fail(qrels.status());
  // Queries without a relevant document say nothing about a ranking.
  std::erase_if(*queries, [&](const QueryLine& query) {
    const auto judged = qrels->find(query.id);
    return judged == qrels->end() ||
           std::ranges::none_of(judged->second, [](const auto& entry) { return entry.second > 0; });
  });
  if (queries->empty()) {
    return Fail(absl::InvalidArgumentError(
        absl::StrCat("no query of ", options.queries_file, " is judged in ", options.qrels_file)));
  }
  Log log("warn");
  const auto app = OpenTarget(global, {ServiceRole::kInference, ServiceRole::kRetrieval}, &log);
  if (!app.ok()) return Fail(app.status());
  const absl::Time start = absl::Now();
  const auto rankings = RunQueries(*(*app)->retriever(), *queries,
                                   {.top_k = options.top_k,
                                    .collection = options.scope.collection,
                                    .filters = *std::move(filters),
                                    .legs = options.legs},
                                   options.threads);
  const absl::Duration took = absl::Now() - start;
  if (!rankings.ok()) return Fail(rankings.status());
  retrieval::Metrics sum;
  std::vector<absl::Duration> latencies;
  for (std::size_t i = 0; i < queries->size(); ++i) {
    std::vector<std::string> ids;
    for (const retrieval::Hit& hit : (*rankings)[i].hits) ids.push_back(hit.document_id);
    const auto metrics = retrieval::Evaluate(ids, qrels->at((*queries)[i].id));
    sum.ndcg10 += metrics.ndcg10;
    sum.recall100 += metrics.recall100;
    sum.mrr10 += metrics.mrr10;
    latencies.push_back((*rankings)[i].latency);
  }
  std::ranges::sort(latencies);
  const auto count = static_cast<double>(queries->size());
  const double p50 = PercentileMs(latencies, 0.5), p99 = PercentileMs(latencies, 0.99);
  const double qps = count / absl::ToDoubleSeconds(took);
  if (global.json) {
    std::cout << FlatJson({{"queries", count},
                           {"ndcg10", sum.ndcg10 / count},
                           {"recall100", sum.recall100 / count},
                           {"mrr10", sum.mrr10 / count},
                           {"p50_ms", p50},
                           {"p99_ms", p99},
                           {"qps", qps}})
              << "\n";
  } else {
    std::cout << absl::StrFormat(
        "%d queries  nDCG@10 %.4f  Recall@100 %.4f  MRR@10 %.4f\n"
        "p50 %.2f ms  p99 %.2f ms  %.0f queries/s on %d threads\n",
        queries->size(), sum.ndcg10 / count, sum.recall100 / count, sum.mrr10 / count, p50, p99,
        qps, options.threads);
  }
  return kDone;
}

}  // namespace citeseek::services
