#include "services/gateway/conversations.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/gateway/rewrite.h"

namespace citeseek::gateway {
namespace {

using retrieval::Hit;
using retrieval::Place;

constexpr std::size_t kMostCarried = 4;
constexpr int kMaxMarker = 1 << 20;

auto PlaceTuple(const Place& p) {
  return std::tuple(p.collection, p.document_id, p.version, p.start, p.end);
}

Place PlaceOf(const Citation& c) {
  return {c.document_id, c.collection, c.version, c.start, c.end};
}
Place PlaceOf(const Hit& h) { return {h.document_id, h.collection, h.version, h.start, h.end}; }

std::size_t Bytes(const Turn& turn) {
  return turn.question.size() + turn.rewritten.size() + turn.answer.size();
}

Turn MakeTurn(const Question& question, const Answer& answer, absl::Time asked) {
  Turn turn{.asked = asked,
            .question = question.text,
            .rewritten = question.rewritten,
            .answer = answer.text,
            .reason = answer.reason,
            .mode = answer.receipt.mode,
            .citations = answer.citations};
  for (const Source& source : answer.receipt.sources) {
    const bool cited =
        std::any_of(answer.citations.begin(), answer.citations.end(),
                    [&](const Citation& citation) { return citation.marker == source.marker; });
    if (cited) turn.sources.push_back(source);
  }
  return turn;
}

absl::Status CheckRequestOf(const ConversationRequest& request) {
  if (request.session.size() > kMaxSessionBytes) {
    return absl::InvalidArgumentError(absl::StrCat("session of ", request.session.size(),
                                                   " bytes is longer than the limit of ",
                                                   kMaxSessionBytes));
  }
  if (request.limit < 1 || request.limit > kMaxShownTurns) {
    return absl::InvalidArgumentError(
        absl::StrCat("limit ", request.limit, " is not in [1, ", kMaxShownTurns, "]"));
  }
  if (request.before < 0) {
    return absl::InvalidArgumentError(absl::StrCat("before ", request.before, " is negative"));
  }
  return absl::OkStatus();
}

}  // namespace

void KeepNewest(std::vector<Turn>* turns) {
  std::size_t kept = 0, bytes = 0;
  while (kept < std::min(kMaxHistoryTurns, turns->size())) {
    bytes += Bytes((*turns)[turns->size() - 1 - kept]);
    if (bytes > kMaxHistoryBytes) break;
    ++kept;
  }
  turns->erase(turns->begin(), turns->end() - static_cast<std::ptrdiff_t>(kept));
}

void Withhold(Turn* turn) {
  const auto gone = [](const Citation& c) { return c.quote.empty(); };
  if (std::none_of(turn->citations.begin(), turn->citations.end(), gone)) return;
  std::vector<std::pair<std::size_t, std::size_t>> ranges;  // to be taken out
  std::size_t first = turn->answer.size();
  for (const Citation& c : turn->citations) {
    first = std::min<std::size_t>(first, c.answer_start);
    if (gone(c)) ranges.emplace_back(c.answer_start, c.answer_end);
  }
  ranges.emplace_back(0, first);  // it may sum up what follows
  std::sort(ranges.begin(), ranges.end());
  const std::string answer = std::move(turn->answer);
  turn->answer.clear();
  std::size_t at = 0;                                      // taken out or copied up to here
  std::vector<std::pair<std::size_t, std::size_t>> moved;  // old place, new place
  for (const auto& [start, end] : ranges) {
    const std::size_t from = std::clamp(start, at, answer.size());
    const std::size_t to = std::clamp(end, from, answer.size());
    moved.emplace_back(at, turn->answer.size());
    turn->answer.append(answer, at, from - at);
    at = to;
    if (to > from && !turn->answer.ends_with(kWithheld)) turn->answer += kWithheld;
  }
  moved.emplace_back(at, turn->answer.size());
  turn->answer.append(answer, at, std::string::npos);
  const auto place = [&](std::uint32_t byte) {
    auto after = std::upper_bound(moved.begin(), moved.end(),
                                  std::pair<std::size_t, std::size_t>(byte, std::string::npos));
    const auto& [old_at, new_at] = *std::prev(after);
    return static_cast<std::uint32_t>(std::min(new_at + byte - old_at, turn->answer.size()));
  };
  for (Citation& c : turn->citations) {
    if (gone(c)) {
      c = {.marker = c.marker};
      continue;
    }
    const std::uint32_t bytes = c.answer_end - c.answer_start;
    c.answer_start = place(c.answer_start);
    c.answer_end =
        std::min(c.answer_start + bytes, static_cast<std::uint32_t>(turn->answer.size()));
  }
}

absl::StatusOr<ConversationStore*> Conversations::Store() const {
  if (!options_.store) return absl::FailedPreconditionError("no conversations are kept here");
  return options_.store();
}

absl::Status Conversations::ReadAgain(absl::Time deadline, const std::stop_token& stop,
                                      std::vector<Turn>* turns) const {
  std::vector<Place> places;
  for (const Turn& turn : *turns) {
    for (const Citation& c : turn.citations) places.push_back(PlaceOf(c));
    for (const Source& s : turn.sources) places.push_back(s.place);
  }
  std::map<decltype(PlaceTuple(Place())), Hit> found;
  for (std::size_t i = 0; i < places.size(); i += retrieval::kMaxPlaces) {
    const auto first = places.begin() + static_cast<std::ptrdiff_t>(i);
    const std::size_t count = std::min(retrieval::kMaxPlaces, places.size() - i);
    absl::StatusOr<retrieval::Result> read =
        options_.retriever->Read({.places = {first, first + static_cast<std::ptrdiff_t>(count)},
                                  .deadline = deadline,
                                  .stop = stop});
    if (!read.ok()) return read.status();
    for (Hit& hit : read->hits) found.insert_or_assign(PlaceTuple(PlaceOf(hit)), std::move(hit));
  }
  for (Turn& turn : *turns) {
    for (Citation& citation : turn.citations) {
      const auto hit = found.find(PlaceTuple(PlaceOf(citation)));
      if (hit == found.end()) continue;
      citation.quote = hit->second.text;
      citation.title = hit->second.title;
      citation.uri = hit->second.uri;
    }
    std::erase_if(turn.sources,
                  [&](const Source& s) { return !found.contains(PlaceTuple(s.place)); });
    Withhold(&turn);
  }
  return absl::OkStatus();
}

void Conversations::Understand(Question* question) const {
  if (question->history.empty()) return;
  KeepNewest(&question->history);
  question->rewritten = RewriteQuestion(question->text, question->history);
  if (question->rewritten.empty() || question->history.empty()) return;
  retrieval::ReadRequest request{.collection = question->collection,
                                 .filters = question->filters,
                                 .min_generation = question->min_generation,
                                 .deadline = question->deadline,
                                 .stop = question->stop};
  for (const Source& source : question->history.back().sources) {
    if (request.places.size() < kMostCarried) request.places.push_back(source.place);
  }
  if (request.places.empty()) return;
  // They are an addition: what the search finds is enough without them.
  auto read = options_.retriever->Read(request);
  if (read.ok()) question->carried = std::move(read->hits);
}

void Conversations::TakeSources(Question* question) const {
  retrieval::ReadRequest request{.collection = question->collection,
                                 .filters = question->filters,
                                 .min_generation = question->min_generation,
                                 .deadline = question->deadline,
                                 .stop = question->stop};
  std::map<decltype(PlaceTuple(Place())), int> markers;
  int last = 0;
  for (const Source& source : question->sources) {
    if (source.marker < 1 || source.marker > kMaxMarker) continue;
    request.places.push_back(source.place);
    markers.emplace(PlaceTuple(source.place), source.marker);
    last = std::max(last, source.marker);
  }
  auto read = options_.retriever->Read(request);
  if (read.ok()) question->carried = std::move(read->hits);
  question->numbering = [markers, last](const std::vector<Hit>& hits) {
    std::vector<int> numbers;
    int next = last;
    for (const Hit& hit : hits) {
      const auto known = markers.find(PlaceTuple(PlaceOf(hit)));
      numbers.push_back(known != markers.end() ? known->second : ++next);
    }
    return numbers;
  };
}

absl::StatusOr<Answer> Conversations::Ask(const Question& asked, const EventSink& sink) {
  if (absl::Status valid = CheckQuestion(asked); !valid.ok()) return valid;
  Question question = asked;
  question.rewritten.clear();
  question.carried.clear();
  question.numbering = nullptr;
  if (question.session.empty()) {
    Understand(&question);
    if (!question.sources.empty()) TakeSources(&question);
    return options_.answerer->Ask(question, sink);
  }
  const std::pair key(question.owner, question.session);
  const bool first = question.session == kNewSession;
  if (!first) {
    const std::scoped_lock lock(mutex_);
    if (!running_.insert(key).second) {
      return absl::AbortedError(absl::StrCat("conversation ", question.session,
                                             " has a question running: wait for its answer"));
    }
  }
  absl::StatusOr<Answer> answer = AskInSession(std::move(question), sink);
  if (!first) {
    const std::scoped_lock lock(mutex_);
    running_.erase(key);
  }
  return answer;
}

absl::StatusOr<Answer> Conversations::AskInSession(Question question, const EventSink& sink) {
  const absl::Time asked = options_.now();
  const absl::StatusOr<ConversationStore*> opened = Store();
  if (!opened.ok()) return opened.status();
  ConversationStore& store = **opened;
  const bool first = question.session == kNewSession;
  if (first) {
    question.session = MakeRequestId() + MakeRequestId();  // nobody guesses it
  } else {
    absl::StatusOr<Conversation> conversation =
        store.Read(question.owner, question.session, 0, static_cast<int>(kMaxHistoryTurns));
    if (!conversation.ok()) return conversation.status();
    question.history = std::move(conversation->shown);
    absl::Status read = ReadAgain(question.deadline, question.stop, &question.history);
    if (!read.ok()) {
      if (absl::IsCancelled(read) || absl::IsDeadlineExceeded(read)) return read;
      for (Turn& turn : question.history) {  // as if all were gone
        turn.sources.clear();
        Withhold(&turn);
      }
    }
    Understand(&question);
  }
  // Whoever answers gets the history itself.
  const std::string session = std::exchange(question.session, ""), owner = question.owner;
  question.numbering = [&](const std::vector<Hit>& hits) {
    std::vector<Place> places;
    for (const Hit& hit : hits) places.push_back(PlaceOf(hit));
    return store.Number(owner, session, places);
  };
  Answer kept;
  const auto keep = [&](const Event& event) {
    const auto* finished = std::get_if<FinishedEvent>(&event);
    if (finished == nullptr) return sink(event);
    kept = finished->answer;
    kept.receipt.session = session;
    if (kept.reason != "overloaded") {
      Turn turn = MakeTurn(question, kept, asked);
      const absl::Status stored = store.Append(owner, session, first, &turn);
      kept.receipt.turn = turn.number;
      if (!stored.ok()) {
        kept.receipt.turn = 0;
        absl::StrAppend(&kept.receipt.degraded, kept.receipt.degraded.empty() ? "" : "; ",
                        "the turn is not kept: ", std::string(stored.message()));
      }
    }
    return sink(FinishedEvent{kept});
  };
  const absl::StatusOr<Answer> answer = options_.answerer->Ask(question, keep);
  if (!answer.ok()) return answer.status();
  return kept;
}

absl::StatusOr<Conversation> Conversations::GetConversation(const ConversationRequest& request) {
  if (absl::Status valid = CheckRequestOf(request); !valid.ok()) return valid;
  const absl::StatusOr<ConversationStore*> store = Store();
  if (!store.ok()) return store.status();
  absl::StatusOr<Conversation> conversation =
      (*store)->Read(request.owner, request.session, request.before, request.limit);
  if (!conversation.ok()) return conversation;
  absl::Status read = ReadAgain(request.deadline, request.stop, &conversation->shown);
  if (!read.ok()) return read;
  return conversation;
}

absl::StatusOr<std::vector<Conversation>> Conversations::ListConversations(
    const ConversationRequest& request) {
  if (absl::Status valid = CheckRequestOf(request); !valid.ok()) return valid;
  const absl::StatusOr<ConversationStore*> store = Store();
  if (!store.ok()) return store.status();
  return (*store)->List(request.owner, request.before, request.limit);
}

absl::Status Conversations::DeleteConversation(const ConversationRequest& request) {
  if (absl::Status valid = CheckRequestOf(request); !valid.ok()) return valid;
  const absl::StatusOr<ConversationStore*> store = Store();
  if (!store.ok()) return store.status();
  return (*store)->Delete(request.owner, request.session);
}

}  // namespace citeseek::gateway
