#include "services/http/router.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/http/error.h"
#include "services/http/keys.h"
#include "services/http/target.h"
#include "services/request_id.h"
#include "services/trace.h"

namespace citeseek::http {
namespace {

constexpr std::size_t kMaxToldBytes = 100;

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// What stands for untrusted text in a message.
std::string Told(std::string_view text) {
  std::string told(text.substr(0, kMaxToldBytes));
  std::replace_if(
      told.begin(), told.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text.size() > kMaxToldBytes ? told + "..." : told;
}

bool Matches(const Route& route, std::string_view path, std::string_view* rest) {
  if (!route.path.ends_with('*')) return path == route.path;
  const std::string_view prefix = std::string_view(route.path).substr(0, route.path.size() - 1);
  if (!path.starts_with(prefix) || path.size() == prefix.size()) return false;
  *rest = path.substr(prefix.size());
  return true;
}

// The headers that let pages of other origins read the reply; none for origins not allowed.
void AllowOrigin(const ServerOptions& options, const Head& head, Fields* headers) {
  if (options.cors.empty()) return;
  headers->emplace_back("Vary", "Origin");
  const std::string_view origin = Find(head.headers, "origin");
  if (origin.empty() || !IsPrintable(origin)) return;
  const bool all = std::find(options.cors.begin(), options.cors.end(), "*") != options.cors.end();
  const bool named =
      std::find(options.cors.begin(), options.cors.end(), origin) != options.cors.end();
  if (!all && !named) return;
  headers->emplace_back("Access-Control-Allow-Origin", all ? "*" : std::string(origin));
  headers->emplace_back("Access-Control-Expose-Headers", "x-request-id, retry-after");
}

void AnswerPreflight(const Head& head, Fields* headers) {
  headers->emplace_back("Access-Control-Allow-Methods", "GET, POST, DELETE");
  headers->emplace_back("Access-Control-Max-Age", "600");
  const std::string_view wanted = Find(head.headers, "access-control-request-headers");
  if (IsPrintable(wanted)) headers->emplace_back("Access-Control-Allow-Headers", wanted);
}

// The media type without its parameters.
std::string MediaType(const Fields& headers) {
  const std::string_view value = Find(headers, "content-type");
  std::string type(value.substr(0, value.find(';')));
  absl::StripAsciiWhitespace(&type);
  absl::AsciiStrToLower(&type);
  return type;
}

Error UnknownPath(std::string_view path) {
  return {.status = absl::NotFoundError("no such path: " + Told(path)), .http = 404};
}

Error WrongMethod(const Head& head, std::string_view path,
                  const std::vector<std::string>& allowed) {
  return {.status = absl::InvalidArgumentError(
              absl::StrCat("method ", Told(head.method), " is not one of ",
                           absl::StrJoin(allowed, ", "), ", which ", Told(path), " takes")),
          .http = 405,
          .headers = {{"Allow", absl::StrJoin(allowed, ", ")}}};
}

}  // namespace

Routed RouteRequest(const ServerOptions& options, Head head, bool has_body) {
  Routed routed{.dialect = head.target.starts_with("/v1/") ? &kOpenAiDialect : &kApiDialect};
  Request& request = routed.request;
  request.id = services::RequestId(Find(head.headers, "x-request-id"));
  request.trace_id = services::TraceId(Find(head.headers, "traceparent"));
  request.method = head.method;
  AllowOrigin(options, head, &routed.headers);
  if (head.method == "OPTIONS" && !Find(head.headers, "origin").empty()) {
    AnswerPreflight(head, &routed.headers);
    static const Dialect kNothing = {.reply = [](const Error&) { return Reply{.status = 204}; }};
    routed.dialect = &kNothing;
    routed.error = Error{.status = absl::OkStatus()};
    return routed;
  }
  auto target = ParseTarget(head.target);
  if (!target.ok()) {
    routed.error = Error{.status = target.status()};
    return routed;
  }
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  std::vector<std::string> allowed;
  for (const Route& route : options.routes) {
    std::string_view rest;
    if (!Matches(route, request.path, &rest)) continue;
    routed.dialect = route.dialect;
    allowed.push_back(route.method);
    if (route.method != head.method) continue;
    routed.route = &route;
    request.rest = std::string(rest);
    break;
  }
  if (routed.route == nullptr) {
    routed.error =
        allowed.empty() ? UnknownPath(request.path) : WrongMethod(head, request.path, allowed);
    return routed;
  }
  if (options.keys != nullptr && !routed.route->open) {
    auto admitted = options.keys->Admit(Find(head.headers, "authorization"));
    if (auto* error = std::get_if<Error>(&admitted)) {
      routed.error = std::move(*error);
      return routed;
    }
    auto& caller = std::get<Keys::Caller>(admitted);
    request.owner = caller.name;
    request.caller = std::move(caller.name);
    request.spend = [keys = options.keys, key = caller.key](std::int64_t tokens) {
      keys->Spend(key, tokens);
    };
    for (auto& header : caller.headers) routed.headers.push_back(std::move(header));
  }
  const std::vector<std::string>& types = routed.route->types;
  const std::string type = MediaType(head.headers);
  if (has_body && std::find(types.begin(), types.end(), type) == types.end()) {
    routed.error =
        Error{.status = absl::InvalidArgumentError(absl::StrCat(
                  "content type '", Told(type), "' is not ", absl::StrJoin(types, ", "))),
              .http = 415};
  }
  request.headers = std::move(head.headers);
  return routed;
}

}  // namespace citeseek::http
