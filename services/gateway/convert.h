// Convert: services/gateway/answerer.h to and from citeseek/v1/gateway.proto and answer.proto,
// field by field.
//
// Free functions, thread-safe. Deadlines and stop tokens travel with the call, not in the message.
#pragma once

#include "absl/status/statusor.h"
#include "citeseek/v1/answer.pb.h"
#include "citeseek/v1/gateway.pb.h"
#include "services/gateway/answerer.h"

namespace citeseek::services {

v1::AskRequest ToProto(const gateway::Question& question);
gateway::Question FromProto(const v1::AskRequest& request);

void ToProto(const gateway::Answer& answer, v1::Answer& proto);
gateway::Answer FromProto(const v1::Answer& answer);

void ToProto(const gateway::Conversation& conversation, v1::Conversation& proto);
gateway::Conversation FromProto(const v1::Conversation& conversation);

v1::CheckRequest ToProto(const gateway::CheckRequest& request);
gateway::CheckRequest FromProto(const v1::CheckRequest& request);

void ToProto(const gateway::CheckReport& report, v1::CheckResponse& proto);
gateway::CheckReport FromProto(const v1::CheckResponse& response);

v1::AskResponse ToProto(const gateway::Event& event);
// kInternal if no event is set.
absl::StatusOr<gateway::Event> FromProto(const v1::AskResponse& response);

}  // namespace citeseek::services
