#include "services/inference/convert.h"

namespace citeseek::services {
namespace {

v1::Role ToProto(inference::Role role) {
  switch (role) {
    case inference::Role::kSystem:
      return v1::ROLE_SYSTEM;
    case inference::Role::kUser:
      return v1::ROLE_USER;
    case inference::Role::kAssistant:
      return v1::ROLE_ASSISTANT;
  }
  return v1::ROLE_UNSPECIFIED;
}

inference::Role FromProto(v1::Role role) {
  if (role == v1::ROLE_SYSTEM) return inference::Role::kSystem;
  if (role == v1::ROLE_ASSISTANT) return inference::Role::kAssistant;
  return inference::Role::kUser;
}

void ToProto(const inference::Sampling& sampling, v1::Sampling& proto) {
  if (sampling.temperature.has_value()) proto.set_temperature(*sampling.temperature);
  if (sampling.top_p.has_value()) proto.set_top_p(*sampling.top_p);
  if (sampling.top_k.has_value()) proto.set_top_k(*sampling.top_k);
  if (sampling.min_p.has_value()) proto.set_min_p(*sampling.min_p);
  if (sampling.repetition_penalty.has_value())
    proto.set_repetition_penalty(*sampling.repetition_penalty);
  proto.set_presence_penalty(sampling.presence_penalty);
  proto.set_frequency_penalty(sampling.frequency_penalty);
  proto.set_seed(sampling.seed);
  proto.set_max_tokens(sampling.max_tokens);
  proto.set_thinking_budget_tokens(sampling.thinking_budget_tokens);
  for (const std::string& stop : sampling.stop_strings) proto.add_stop_strings(stop);
}

inference::Sampling FromProto(const v1::Sampling& sampling) {
  inference::Sampling result;
  if (sampling.has_temperature()) result.temperature = sampling.temperature();
  if (sampling.has_top_p()) result.top_p = sampling.top_p();
  if (sampling.has_top_k()) result.top_k = sampling.top_k();
  if (sampling.has_min_p()) result.min_p = sampling.min_p();
  if (sampling.has_repetition_penalty()) {
    result.repetition_penalty = sampling.repetition_penalty();
  }
  if (sampling.has_presence_penalty()) result.presence_penalty = sampling.presence_penalty();
  result.frequency_penalty = sampling.frequency_penalty();
  result.seed = sampling.seed();
  if (sampling.has_max_tokens()) result.max_tokens = sampling.max_tokens();
  result.thinking_budget_tokens = sampling.thinking_budget_tokens();
  result.stop_strings.assign(sampling.stop_strings().begin(), sampling.stop_strings().end());
  return result;
}

}  // namespace

v1::GenerateRequest ToProto(const inference::GenerateRequest& request) {
  v1::GenerateRequest proto;
  for (const inference::Message& message : request.messages) {
    v1::Message& to = *proto.add_messages();
    to.set_role(ToProto(message.role));
    to.set_text(message.text);
  }
  ToProto(request.sampling, *proto.mutable_sampling());
  proto.set_thinking(request.thinking);
  proto.set_priority(request.priority == inference::Priority::kBatch ? v1::PRIORITY_BATCH
                                                                     : v1::PRIORITY_INTERACTIVE);
  proto.set_sources(request.sources);
  return proto;
}

inference::GenerateRequest FromProto(const v1::GenerateRequest& request) {
  inference::GenerateRequest result;
  for (const v1::Message& message : request.messages()) {
    result.messages.push_back({FromProto(message.role()), message.text()});
  }
  result.sampling = FromProto(request.sampling());
  if (request.has_thinking()) result.thinking = request.thinking();
  if (request.priority() == v1::PRIORITY_BATCH) result.priority = inference::Priority::kBatch;
  result.sources = request.sources();
  return result;
}

v1::Piece ToProto(const inference::Piece& piece) {
  v1::Piece proto;
  proto.set_kind(piece.kind == inference::Piece::Kind::kThought ? v1::Piece::KIND_THOUGHT
                                                                : v1::Piece::KIND_TEXT);
  proto.set_text(piece.text);
  return proto;
}

inference::Piece FromProto(const v1::Piece& piece) {
  return {piece.kind() == v1::Piece::KIND_THOUGHT ? inference::Piece::Kind::kThought
                                                  : inference::Piece::Kind::kText,
          piece.text()};
}

v1::Finish ToProto(const inference::Finish& finish) {
  v1::Finish proto;
  proto.set_reason(finish.reason == inference::FinishReason::kLength ? v1::Finish::REASON_LENGTH
                                                                     : v1::Finish::REASON_STOP);
  proto.set_prompt_tokens(finish.prompt_tokens);
  proto.set_cached_tokens(finish.cached_tokens);
  proto.set_completion_tokens(finish.completion_tokens);
  proto.set_model(finish.model);
  proto.set_steps(finish.steps);
  proto.set_drafted_tokens(finish.drafted_tokens);
  proto.set_accepted_tokens(finish.accepted_tokens);
  proto.set_model_hash(finish.model_hash);
  return proto;
}

inference::Finish FromProto(const v1::Finish& finish) {
  return {.reason = finish.reason() == v1::Finish::REASON_LENGTH ? inference::FinishReason::kLength
                                                                 : inference::FinishReason::kStop,
          .prompt_tokens = finish.prompt_tokens(),
          .cached_tokens = finish.cached_tokens(),
          .completion_tokens = finish.completion_tokens(),
          .model = finish.model(),
          .steps = finish.steps(),
          .drafted_tokens = finish.drafted_tokens(),
          .accepted_tokens = finish.accepted_tokens(),
          .model_hash = finish.model_hash()};
}

v1::EmbedKind ToProto(inference::EmbedKind kind) {
  return kind == inference::EmbedKind::kQuery ? v1::EMBED_KIND_QUERY : v1::EMBED_KIND_PASSAGE;
}

inference::EmbedKind FromProto(v1::EmbedKind kind) {
  return kind == v1::EMBED_KIND_QUERY ? inference::EmbedKind::kQuery
                                      : inference::EmbedKind::kPassage;
}

}  // namespace citeseek::services
