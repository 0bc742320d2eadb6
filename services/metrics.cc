#include "services/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <exception>

#include "absl/strings/str_cat.h"
#include "services/call.h"

namespace citeseek::services {

struct Metrics::State {
  explicit State(const std::string& address)
      : exposer(address, 1), registry(std::make_shared<prometheus::Registry>()) {
    exposer.RegisterCollectable(registry);
  }

  prometheus::Exposer exposer;
  std::shared_ptr<prometheus::Registry> registry;
  prometheus::Family<prometheus::Counter>& calls = prometheus::BuildCounter()
                                                       .Name("citeseek_rpc_calls_total")
                                                       .Help("Finished calls by method and code")
                                                       .Register(*registry);
  prometheus::Family<prometheus::Histogram>& seconds =
      prometheus::BuildHistogram()
          .Name("citeseek_rpc_seconds")
          .Help("Time from the arrival of a call to its end, by method")
          .Register(*registry);
};

absl::StatusOr<std::unique_ptr<Metrics>> Metrics::Serve(const std::string& address) {
  try {
    return std::unique_ptr<Metrics>(new Metrics(std::make_unique<State>(address)));
  } catch (const std::exception& error) {
    return absl::UnavailableError(
        absl::StrCat("metrics address ", address, " cannot be used: ", error.what()));
  }
}

Metrics::Metrics(std::unique_ptr<State> state) : state_(std::move(state)) {}
Metrics::~Metrics() = default;

void Metrics::RecordCall(const CallRecord& record) {
  state_->calls
      .Add({{"method", record.method}, {"code", absl::StatusCodeToString(record.status.code())}})
      .Increment();
  state_->seconds
      .Add({{"method", record.method}},
           prometheus::Histogram::BucketBoundaries{.0005, .001, .0025, .005, .01, .025, .05, .1,
                                                   .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 600})
      .Observe(absl::ToDoubleSeconds(record.duration));
}

}  // namespace citeseek::services
