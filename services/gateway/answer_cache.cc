#include "services/gateway/answer_cache.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/gateway/digest.h"
#include "services/gateway/reading.h"

namespace citeseek::gateway {
namespace {

constexpr std::size_t kEntryBytes = 512;  // of what holds the texts
constexpr std::size_t kCitationBytes = 256;

// Blanks count as one, those around and the closing marks as none.
std::string Normalised(std::string_view question) {
  std::string text;
  for (const char c : question) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!blank) {
      text += c;
    } else if (!text.empty() && text.back() != ' ') {
      text += ' ';
    }
  }
  for (bool cut = true; cut;) {
    cut = false;
    for (std::string_view end : {" ", "?", "？", ".", "。", "!", "！"}) {
      if (text.size() <= end.size() || !text.ends_with(end)) continue;
      text.resize(text.size() - end.size());
      cut = true;
    }
  }
  return text;
}

// Every bit of a number.
void AddNumber(std::string* key, double value) { absl::StrAppendFormat(key, "%a ", value); }

// Length first: no value looks like two.
void Add(std::string* key, std::string_view value) {
  absl::StrAppend(key, value.size(), ":", std::string(value));
}

void Add(std::string* key, const Drawing& drawing) {
  AddNumber(key, drawing.temperature.value_or(-1));
  AddNumber(key, drawing.top_p.value_or(-1));
  AddNumber(key, drawing.presence_penalty);
  AddNumber(key, drawing.frequency_penalty);
  absl::StrAppend(key, drawing.max_tokens, " ", drawing.stop.size(), " ");
  for (const std::string& stop : drawing.stop) Add(key, stop);
}

std::int64_t BytesOf(const std::vector<Event>& events, const std::vector<retrieval::Hit>& hits,
                     const Answer& answer) {
  // Text and citations are held by the events and by the answer.
  std::size_t bytes = kEntryBytes + 2 * (answer.text.size() + answer.thought.size());
  for (const Citation& c : answer.citations) {
    bytes += 2 * (kCitationBytes + c.quote.size() + c.title.size() + c.uri.size());
  }
  for (const CheckedSentence& sentence : answer.sentences) {
    for (const std::string& problem : sentence.problems) bytes += 2 * problem.size();
  }
  for (const retrieval::Hit& hit : hits) {
    bytes += kCitationBytes + hit.text.size() + hit.title.size() + hit.uri.size();
  }
  bytes += answer.receipt.sources.size() * kCitationBytes + events.size() * sizeof(Event);
  return static_cast<std::int64_t>(bytes);
}

// Pieces of text that follow each other become one.
void Append(const Event& event, std::vector<Event>* events) {
  if (!events->empty() && events->back().index() == event.index()) {
    if (const auto* thought = std::get_if<ThoughtEvent>(&event)) {
      std::get<ThoughtEvent>(events->back()).text += thought->text;
      return;
    }
    if (const auto* answer = std::get_if<AnswerEvent>(&event)) {
      std::get<AnswerEvent>(events->back()).text += answer->text;
      return;
    }
  }
  events->push_back(event);
}

// What was searched for more than once has read what one search does not bring.
bool IsPlanned(const Answer& answer) {
  const std::vector<Stage>& stages = answer.receipt.stages;
  return std::any_of(stages.begin(), stages.end(), [](const Stage& s) { return s.name == "plan"; });
}

bool IsWorthKeeping(const Answer& answer) {
  return answer.receipt.degraded.empty() && !answer.receipt.cached &&
         (answer.reason == "answered" || answer.reason == "no_evidence");
}

bool SamePassages(const std::vector<Source>& sources, const std::vector<retrieval::Hit>& hits,
                  std::vector<int>* markers) {
  const auto same = [](const Source& s, const retrieval::Hit& h) {
    const retrieval::Place& p = s.place;
    return std::tie(p.document_id, p.collection, p.version, p.start, p.end) ==
           std::tie(h.document_id, h.collection, h.version, h.start, h.end);
  };
  for (const Source& source : sources) markers->push_back(source.marker);
  return std::equal(sources.begin(), sources.end(), hits.begin(), hits.end(), same);
}

}  // namespace

std::string AnswerCache::KeyOf(const Question& question) const {
  std::string key;
  Add(&key, Normalised(AskedText(question)));
  absl::StrAppend(&key, static_cast<int>(question.mode), " ", static_cast<int>(question.rung), " ",
                  question.top_k, " ", question.thinking_budget, " ", question.seed, " ",
                  question.follow_ups ? 1 : 0, " ");
  Add(&key, question.collection);
  std::vector<std::pair<std::string, std::string>> filters;
  for (const retrieval::Filter& filter : question.filters) {
    filters.emplace_back(filter.field, filter.value);
  }
  std::sort(filters.begin(), filters.end());
  for (const auto& [field, value] : filters) {
    Add(&key, field);
    Add(&key, value);
  }
  Add(&key, kRecipe);
  const std::string model = question.mode == Mode::kExtract ? "" : options_.model();
  Add(&key, model);
  if (!model.empty()) {
    Add(&key, question.drawing);
    // What else its prompt says: the turns before, and the day.
    std::string turns;
    for (const Turn& turn : question.history) {
      Add(&turns, turn.question);
      Add(&turns, turn.answer);
    }
    if (!turns.empty()) Add(&turns, question.text);
    Add(&key, turns.empty() ? "" : Sha256Hex(turns));
    Add(&key, absl::FormatTime("%Y-%m-%d", options_.now(), absl::LocalTimeZone()));
  }
  return key;
}

absl::StatusOr<Answer> AnswerCache::Ask(const Question& question, const EventSink& sink) {
  if (options_.bytes <= 0) return options_.answerer->Ask(question, sink);
  if (absl::Status valid = CheckQuestion(question); !valid.ok()) return valid;
  const absl::Time start = absl::Now();
  const std::string key = KeyOf(question);
  std::optional<Entry> known;
  if (!question.no_cache) known = Find(key);
  if (known) {
    absl::StatusOr<retrieval::Result> result = options_.retriever->Search(ReadingQuery(question));
    if (!result.ok()) return result.status();
    ChooseHits(question, &result->hits);
    const Receipt& receipt = known->answer.receipt;
    const bool planned = IsPlanned(known->answer);
    if (planned) result->hits = known->hits;
    std::vector<int> markers, wanted;
    const bool same = SamePassages(receipt.sources, result->hits, &markers) &&
                      (!planned || receipt.generation == result->generation);
    if (same && question.numbering) {
      absl::StatusOr<std::vector<int>> numbers = question.numbering(result->hits);
      if (!numbers.ok()) return numbers.status();
      wanted = *std::move(numbers);
    } else {
      for (std::size_t i = 1; i <= markers.size(); ++i) wanted.push_back(static_cast<int>(i));
    }
    if (same && markers == wanted) {
      return Give(question, *std::move(known), *std::move(result), start, sink);
    }
    if (!same) Drop(key, receipt.request_id);
  }
  {
    const std::scoped_lock lock(mutex_);
    ++stats_.misses;
  }
  Entry entry{.key = key};
  const absl::StatusOr<Answer> answer = options_.answerer->Ask(question, [&](const Event& event) {
    const bool kept = !std::holds_alternative<QueuedEvent>(event) &&
                      !std::holds_alternative<SearchedEvent>(event) &&
                      !std::holds_alternative<FinishedEvent>(event);
    if (kept) Append(event, &entry.events);
    if (const auto* searched = std::get_if<SearchedEvent>(&event)) entry.hits = searched->hits;
    return sink(event);
  });
  if (!answer.ok() || !IsWorthKeeping(*answer)) return answer;
  // A model that nobody can name beforehand may be another one the next time.
  if (!answer->receipt.model.empty() && options_.model().empty()) return answer;
  if (!IsPlanned(*answer)) entry.hits = {};  // the search will bring them
  entry.answer = *answer;
  entry.bytes = BytesOf(entry.events, entry.hits, entry.answer);
  Keep(std::move(entry));
  return answer;
}

absl::StatusOr<Answer> AnswerCache::Give(const Question& question, Entry entry,
                                         retrieval::Result result, absl::Time start,
                                         const EventSink& sink) {
  {
    const std::scoped_lock lock(mutex_);
    ++stats_.hits;
  }
  Answer answer = std::move(entry.answer);
  Receipt& receipt = answer.receipt;
  receipt.request_id = question.request_id.empty() ? MakeRequestId() : question.request_id;
  receipt.question = question.text;
  receipt.rewritten_question = question.rewritten;
  receipt.generation = result.generation;
  receipt.prompt_tokens = receipt.completion_tokens = receipt.cached_tokens = 0;
  receipt.cached = true;
  receipt.stages = {{"retrieve", absl::Now() - start}};
  SearchedEvent searched{.hits = std::move(result.hits),
                         .generation = result.generation,
                         .rewritten_question = question.rewritten};
  for (const Source& source : receipt.sources) searched.markers.push_back(source.marker);
  // What became of parts is told before what was found.
  const auto rest = std::find_if(entry.events.begin(), entry.events.end(), [](const Event& event) {
    return !std::holds_alternative<PartEvent>(event);
  });
  bool taken = sink(QueuedEvent{.rung = receipt.rung, .request_id = receipt.request_id});
  for (auto event = entry.events.begin(); event != rest; ++event) taken = taken && sink(*event);
  taken = taken && sink(searched);
  for (auto event = rest; event != entry.events.end(); ++event) taken = taken && sink(*event);
  receipt.total = absl::Now() - start;
  if (taken && sink(FinishedEvent{answer})) return answer;
  return absl::CancelledError("the asker cancelled");
}

std::optional<AnswerCache::Entry> AnswerCache::Find(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found->second);
  return *found->second;
}

// Unless another answer has taken the place meanwhile.
void AnswerCache::Drop(const std::string& key, const std::string& request_id) {
  const std::scoped_lock lock(mutex_);
  ++stats_.invalidated;
  const auto found = by_key_.find(key);
  if (found == by_key_.end() || found->second->answer.receipt.request_id != request_id) return;
  stats_.bytes -= found->second->bytes;
  entries_.erase(found->second);
  by_key_.erase(found);
}

void AnswerCache::Keep(Entry entry) {
  entry.bytes += static_cast<std::int64_t>(2 * entry.key.size());
  if (entry.bytes > options_.bytes) return;
  const std::scoped_lock lock(mutex_);
  if (const auto found = by_key_.find(entry.key); found != by_key_.end()) {
    stats_.bytes -= found->second->bytes;
    entries_.erase(found->second);
    by_key_.erase(found);
  }
  stats_.bytes += entry.bytes;
  entries_.push_front(std::move(entry));
  by_key_[entries_.front().key] = entries_.begin();
  while (stats_.bytes > options_.bytes) {
    stats_.bytes -= entries_.back().bytes;
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

void AnswerCache::Clear() {
  const std::scoped_lock lock(mutex_);
  entries_.clear();
  by_key_.clear();
  stats_.bytes = 0;
}

AnswerCacheStats AnswerCache::Stats() const {
  const std::scoped_lock lock(mutex_);
  AnswerCacheStats stats = stats_;
  stats.entries = static_cast<std::int64_t>(entries_.size());
  return stats;
}

}  // namespace citeseek::gateway
