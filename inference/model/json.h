// Json: turns JSON bytes into a plain value tree, objects in the order of the file.
//
// Made for model files, which are untrusted: bounded depth, no exceptions, duplicate keys kept
// (Find returns the last, as Python does). Thread-compatible. Errors: kInvalidArgument.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace citeseek::inference {

struct Json;
using JsonArray = std::vector<Json>;
using JsonObject = std::vector<std::pair<std::string, Json>>;

struct Json {
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, JsonArray, JsonObject>
      value = nullptr;

  bool IsNull() const { return std::holds_alternative<std::nullptr_t>(value); }
  const bool* Bool() const { return std::get_if<bool>(&value); }
  const std::int64_t* Int() const { return std::get_if<std::int64_t>(&value); }
  const double* Double() const { return std::get_if<double>(&value); }
  const std::string* String() const { return std::get_if<std::string>(&value); }
  const JsonArray* Array() const { return std::get_if<JsonArray>(&value); }
  const JsonObject* Object() const { return std::get_if<JsonObject>(&value); }

  // The last member called `key`, or null if there is none or this is no object.
  const Json* Find(std::string_view key) const;
};

// `name` says in errors what was parsed, for example a path.
absl::StatusOr<Json> ParseJson(std::string_view bytes, std::string_view name);

// JsonReader: reads typed members of one object and keeps the first error, so that a caller reads
// everything and checks status() once. A missing or null member gives the default.
class JsonReader {
 public:
  // `object` must outlive the reader; `where` names it in errors.
  JsonReader(const Json& object, std::string_view where);

  std::int64_t Int(std::string_view key, std::int64_t fallback, std::int64_t min, std::int64_t max);
  double Number(std::string_view key, double fallback, double min, double max);
  bool Bool(std::string_view key, bool fallback);
  std::string String(std::string_view key, std::string_view fallback);
  // A single id or a list of ids, each in [0, max].
  std::vector<std::int64_t> Ints(std::string_view key, std::int64_t max);

  bool Contains(std::string_view key) const { return object_.Find(key) != nullptr; }
  // The member, or null when it is missing or null.
  const Json* Find(std::string_view key) const;
  void Fail(std::string_view key, std::string_view problem);
  const absl::Status& status() const { return status_; }

 private:
  const Json& object_;
  std::string where_;
  absl::Status status_;
};

}  // namespace citeseek::inference
