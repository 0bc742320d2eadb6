// Trace: names the work that a thread does for one call, so that the calls that it makes of other
// services carry the same names into their logs.
//
// The id is that of W3C Trace Context (www.w3.org/TR/trace-context): 32 hexadecimal digits. Doors
// between the services know nothing of it; a thread that works for a call is told by a TraceScope.
#pragma once

#include <string>
#include <string_view>

namespace citeseek::services {

struct Trace {
  std::string request_id;
  std::string id;
};

// The id in a "traceparent" header if that is well-formed, else a new one.
std::string TraceId(std::string_view traceparent);

// The header for a call that belongs to the trace, under a new span.
std::string Traceparent(std::string_view trace_id);

// The trace of this thread until the scope ends; scopes nest.
class TraceScope {
 public:
  explicit TraceScope(const Trace& trace);  // which outlives the scope
  ~TraceScope();
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

  static const Trace* Current();  // null: this thread works for no call

 private:
  const Trace* const outer_;
};

}  // namespace citeseek::services
