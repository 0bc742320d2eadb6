#include "services/metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <exception>

#include "absl/strings/str_cat.h"
#include "services/call.h"

namespace citeseek::services {

namespace {

class EngineCollector final : public prometheus::Collectable {
 public:
  explicit EngineCollector(std::function<inference::EngineStats()> stats)
      : stats_(std::move(stats)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    const inference::EngineStats s = stats_();
    const auto now = prometheus::MetricType::Gauge;
    const auto total = prometheus::MetricType::Counter;
    return {
        Family("calls_waiting", "Calls that hold no memory yet", now, s.waiting),
        Family("calls_running", "Calls that the model answers now", now, s.running),
        Family("kv_blocks", "Blocks of the key and value cache", now, s.blocks_total),
        Family("kv_blocks_free", "Blocks that no call holds", now, s.blocks_free),
        Family("kv_blocks_cached", "Blocks that a prompt may find", now, s.blocks_cached),
        Family("steps_total", "Forward passes", total, s.steps),
        Family("prompt_tokens_total", "Tokens of prompts", total, s.prompt_tokens),
        Family("cached_tokens_total", "Tokens of prompts found in the cache", total,
               s.cached_tokens),
        Family("completion_tokens_total", "Tokens generated", total, s.completion_tokens),
        Family("drafted_tokens_total", "Tokens guessed and checked", total, s.drafted_tokens),
        Family("accepted_tokens_total", "Guessed tokens that were right", total, s.accepted_tokens),
        Family("preemptions_total", "Calls put back for lack of blocks", total, s.preemptions),
        Family("calls_finished_total", "Calls answered", total, s.finished),
        Family("calls_cancelled_total", "Calls that their caller left", total, s.cancelled),
    };
  }

 private:
  static prometheus::MetricFamily Family(const char* name, const char* help,
                                         prometheus::MetricType type, std::int64_t value) {
    prometheus::MetricFamily family;
    family.name = std::string("citeseek_engine_") + name;
    family.help = help;
    family.type = type;
    family.metric.resize(1);
    family.metric[0].gauge.value = family.metric[0].counter.value = static_cast<double>(value);
    return family;
  }

  const std::function<inference::EngineStats()> stats_;
};

}  // namespace

struct Metrics::State {
  explicit State(const std::string& at)
      : host(at.substr(0, at.rfind(':'))),
        exposer(at, 1),
        registry(std::make_shared<prometheus::Registry>()) {
    exposer.RegisterCollectable(registry);
  }

  const std::string host;
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
  std::shared_ptr<EngineCollector> engine;
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

std::string Metrics::address() const {
  return absl::StrCat(state_->host, ":", state_->exposer.GetListeningPorts().at(0));
}

void Metrics::WatchEngine(std::function<inference::EngineStats()> stats) {
  state_->engine = std::make_shared<EngineCollector>(std::move(stats));
  state_->exposer.RegisterCollectable(state_->engine);
}

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
