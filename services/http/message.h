// Message: one HTTP request and what becomes of it, in plain structs that know no HTTP library.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace citeseek::http {

using Fields = std::vector<std::pair<std::string, std::string>>;

// The first value of the name, else empty.
std::string_view Find(const Fields& fields, std::string_view name);

struct Request {
  std::string method;
  std::string path;  // percent-decoded
  std::string rest;  // of the path: what the "*" of its route stands for
  Fields query;      // percent-decoded, in order
  Fields headers;    // names in lower case
  std::string body;
  std::string id;  // names it in logs and receipts
  std::string trace_id;
  std::string caller;  // name of the key; without keys the address of the client
  std::string owner;   // name of the key; without keys empty
  absl::Time deadline = absl::InfiniteFuture();
  std::stop_token stop = {};  // fires when the client is gone
  // To be called with the tokens that the request has cost, for the limit of its key.
  std::function<void(std::int64_t tokens)> spend = [](std::int64_t) {};
};

struct Reply {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  Fields headers = {};
};

// Takes the next bytes of a stream. Blocks while a slow reader has not taken the ones before; false
// once nobody reads any more.
using Push = std::function<bool(std::string)>;

// What takes its time.
struct Work {
  // It waits for its turn by itself (see services/gateway/admission.h): many may run at once.
  bool in_line = false;
  // Of the stream; empty: there is none, `run` gives the body of one whole reply.
  std::string stream_type;
  std::string heartbeat;  // bytes that a silent stream is kept open with; empty: none
  // Runs on a thread of its own. Returns the last bytes of the stream, or the whole body.
  std::function<absl::StatusOr<std::string>(const Push& push)> run;
};

using Outcome = std::variant<Reply, Work>;

// What went wrong, before it is put into the words of an API.
struct Error {
  absl::Status status;
  int http = 0;           // 0: what the status code stands for
  std::string code = {};  // OpenAI's name; empty: what the status code stands for
  Fields headers = {};
};

// How an API tells of errors.
struct Dialect {
  Reply (*reply)(const Error& error);
  // Ends a stream that has begun.
  std::string (*in_stream)(const Error& error);
  // Errors of work that streams are told in the stream even if it has not begun.
  bool only_in_stream = false;
};

struct Route {
  std::string method;
  std::string path;  // a "*" at its end stands for any rest that is not empty
  const Dialect* dialect = nullptr;
  // Runs on a thread of its own, and soon ends.
  std::function<absl::StatusOr<Outcome>(Request request)> handle;
  bool open = false;                                      // to callers without a key
  std::vector<std::string> types = {"application/json"};  // of bodies that are taken
};

}  // namespace citeseek::http
