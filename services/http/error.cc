#include "services/http/error.h"

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"

namespace citeseek::http {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string MessageOf(const Error& error) {
  const std::string message(error.status.message());
  return message.empty() ? absl::StatusCodeToString(error.status.code()) : message;
}

Reply Whole(const Error& error, const Json& body) {
  Reply reply{.status = HttpStatusOf(error), .body = Dump(body) + "\n", .headers = error.headers};
  if (reply.status == 503 && Find(reply.headers, "Retry-After").empty()) {
    reply.headers.emplace_back("Retry-After", "1");
  }
  return reply;
}

Json ApiBody(const Error& error) {
  return {{"error",
           {{"code", absl::AsciiStrToLower(absl::StatusCodeToString(error.status.code()))},
            {"message", MessageOf(error)}}}};
}

Json OpenAiBody(const Error& error) {
  const int status = HttpStatusOf(error);
  std::string code = error.code;
  if (code.empty()) {
    code = status == 401   ? "invalid_api_key"
           : status == 404 ? "not_found"
           : status == 429 ? "rate_limit_exceeded"
           : status == 503 ? "overloaded"
           : status == 504 ? "timeout"
                           : "";
  }
  const auto param = error.status.GetPayload(kParamPayload);
  const char* type = status == 429  ? "rate_limit_error"
                     : status < 500 ? "invalid_request_error"
                                    : "server_error";
  return {{"error",
           {{"message", MessageOf(error)},
            {"type", type},
            {"param", param ? Json(std::string(*param)) : Json(nullptr)},
            {"code", code.empty() ? Json(nullptr) : Json(code)}}}};
}

}  // namespace

int HttpStatusOf(const Error& error) {
  if (error.http != 0) return error.http;
  switch (error.status.code()) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kFailedPrecondition:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kResourceExhausted:  // ours, not the caller's: see Keys for those
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

std::string SseEvent(std::string_view name, std::string_view data) {
  std::string event;
  event.reserve(name.size() + data.size() + 16);
  if (!name.empty()) event.append("event: ").append(name).append("\n");
  return event.append("data: ").append(data).append("\n\n");
}

const Dialect kApiDialect = {
    .reply = [](const Error& error) { return Whole(error, ApiBody(error)); },
    .in_stream =
        [](const Error& error) {
          Json json = {{"event", "error"}};
          json.update(ApiBody(error));
          return SseEvent("error", Dump(json));
        },
};

const Dialect kOpenAiDialect = {
    .reply = [](const Error& error) { return Whole(error, OpenAiBody(error)); },
    .in_stream = [](const Error& error) { return SseEvent("", Dump(OpenAiBody(error))); },
};

}  // namespace citeseek::http
