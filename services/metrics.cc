#include "services/metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <exception>

#include "absl/strings/str_cat.h"
#include "services/call_record.h"
#include "services/cli/json.h"

namespace citeseek::services {

namespace {

using Type = prometheus::MetricType;

// Asks for the numbers at each look at the page.
class Collector final : public prometheus::Collectable {
 public:
  using Families = std::vector<prometheus::MetricFamily>;

  explicit Collector(std::function<Families()> collect) : collect_(std::move(collect)) {}
  Families Collect() const override { return collect_(); }

 private:
  const std::function<Families()> collect_;
};

const prometheus::Histogram::BucketBoundaries kSeconds{
    .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 600};

prometheus::MetricFamily Empty(const char* name, const char* help, Type type) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = type;
  return family;
}

void Add(prometheus::MetricFamily& family, double value, const char* label = "",
         const char* label_value = "") {
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  if (*label != '\0') metric.label = {{label, label_value}};
  metric.gauge.value = metric.counter.value = value;
}

prometheus::MetricFamily Family(const char* name, const char* help, Type type, std::int64_t value) {
  prometheus::MetricFamily family = Empty(name, help, type);
  Add(family, static_cast<double>(value));
  return family;
}

Collector::Families EngineFamilies(const inference::EngineStats& s) {
  const Type now = Type::Gauge;
  const Type total = Type::Counter;
  return {
      Family("citeseek_engine_calls_waiting", "Calls that hold no memory yet", now, s.waiting),
      Family("citeseek_engine_calls_running", "Calls that the model answers now", now, s.running),
      Family("citeseek_engine_kv_blocks", "Blocks of the key and value cache", now, s.blocks_total),
      Family("citeseek_engine_kv_blocks_free", "Blocks that no call holds", now, s.blocks_free),
      Family("citeseek_engine_kv_blocks_cached", "Blocks that a prompt may find", now,
             s.blocks_cached),
      Family("citeseek_engine_steps_total", "Forward passes", total, s.steps),
      Family("citeseek_engine_prompt_tokens_total", "Tokens of prompts", total, s.prompt_tokens),
      Family("citeseek_engine_cached_tokens_total", "Tokens of prompts found in the cache", total,
             s.cached_tokens),
      Family("citeseek_engine_completion_tokens_total", "Tokens generated", total,
             s.completion_tokens),
      Family("citeseek_engine_drafted_tokens_total", "Tokens guessed and checked", total,
             s.drafted_tokens),
      Family("citeseek_engine_accepted_tokens_total", "Guessed tokens that were right", total,
             s.accepted_tokens),
      Family("citeseek_engine_preemptions_total", "Calls put back for lack of blocks", total,
             s.preemptions),
      Family("citeseek_engine_calls_finished_total", "Calls answered", total, s.finished),
      Family("citeseek_engine_calls_cancelled_total", "Calls that their caller left", total,
             s.cancelled),
  };
}

// One family a number, with a value a line.
Collector::Families AdmissionFamilies(const gateway::AdmissionStats& s) {
  Collector::Families families;
  const auto add = [&](const char* name, const char* help, Type type, const auto& number) {
    prometheus::MetricFamily& family = families.emplace_back(Empty(name, help, type));
    Add(family, number(s.model), "line", "model");
    Add(family, number(s.reading), "line", "reading");
  };
  using Line = gateway::LineStats;
  add("citeseek_line_waiting", "Questions that wait", Type::Gauge,
      [](const Line& line) { return static_cast<double>(line.waiting); });
  add("citeseek_line_running", "Questions being answered", Type::Gauge,
      [](const Line& line) { return static_cast<double>(line.running); });
  add("citeseek_line_entered_total", "Questions that got their turn", Type::Counter,
      [](const Line& line) { return static_cast<double>(line.entered); });
  add("citeseek_line_left_total", "Questions that left before their turn", Type::Counter,
      [](const Line& line) { return static_cast<double>(line.left); });
  add("citeseek_line_wait_seconds_total", "Time that questions waited", Type::Counter,
      [](const Line& line) { return absl::ToDoubleSeconds(line.waited); });
  add("citeseek_line_estimates_total", "Waits that were told beforehand", Type::Counter,
      [](const Line& line) { return static_cast<double>(line.estimates); });
  add("citeseek_line_estimate_error_seconds_total", "How far these were off", Type::Counter,
      [](const Line& line) { return absl::ToDoubleSeconds(line.estimate_error); });
  prometheus::MetricFamily& rungs = families.emplace_back(
      Empty("citeseek_answers_total", "Answers by the work they got", Type::Counter));
  constexpr std::array<const char*, gateway::kRungs> kNames = {"full", "short", "quick", "extract",
                                                               "results"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    Add(rungs, static_cast<double>(s.answered[i]), "rung", kNames[i]);
  }
  families.push_back(Family("citeseek_answers_lowered_total",
                            "Answers with less work than asked for", Type::Counter, s.lowered));
  families.push_back(Family("citeseek_model_calls_limit",
                            "Questions that the model may answer at once", Type::Gauge,
                            s.model_calls));
  families.push_back(Family("citeseek_answers_overloaded_total", "Questions told to ask again",
                            Type::Counter, s.overloaded));
  return families;
}

Collector::Families AnswerCacheFamilies(const gateway::AnswerCacheStats& s) {
  return {
      Family("citeseek_answer_cache_entries", "Answers kept", Type::Gauge, s.entries),
      Family("citeseek_answer_cache_bytes", "Memory that they take, about", Type::Gauge, s.bytes),
      Family("citeseek_answer_cache_hits_total", "Questions answered from it", Type::Counter,
             s.hits),
      Family("citeseek_answer_cache_misses_total", "Questions answered anew", Type::Counter,
             s.misses),
      Family("citeseek_answer_cache_invalidated_total",
             "Answers dropped because other passages are found now", Type::Counter, s.invalidated)};
}

}  // namespace

struct Metrics::State {
  void Watch(std::function<Collector::Families()> collect) {
    collectors.push_back(std::make_shared<Collector>(std::move(collect)));
    exposer.RegisterCollectable(collectors.back());
  }

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
  prometheus::Family<prometheus::Histogram>& stages =
      prometheus::BuildHistogram()
          .Name("citeseek_stage_seconds")
          .Help("Time that answers spent in each stage")
          .Register(*registry);
  prometheus::Family<prometheus::Counter>& reasons = prometheus::BuildCounter()
                                                         .Name("citeseek_answers_by_reason_total")
                                                         .Help("Answers by how they ended")
                                                         .Register(*registry);
  prometheus::Family<prometheus::Counter>& sentences =
      prometheus::BuildCounter()
          .Name("citeseek_sentences_total")
          .Help("Sentences of answers that state facts, by verdict")
          .Register(*registry);
  prometheus::Family<prometheus::Counter>& tokens =
      prometheus::BuildCounter()
          .Name("citeseek_answer_tokens_total")
          .Help("Tokens of models' prompts and completions")
          .Register(*registry);
  std::vector<std::shared_ptr<Collector>> collectors;
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
  state_->Watch([stats = std::move(stats)] { return EngineFamilies(stats()); });
}

void Metrics::WatchAdmission(std::function<gateway::AdmissionStats()> stats) {
  state_->Watch([stats = std::move(stats)] { return AdmissionFamilies(stats()); });
}

void Metrics::WatchAnswerCache(std::function<gateway::AnswerCacheStats()> stats) {
  state_->Watch([stats = std::move(stats)] { return AnswerCacheFamilies(stats()); });
}

void Metrics::RecordCall(const CallRecord& record) {
  state_->calls
      .Add({{"method", record.method}, {"code", absl::StatusCodeToString(record.status.code())}})
      .Increment();
  state_->seconds.Add({{"method", record.method}}, kSeconds)
      .Observe(absl::ToDoubleSeconds(record.duration));
}

void Metrics::RecordAnswer(const gateway::Answer& answer) {
  const gateway::Receipt& receipt = answer.receipt;
  for (const gateway::Stage& stage : receipt.stages) {
    state_->stages.Add({{"stage", stage.name}}, kSeconds)
        .Observe(absl::ToDoubleSeconds(stage.duration));
  }
  state_->reasons.Add({{"reason", answer.reason}}).Increment();
  for (const gateway::CheckedSentence& sentence : answer.sentences) {
    state_->sentences.Add({{"verdict", VerdictName(sentence.verdict)}}).Increment();
  }
  const auto count = [&](const char* kind, std::int64_t tokens) {
    state_->tokens.Add({{"kind", kind}}).Increment(static_cast<double>(tokens));
  };
  count("prompt", receipt.prompt_tokens);
  count("completion", receipt.completion_tokens);
}

}  // namespace citeseek::services
