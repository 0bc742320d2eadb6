#include "services/trace.h"

#include <algorithm>

#include "services/gateway/answerer.h"

namespace citeseek::services {
namespace {

thread_local const Trace* current = nullptr;

bool IsHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsZero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

}  // namespace

std::string TraceId(std::string_view traceparent) {
  // version-trace-span-flags; later versions may add to it.
  constexpr std::size_t kLength = 55;
  const auto part = [&](std::size_t at, std::size_t size) { return traceparent.substr(at, size); };
  const bool whole =
      traceparent.size() >= kLength && traceparent[2] == '-' && traceparent[35] == '-' &&
      traceparent[52] == '-' &&
      (traceparent.size() == kLength || (part(0, 2) != "00" && traceparent[kLength] == '-'));
  if (whole && IsHex(part(0, 2)) && part(0, 2) != "ff" && IsHex(part(3, 32)) &&
      !IsZero(part(3, 32)) && IsHex(part(36, 16)) && !IsZero(part(36, 16)) && IsHex(part(53, 2))) {
    return std::string(part(3, 32));
  }
  return gateway::MakeRequestId() + gateway::MakeRequestId();
}

std::string Traceparent(std::string_view trace_id) {
  return "00-" + std::string(trace_id) + "-" + gateway::MakeRequestId() + "-01";
}

TraceScope::TraceScope(const Trace& trace) : outer_(current) { current = &trace; }

TraceScope::~TraceScope() { current = outer_; }

const Trace* TraceScope::Current() { return current; }

}  // namespace citeseek::services
