// Batch: many queries at once: reads query and judgement files, runs the queries on threads.
//
// Free functions. Errors name file and line.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "retrieval/evaluation.h"
#include "retrieval/retriever.h"
#include "services/cli/json.h"

namespace citeseek::services {

// One JSON object {"_id", "text", ...} a line. Queries without text are named on stderr.
absl::StatusOr<std::vector<QueryLine>> ReadQueries(const std::string& path);

// "query-id document-id grade" (BEIR, one header line) or "query-id 0 document-id grade" (TREC),
// separated by tabs or blanks.
absl::StatusOr<std::map<std::string, retrieval::Judgements>> ReadQrels(const std::string& path);

struct Ranking {
  std::vector<retrieval::Hit> hits;
  absl::Duration latency;
};

// `form` holds what all queries share. Rankings are in the order of the queries; a query without
// text has no hits; the first query that fails ends the run and is named.
absl::StatusOr<std::vector<Ranking>> RunQueries(retrieval::Retriever& retriever,
                                                const std::vector<QueryLine>& queries,
                                                const retrieval::Query& form, int threads);

}  // namespace citeseek::services
