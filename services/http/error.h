// Error: turns a status into the error replies of our own API and of OpenAI's.
//
// Free functions and constants, thread-safe.
#pragma once

#include <string>

#include "services/http/message.h"

namespace citeseek::http {

// A status may name the parameter at fault, for OpenAI's "param", in a payload of this name.
inline constexpr char kParamPayload[] = "citeseek/param";

// The HTTP status that stands for the error.
int HttpStatusOf(const Error& error);

// {"error":{"code","message"}}; in a stream `event: error` with the same.
extern const Dialect kApiDialect;
// {"error":{"message","type","param","code"}}; in a stream the same as data.
extern const Dialect kOpenAiDialect;

// One event of a stream. `name` may be empty; `data` is one line.
std::string SseEvent(std::string_view name, std::string_view data);
inline constexpr char kSseType[] = "text/event-stream; charset=utf-8";
inline constexpr char kSseHeartbeat[] = ": ping\n\n";

}  // namespace citeseek::http
