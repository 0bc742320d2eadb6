#include "services/gateway/convert.h"

#include "services/indexer/convert.h"
#include "services/retrieval/convert.h"

namespace citeseek::services {
namespace {

using services::FromProto;  // not hidden by the overloads of this file
using services::ToProto;

v1::Mode ToProto(gateway::Mode mode) {
  switch (mode) {
    case gateway::Mode::kAuto:
      return v1::MODE_AUTO;
    case gateway::Mode::kExtract:
      return v1::MODE_EXTRACT;
    case gateway::Mode::kQuick:
      return v1::MODE_QUICK;
    case gateway::Mode::kDeep:
      return v1::MODE_DEEP;
  }
  return v1::MODE_UNSPECIFIED;
}

gateway::Mode FromProto(v1::Mode mode) {
  if (mode == v1::MODE_EXTRACT) return gateway::Mode::kExtract;
  if (mode == v1::MODE_QUICK) return gateway::Mode::kQuick;
  if (mode == v1::MODE_DEEP) return gateway::Mode::kDeep;
  return gateway::Mode::kAuto;
}

// Both count alike, ours from 0.
v1::Rung ToProto(gateway::Rung rung) { return static_cast<v1::Rung>(static_cast<int>(rung) + 1); }

gateway::Rung FromProto(v1::Rung rung) {
  if (rung < v1::RUNG_FULL || rung > v1::RUNG_RESULTS) return gateway::Rung::kFull;
  return static_cast<gateway::Rung>(rung - 1);
}

v1::Verdict ToProto(gateway::Verdict verdict) {
  switch (verdict) {
    case gateway::Verdict::kUnchecked:
      return v1::VERDICT_UNCHECKED;
    case gateway::Verdict::kSupported:
      return v1::VERDICT_SUPPORTED;
    case gateway::Verdict::kPartly:
      return v1::VERDICT_PARTLY;
    case gateway::Verdict::kUnsupported:
      return v1::VERDICT_UNSUPPORTED;
  }
  return v1::VERDICT_UNSPECIFIED;
}

gateway::Verdict FromProto(v1::Verdict verdict) {
  if (verdict == v1::VERDICT_SUPPORTED) return gateway::Verdict::kSupported;
  if (verdict == v1::VERDICT_PARTLY) return gateway::Verdict::kPartly;
  if (verdict == v1::VERDICT_UNSUPPORTED) return gateway::Verdict::kUnsupported;
  return gateway::Verdict::kUnchecked;
}

void ToProto(const gateway::Citation& citation, v1::Citation& proto) {
  proto.set_marker(citation.marker);
  proto.set_document_id(citation.document_id);
  proto.set_collection(citation.collection);
  proto.set_version(citation.version);
  proto.set_title(citation.title);
  proto.set_uri(citation.uri);
  proto.set_start(citation.start);
  proto.set_end(citation.end);
  proto.set_quote(citation.quote);
  proto.set_verdict(ToProto(citation.verdict));
  proto.set_score(citation.score);
  proto.set_answer_start(citation.answer_start);
  proto.set_answer_end(citation.answer_end);
}

gateway::Citation FromProto(const v1::Citation& citation) {
  return {.marker = citation.marker(),
          .document_id = citation.document_id(),
          .collection = citation.collection(),
          .version = citation.version(),
          .title = citation.title(),
          .uri = citation.uri(),
          .start = citation.start(),
          .end = citation.end(),
          .quote = citation.quote(),
          .verdict = FromProto(citation.verdict()),
          .score = citation.score(),
          .answer_start = citation.answer_start(),
          .answer_end = citation.answer_end()};
}

void ToProto(const gateway::CheckedSentence& sentence, v1::CheckedSentence& proto) {
  proto.set_start(sentence.start);
  proto.set_end(sentence.end);
  proto.set_verdict(ToProto(sentence.verdict));
  proto.set_score(sentence.score);
  for (const std::string& problem : sentence.problems) proto.add_problems(problem);
}

gateway::CheckedSentence FromProto(const v1::CheckedSentence& sentence) {
  return {.start = sentence.start(),
          .end = sentence.end(),
          .verdict = FromProto(sentence.verdict()),
          .score = sentence.score(),
          .problems = {sentence.problems().begin(), sentence.problems().end()}};
}

void ToProto(const gateway::Source& source, v1::Source& proto) {
  proto.set_marker(source.marker);
  ToProto(source.place, *proto.mutable_place());
}

gateway::Source FromProto(const v1::Source& source) {
  return {source.marker(), FromProto(source.place())};
}

void ToProto(const gateway::Drawing& drawing, v1::Drawing& proto) {
  if (drawing.temperature.has_value()) proto.set_temperature(*drawing.temperature);
  if (drawing.top_p.has_value()) proto.set_top_p(*drawing.top_p);
  proto.set_presence_penalty(drawing.presence_penalty);
  proto.set_frequency_penalty(drawing.frequency_penalty);
  proto.set_max_tokens(drawing.max_tokens);
  for (const std::string& stop : drawing.stop) proto.add_stop(stop);
}

gateway::Drawing FromProto(const v1::Drawing& proto) {
  gateway::Drawing drawing = {.presence_penalty = proto.presence_penalty(),
                              .frequency_penalty = proto.frequency_penalty(),
                              .max_tokens = proto.max_tokens(),
                              .stop = {proto.stop().begin(), proto.stop().end()}};
  if (proto.has_temperature()) drawing.temperature = proto.temperature();
  if (proto.has_top_p()) drawing.top_p = proto.top_p();
  return drawing;
}

// Both count alike.
v1::Finding ToProto(gateway::Finding finding) {
  return static_cast<v1::Finding>(static_cast<int>(finding));
}

gateway::Finding FromProto(v1::Finding finding) {
  if (finding == v1::FINDING_EVIDENCE) return gateway::Finding::kEvidence;
  return finding == v1::FINDING_NONE ? gateway::Finding::kNone : gateway::Finding::kUntold;
}

// Both count alike, ours from 0.
v1::PartProgress::State ToProto(gateway::PartEvent::State state) {
  return static_cast<v1::PartProgress::State>(static_cast<int>(state) + 1);
}

gateway::PartEvent::State FromProto(v1::PartProgress::State state) {
  using State = gateway::PartEvent::State;
  const bool known =
      state > v1::PartProgress::STATE_UNSPECIFIED && state <= v1::PartProgress::STATE_NO_EVIDENCE;
  return known ? static_cast<State>(state - 1) : State::kSearching;
}

void ToProto(const gateway::Turn& turn, v1::Turn& proto) {
  proto.set_number(turn.number);
  proto.set_asked_ms(absl::ToUnixMillis(turn.asked));
  proto.set_question(turn.question);
  proto.set_rewritten_question(turn.rewritten);
  proto.set_answer(turn.answer);
  proto.set_reason(turn.reason);
  proto.set_mode(ToProto(turn.mode));
  for (const gateway::Citation& citation : turn.citations) {
    ToProto(citation, *proto.add_citations());
  }
  for (const gateway::Source& source : turn.sources) ToProto(source, *proto.add_sources());
}

gateway::Turn FromProto(const v1::Turn& turn) {
  gateway::Turn result = {.number = turn.number(),
                          .asked = absl::FromUnixMillis(turn.asked_ms()),
                          .question = turn.question(),
                          .rewritten = turn.rewritten_question(),
                          .answer = turn.answer(),
                          .reason = turn.reason(),
                          .mode = FromProto(turn.mode())};
  for (const v1::Citation& citation : turn.citations()) {
    result.citations.push_back(FromProto(citation));
  }
  for (const v1::Source& source : turn.sources()) result.sources.push_back(FromProto(source));
  return result;
}

void ToProto(const gateway::Receipt& receipt, v1::Receipt& proto) {
  proto.set_request_id(receipt.request_id);
  proto.set_asked_mode(ToProto(receipt.asked_mode));
  proto.set_mode(ToProto(receipt.mode));
  proto.set_degraded(receipt.degraded);
  proto.set_generation(receipt.generation);
  proto.set_model(receipt.model);
  proto.set_prompt_tokens(receipt.prompt_tokens);
  proto.set_completion_tokens(receipt.completion_tokens);
  for (const gateway::Stage& stage : receipt.stages) {
    v1::Stage& to = *proto.add_stages();
    to.set_name(stage.name);
    to.set_duration_ns(absl::ToInt64Nanoseconds(stage.duration));
  }
  proto.set_total_ns(absl::ToInt64Nanoseconds(receipt.total));
  proto.set_rung(ToProto(receipt.rung));
  proto.set_steps(receipt.steps);
  proto.set_drafted_tokens(receipt.drafted_tokens);
  proto.set_accepted_tokens(receipt.accepted_tokens);
  proto.set_session(receipt.session);
  proto.set_turn(receipt.turn);
  proto.set_rewritten_question(receipt.rewritten_question);
  for (const gateway::Source& source : receipt.sources) ToProto(source, *proto.add_sources());
  proto.set_question(receipt.question);
  proto.set_top_k(receipt.top_k);
  proto.set_collection(receipt.collection);
  ToProto(receipt.filters, *proto.mutable_filters());
  proto.set_recipe(receipt.recipe);
  proto.set_seed(receipt.seed);
  proto.set_model_hash(receipt.model_hash);
  proto.set_prompt_hash(receipt.prompt_hash);
  proto.set_answer_hash(receipt.answer_hash);
  proto.set_cached_tokens(receipt.cached_tokens);
  proto.set_cached(receipt.cached);
  ToProto(receipt.drawing, *proto.mutable_drawing());
  proto.set_thinking_budget(receipt.thinking_budget);
  proto.set_finding(ToProto(receipt.finding));
  proto.set_confidence(receipt.confidence);
  for (const gateway::PartFinding& part : receipt.parts) {
    v1::PartFinding& to = *proto.add_parts();
    to.set_question(part.question);
    to.set_searches(part.searches);
    to.set_evidence(part.evidence);
  }
}

gateway::Receipt FromProto(const v1::Receipt& receipt) {
  gateway::Receipt result = {.request_id = receipt.request_id(),
                             .asked_mode = FromProto(receipt.asked_mode()),
                             .mode = FromProto(receipt.mode()),
                             .rung = FromProto(receipt.rung()),
                             .degraded = receipt.degraded(),
                             .generation = receipt.generation(),
                             .model = receipt.model(),
                             .prompt_tokens = receipt.prompt_tokens(),
                             .completion_tokens = receipt.completion_tokens(),
                             .steps = receipt.steps(),
                             .drafted_tokens = receipt.drafted_tokens(),
                             .accepted_tokens = receipt.accepted_tokens(),
                             .total = absl::Nanoseconds(receipt.total_ns()),
                             .session = receipt.session(),
                             .turn = receipt.turn(),
                             .rewritten_question = receipt.rewritten_question(),
                             .question = receipt.question(),
                             .top_k = receipt.top_k(),
                             .collection = receipt.collection(),
                             .filters = FromProto(receipt.filters()),
                             .recipe = receipt.recipe(),
                             .seed = receipt.seed(),
                             .drawing = FromProto(receipt.drawing()),
                             .thinking_budget = receipt.thinking_budget(),
                             .model_hash = receipt.model_hash(),
                             .prompt_hash = receipt.prompt_hash(),
                             .answer_hash = receipt.answer_hash(),
                             .cached_tokens = receipt.cached_tokens(),
                             .cached = receipt.cached(),
                             .finding = FromProto(receipt.finding()),
                             .confidence = receipt.confidence()};
  for (const v1::PartFinding& part : receipt.parts()) {
    result.parts.push_back({part.question(), part.searches(), part.evidence()});
  }
  for (const v1::Stage& stage : receipt.stages()) {
    result.stages.push_back({stage.name(), absl::Nanoseconds(stage.duration_ns())});
  }
  for (const v1::Source& source : receipt.sources()) result.sources.push_back(FromProto(source));
  return result;
}

// One overload an event: std::visit finds a missing one at compile time.
struct EventWriter {
  v1::AskResponse& response;

  void operator()(const gateway::QueuedEvent& event) const {
    response.mutable_queued()->set_place(event.place);
    response.mutable_queued()->set_eta_ns(absl::ToInt64Nanoseconds(event.eta));
    response.mutable_queued()->set_rung(ToProto(event.rung));
    response.mutable_queued()->set_request_id(event.request_id);
  }
  void operator()(const gateway::PartEvent& event) const {
    v1::PartProgress& part = *response.mutable_part();
    part.set_part(event.part);
    part.set_parts(event.parts);
    part.set_question(event.question);
    part.set_state(ToProto(event.state));
  }
  void operator()(const gateway::SearchedEvent& event) const {
    v1::Searched& searched = *response.mutable_searched();
    for (const retrieval::Hit& hit : event.hits) ToProto(hit, *searched.add_hits());
    searched.set_generation(event.generation);
    searched.mutable_markers()->Add(event.markers.begin(), event.markers.end());
    searched.set_rewritten_question(event.rewritten_question);
  }
  void operator()(const gateway::ThoughtEvent& event) const { response.set_thought(event.text); }
  void operator()(const gateway::AnswerEvent& event) const { response.set_answer(event.text); }
  void operator()(const gateway::CitationEvent& event) const {
    ToProto(event.citation, *response.mutable_citation());
  }
  void operator()(const gateway::CheckedEvent& event) const {
    ToProto(event.sentence, *response.mutable_checked());
  }
  void operator()(const gateway::FollowUpsEvent& event) const {
    for (const std::string& q : event.questions) response.mutable_follow_ups()->add_questions(q);
  }
  void operator()(const gateway::FinishedEvent& event) const {
    ToProto(event.answer, *response.mutable_finished());
  }
};

}  // namespace

v1::AskRequest ToProto(const gateway::Question& question) {
  v1::AskRequest request;
  request.set_text(question.text);
  request.set_mode(ToProto(question.mode));
  request.set_top_k(question.top_k);
  request.set_collection(question.collection);
  ToProto(question.filters, *request.mutable_filters());
  request.set_min_generation(question.min_generation);
  request.set_batch(question.batch);
  request.set_thinking_budget(question.thinking_budget);
  request.set_session(question.session);
  request.set_owner(question.owner);
  for (const gateway::Turn& turn : question.history) ToProto(turn, *request.add_history());
  for (const gateway::Source& source : question.sources) ToProto(source, *request.add_sources());
  request.set_seed(question.seed);
  ToProto(question.drawing, *request.mutable_drawing());
  request.set_no_cache(question.no_cache);
  request.set_follow_ups(question.follow_ups);
  return request;
}

gateway::Question FromProto(const v1::AskRequest& request) {
  gateway::Question question;
  question.text = request.text();
  question.mode = FromProto(request.mode());
  if (request.has_top_k()) question.top_k = request.top_k();
  question.collection = request.collection();
  question.filters = FromProto(request.filters());
  question.min_generation = request.min_generation();
  question.batch = request.batch();
  question.thinking_budget = request.thinking_budget();
  question.session = request.session();
  question.owner = request.owner();
  for (const v1::Turn& turn : request.history()) question.history.push_back(FromProto(turn));
  for (const v1::Source& source : request.sources()) question.sources.push_back(FromProto(source));
  question.seed = request.seed();
  question.drawing = FromProto(request.drawing());
  question.no_cache = request.no_cache();
  question.follow_ups = request.follow_ups();
  return question;
}

void ToProto(const gateway::Answer& answer, v1::Answer& proto) {
  proto.set_text(answer.text);
  proto.set_thought(answer.thought);
  for (const gateway::Citation& citation : answer.citations) {
    ToProto(citation, *proto.add_citations());
  }
  for (const gateway::CheckedSentence& sentence : answer.sentences) {
    ToProto(sentence, *proto.add_sentences());
  }
  for (const std::string& question : answer.follow_ups) proto.add_follow_ups(question);
  proto.set_reason(answer.reason);
  ToProto(answer.receipt, *proto.mutable_receipt());
}

gateway::Answer FromProto(const v1::Answer& answer) {
  gateway::Answer result;
  result.text = answer.text();
  result.thought = answer.thought();
  for (const v1::Citation& citation : answer.citations()) {
    result.citations.push_back(FromProto(citation));
  }
  for (const v1::CheckedSentence& sentence : answer.sentences()) {
    result.sentences.push_back(FromProto(sentence));
  }
  result.follow_ups.assign(answer.follow_ups().begin(), answer.follow_ups().end());
  result.reason = answer.reason();
  result.receipt = FromProto(answer.receipt());
  return result;
}

void ToProto(const gateway::Conversation& conversation, v1::Conversation& proto) {
  proto.set_session(conversation.session);
  proto.set_title(conversation.title);
  proto.set_created_ms(absl::ToUnixMillis(conversation.created));
  proto.set_updated_ms(absl::ToUnixMillis(conversation.updated));
  proto.set_expires_ms(absl::ToUnixMillis(conversation.expires));
  proto.set_turns(conversation.turns);
  for (const gateway::Turn& turn : conversation.shown) ToProto(turn, *proto.add_shown());
}

gateway::Conversation FromProto(const v1::Conversation& proto) {
  gateway::Conversation conversation = {.session = proto.session(),
                                        .title = proto.title(),
                                        .created = absl::FromUnixMillis(proto.created_ms()),
                                        .updated = absl::FromUnixMillis(proto.updated_ms()),
                                        .expires = absl::FromUnixMillis(proto.expires_ms()),
                                        .turns = proto.turns()};
  for (const v1::Turn& turn : proto.shown()) conversation.shown.push_back(FromProto(turn));
  return conversation;
}

v1::CheckRequest ToProto(const gateway::CheckRequest& request) {
  v1::CheckRequest proto;
  proto.set_text(request.text);
  for (const indexer::Document& document : request.documents) {
    ToProto(document, *proto.add_documents());
  }
  proto.set_collection(request.collection);
  ToProto(request.filters, *proto.mutable_filters());
  return proto;
}

gateway::CheckRequest FromProto(const v1::CheckRequest& proto) {
  gateway::CheckRequest request;
  request.text = proto.text();
  for (const v1::Document& document : proto.documents()) {
    request.documents.push_back(FromProto(document));
  }
  request.collection = proto.collection();
  request.filters = FromProto(proto.filters());
  return request;
}

void ToProto(const gateway::CheckReport& report, v1::CheckResponse& proto) {
  for (const gateway::CheckedSentence& sentence : report.sentences) {
    ToProto(sentence, *proto.add_sentences());
  }
  for (const gateway::Citation& citation : report.citations) {
    ToProto(citation, *proto.add_citations());
  }
}

gateway::CheckReport FromProto(const v1::CheckResponse& response) {
  gateway::CheckReport report;
  for (const v1::CheckedSentence& sentence : response.sentences()) {
    report.sentences.push_back(FromProto(sentence));
  }
  for (const v1::Citation& citation : response.citations()) {
    report.citations.push_back(FromProto(citation));
  }
  return report;
}

v1::AskResponse ToProto(const gateway::Event& event) {
  v1::AskResponse response;
  std::visit(EventWriter{response}, event);
  return response;
}

absl::StatusOr<gateway::Event> FromProto(const v1::AskResponse& response) {
  switch (response.event_case()) {
    case v1::AskResponse::kQueued:
      return gateway::QueuedEvent{
          response.queued().place(), absl::Nanoseconds(response.queued().eta_ns()),
          FromProto(response.queued().rung()), response.queued().request_id()};
    case v1::AskResponse::kSearched: {
      gateway::SearchedEvent searched;
      for (const v1::Hit& hit : response.searched().hits()) searched.hits.push_back(FromProto(hit));
      searched.generation = response.searched().generation();
      searched.markers.assign(response.searched().markers().begin(),
                              response.searched().markers().end());
      searched.rewritten_question = response.searched().rewritten_question();
      return searched;
    }
    case v1::AskResponse::kThought:
      return gateway::ThoughtEvent{response.thought()};
    case v1::AskResponse::kAnswer:
      return gateway::AnswerEvent{response.answer()};
    case v1::AskResponse::kCitation:
      return gateway::CitationEvent{FromProto(response.citation())};
    case v1::AskResponse::kChecked:
      return gateway::CheckedEvent{FromProto(response.checked())};
    case v1::AskResponse::kFollowUps:
      return gateway::FollowUpsEvent{
          {response.follow_ups().questions().begin(), response.follow_ups().questions().end()}};
    case v1::AskResponse::kPart:
      return gateway::PartEvent{response.part().part(), response.part().parts(),
                                response.part().question(), FromProto(response.part().state())};
    case v1::AskResponse::kFinished:
      return gateway::FinishedEvent{FromProto(response.finished())};
    case v1::AskResponse::EVENT_NOT_SET:
      break;
  }
  return absl::InternalError("the gateway sent a response without an event");
}

}  // namespace citeseek::services
