// Members: reads the members of a JSON object into plain values, one after the other.
//
// Unknown members are ignored; null is as if it were not there. The first fault is kept: it names
// the member, its value and what is allowed. Single-threaded.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "retrieval/retriever.h"

namespace citeseek::http {

// What stands for a value of the caller's in a message.
std::string Told(std::string_view text);

// kInvalidArgument for what is no JSON object, or nested too deep.
absl::Status ParseObject(std::string_view text, nlohmann::json* to);

class Members {
 public:
  template <typename Value>
  using Names = std::map<std::string, Value, std::less<>>;
  static constexpr std::int64_t kMaxWhole = std::int64_t{1} << 53;

  // `prefix` stands before names in messages. `object` outlives this.
  explicit Members(const nlohmann::json& object, std::string prefix = "")
      : object_(object), prefix_(std::move(prefix)) {}

  const absl::Status& status() const { return status_; }
  void Fail(std::string_view name, const std::string& what);  // kParamPayload of error.h is set
  void Take(const absl::Status& status) { status_.Update(status); }

  const nlohmann::json* Get(std::string_view name) const;  // null if it is not there
  const nlohmann::json* Object(std::string_view name);     // also if it is no object: a fault
  bool Text(std::string_view name, std::string& to);       // true if it was there
  void RequiredText(std::string_view name, std::string& to);
  void Flag(std::string_view name, bool& to);
  bool Number(std::string_view name, double low, double high, double& to);  // true if it was read
  template <typename Integer>
  void Whole(std::string_view name, std::int64_t low, std::int64_t high, Integer& to) {
    std::int64_t value = 0;
    if (ReadWhole(name, low, high, value)) to = static_cast<Integer>(value);
  }
  template <typename Value>
  void OneOf(std::string_view name, const Names<Value>& names, Value& to) {
    std::string text;
    if (!Text(name, text)) return;
    if (const auto found = names.find(text); found != names.end()) {
      to = found->second;
      return;
    }
    std::string allowed;
    for (const auto& [key, value] : names)
      absl::StrAppend(&allowed, allowed.empty() ? "" : ", ", key);
    Fail(name, absl::StrCat("'", Told(text), "' is not one of ", allowed));
  }
  // A text, or a list of texts.
  void Texts(std::string_view name, std::vector<std::string>& to);
  // {"field": "value"} or [{"field", "value"}].
  void Filters(std::vector<retrieval::Filter>& to);

 private:
  bool ReadWhole(std::string_view name, std::int64_t low, std::int64_t high, std::int64_t& to);

  const nlohmann::json& object_;
  const std::string prefix_;
  absl::Status status_;
};

}  // namespace citeseek::http
