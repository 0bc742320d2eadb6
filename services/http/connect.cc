#include "services/http/connect.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/gateway/convert.h"
#include "services/http/error.h"
#include "services/indexer/convert.h"
#include "services/retrieval/convert.h"

namespace citeseek::http {
namespace {

namespace v1 = citeseek::v1;
namespace proto = google::protobuf;
using Json = nlohmann::ordered_json;

constexpr std::size_t kEnvelopeBytes = 5;
constexpr std::size_t kMaxToldBytes = 200;
constexpr char kCompressed = 0x01;
constexpr char kEndStream = 0x02;

// The protocol's names and HTTP statuses of the codes of gRPC, by number.
struct Code {
  const char* name;
  int http;
};
constexpr Code kCodes[] = {{"ok", 200},
                           {"canceled", 499},
                           {"unknown", 500},
                           {"invalid_argument", 400},
                           {"deadline_exceeded", 504},
                           {"not_found", 404},
                           {"already_exists", 409},
                           {"permission_denied", 403},
                           {"resource_exhausted", 429},
                           {"failed_precondition", 400},
                           {"aborted", 409},
                           {"out_of_range", 400},
                           {"unimplemented", 501},
                           {"internal", 500},
                           {"unavailable", 503},
                           {"data_loss", 500},
                           {"unauthenticated", 401}};

const Code& CodeOf(const absl::Status& status) {
  const auto code = static_cast<std::size_t>(status.code());
  return kCodes[code < std::size(kCodes) ? code : 2];
}

Json ErrorJson(const absl::Status& status) {
  return {{"code", CodeOf(status).name}, {"message", std::string(status.message())}};
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string Envelope(char flags, const std::string& bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  std::string envelope(1, flags);
  for (int shift = 24; shift >= 0; shift -= 8) envelope += static_cast<char>(size >> shift);
  return envelope + bytes;
}

constexpr Dialect kUnary = {.reply = [](const Error& error) {
  return Reply{.status = error.http != 0 ? error.http : CodeOf(error.status).http,
               .body = Dump(ErrorJson(error.status)),
               .headers = error.headers};
}};

// Errors of the call itself are in the last message of its stream; those of HTTP are not.
constexpr Dialect kStream = {
    .reply = kUnary.reply,
    .in_stream =
        [](const Error& error) {
          return Envelope(kEndStream, Dump({{"error", ErrorJson(error.status)}}));
        },
    .only_in_stream = true};

// How messages of this call are written.
struct Codec {
  std::string type;  // of the request and of its reply
  bool json = false;
};

Codec CodecOf(const Request& request) {
  const std::string_view value = Find(request.headers, "content-type");
  const std::string type(value.substr(0, value.find(';')));
  return {.type = type, .json = type.ends_with("json")};
}

absl::Status Decode(const Codec& codec, std::string_view bytes, proto::Message* to) {
  std::string why = "it is not in protobuf's encoding";
  if (codec.json) {
    proto::util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    const auto status = proto::util::JsonStringToMessage({bytes.data(), bytes.size()}, to, options);
    if (status.ok()) return absl::OkStatus();
    why = std::string(status.message().data(), status.message().size()).substr(0, kMaxToldBytes);
  } else if (to->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("message is no ", to->GetDescriptor()->full_name(), ": ", why));
}

absl::StatusOr<std::string> Encode(const Codec& codec, const proto::Message& message) {
  std::string bytes;
  if (!codec.json) return message.SerializeAsString();
  const auto status = proto::util::MessageToJsonString(message, &bytes);
  if (status.ok()) return bytes;
  return absl::InternalError(
      absl::StrCat("message cannot be written as JSON: ",
                   std::string(status.message().data(), status.message().size())));
}

// What both kinds of calls tell in their headers.
absl::Status ReadHeaders(Request& request) {
  const std::string timeout(Find(request.headers, "connect-timeout-ms"));
  std::int64_t ms = 0;
  if (!timeout.empty()) {
    if (!absl::SimpleAtoi(timeout, &ms) || ms < 0) {
      return absl::InvalidArgumentError("connect-timeout-ms is not a whole number");
    }
    request.deadline = std::min(request.deadline, absl::Now() + absl::Milliseconds(ms));
  }
  const std::string_view version = Find(request.headers, "connect-protocol-version");
  if (!version.empty() && version != "1") {
    return absl::InvalidArgumentError("connect-protocol-version is not 1");
  }
  for (const char* name : {"content-encoding", "connect-content-encoding"}) {
    const std::string_view encoding = Find(request.headers, name);
    if (!encoding.empty() && encoding != "identity") {
      return absl::UnimplementedError(
          absl::StrCat(name, " is not identity: nothing is compressed"));
    }
  }
  return absl::OkStatus();
}

// The one message of a server stream's request.
absl::StatusOr<std::string_view> OneMessage(std::string_view body) {
  if (body.size() < kEnvelopeBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("body of ", body.size(), " bytes holds no message of a stream"));
  }
  if ((body[0] & kCompressed) != 0) {
    return absl::UnimplementedError("message is compressed; nothing is taken compressed");
  }
  std::size_t size = 0;
  for (std::size_t i = 1; i < kEnvelopeBytes; ++i) {
    size = size << 8 | static_cast<unsigned char>(body[i]);
  }
  body.remove_prefix(kEnvelopeBytes);
  if (size == body.size()) return body;
  return absl::InvalidArgumentError(absl::StrCat("message says that it has ", size, " bytes, and ",
                                                 body.size(), " come: one message is taken"));
}

using UnaryCall = absl::StatusOr<Outcome> (*)(const Codec&, const Doors&, const Request&);

absl::StatusOr<Outcome> Search(const Codec& codec, const Doors& doors, const Request& request) {
  v1::SearchRequest message;
  if (auto status = Decode(codec, request.body, &message); !status.ok()) return status;
  retrieval::Query query = services::FromProto(message);
  query.deadline = request.deadline;
  query.stop = request.stop;
  const absl::StatusOr<retrieval::Result> result = doors.retriever->Search(query);
  if (!result.ok()) return result.status();
  auto bytes = Encode(codec, services::ToProto(*result));
  if (!bytes.ok()) return bytes.status();
  return Reply{.type = codec.type, .body = *std::move(bytes)};
}

absl::StatusOr<Outcome> Get(const Codec& codec, const Doors& doors, const Request& request) {
  v1::GetRequest message;
  if (auto status = Decode(codec, request.body, &message); !status.ok()) return status;
  const absl::StatusOr<indexer::StoredDocument> stored =
      doors.indexer->Get({.key = {message.key().id(), message.key().collection()},
                          .version = message.version(),
                          .deadline = request.deadline,
                          .stop = request.stop});
  if (!stored.ok()) return stored.status();
  v1::GetResponse response;
  services::ToProto(stored->document, *response.mutable_document());
  response.set_version(stored->version);
  auto bytes = Encode(codec, response);
  if (!bytes.ok()) return bytes.status();
  return Reply{.type = codec.type, .body = *std::move(bytes)};
}

absl::StatusOr<std::string> Ask(const Codec& codec, gateway::Answerer* answerer, Request request,
                                const Push& push) {
  if (auto status = ReadHeaders(request); !status.ok()) return status;
  const absl::StatusOr<std::string_view> bytes = OneMessage(request.body);
  if (!bytes.ok()) return bytes.status();
  v1::AskRequest message;
  if (auto status = Decode(codec, *bytes, &message); !status.ok()) return status;
  gateway::Question question = services::FromProto(message);
  question.caller = request.caller;
  question.owner = request.owner;
  question.request_id = request.id;
  question.deadline = request.deadline;
  question.stop = request.stop;
  absl::Status written;
  const auto answer = answerer->Ask(question, [&](const gateway::Event& event) {
    const absl::StatusOr<std::string> encoded = Encode(codec, services::ToProto(event));
    written = encoded.status();
    return encoded.ok() && push(Envelope(0, *encoded));
  });
  if (!written.ok()) return written;
  if (!answer.ok()) return answer.status();
  request.spend(answer->receipt.prompt_tokens + answer->receipt.completion_tokens);
  return Envelope(kEndStream, "{}");
}

Route Unary(const char* path, const Doors& doors, UnaryCall call) {
  return {.method = "POST",
          .path = path,
          .dialect = &kUnary,
          .handle = [doors, call](Request request) -> absl::StatusOr<Outcome> {
            if (auto status = ReadHeaders(request); !status.ok()) return status;
            return call(CodecOf(request), doors, request);
          },
          .types = {"application/json", "application/proto"}};
}

}  // namespace

std::vector<Route> ConnectRoutes(const Doors& doors) {
  std::vector<Route> routes;
  if (doors.retriever != nullptr) {
    routes.push_back(Unary("/citeseek.v1.Retrieval/Search", doors, Search));
  }
  if (doors.indexer != nullptr) routes.push_back(Unary("/citeseek.v1.Indexer/Get", doors, Get));
  if (doors.answerer != nullptr) {
    routes.push_back(
        {.method = "POST",
         .path = "/citeseek.v1.Gateway/Ask",
         .dialect = &kStream,
         .handle = [answerer = doors.answerer](Request request) -> absl::StatusOr<Outcome> {
           const Codec codec = CodecOf(request);
           return Work{.in_line = true,
                       .stream_type = codec.type,
                       .run = [codec, answerer, request = std::move(request)](const Push& push) {
                         return Ask(codec, answerer, request, push);
                       }};
         },
         .types = {"application/connect+json", "application/connect+proto"}});
  }
  return routes;
}

}  // namespace citeseek::http
