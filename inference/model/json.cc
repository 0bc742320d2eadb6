#include "inference/model/json.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

namespace citeseek::inference {
namespace {

constexpr std::size_t kMaxDepth = 128;

// Builds the tree in place from nlohmann's events. A container's address holds while it is open,
// since its parent does not grow before it ends.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return Put(nullptr); }
  bool boolean(bool v) override { return Put(v); }
  bool number_integer(number_integer_t v) override { return Put(std::int64_t{v}); }
  bool number_unsigned(number_unsigned_t v) override {
    if (v > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
      return Put(static_cast<double>(v));
    }
    return Put(static_cast<std::int64_t>(v));
  }
  bool number_float(number_float_t v, const string_t&) override { return Put(double{v}); }
  bool string(string_t& v) override { return Put(std::move(v)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return Start<JsonObject>(); }
  bool key(string_t& v) override {
    key_ = std::move(v);
    return true;
  }
  bool end_object() override { return End(); }
  bool start_array(std::size_t) override { return Start<JsonArray>(); }
  bool end_array() override { return End(); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    error = absl::StrCat("is not JSON at byte ", position);
    return false;
  }

  Json root;
  std::string error;

 private:
  Json& Slot() {
    if (open_.empty()) return root;
    if (auto* array = std::get_if<JsonArray>(&open_.back()->value)) return array->emplace_back();
    auto& object = std::get<JsonObject>(open_.back()->value);
    // In place: for clang 14 this pair has no default constructor.
    object.emplace_back(std::piecewise_construct, std::forward_as_tuple(std::move(key_)),
                        std::forward_as_tuple());
    return object.back().second;
  }
  template <typename T>
  bool Put(T&& v) {
    Slot().value.emplace<std::decay_t<T>>(std::forward<T>(v));
    return true;
  }
  template <typename Container>
  bool Start() {
    if (open_.size() >= kMaxDepth) {
      error = absl::StrCat("is nested deeper than ", kMaxDepth);
      return false;
    }
    Json& slot = Slot();
    slot.value.emplace<Container>();
    open_.push_back(&slot);
    return true;
  }
  bool End() {
    open_.pop_back();
    return true;
  }

  std::vector<Json*> open_;
  std::string key_;
};

}  // namespace

const Json* Json::Find(std::string_view key) const {
  const JsonObject* object = Object();
  if (object == nullptr) return nullptr;
  const auto it = std::find_if(object->rbegin(), object->rend(),
                               [&](const auto& member) { return member.first == key; });
  return it == object->rend() ? nullptr : &it->second;
}

absl::StatusOr<Json> ParseJson(std::string_view bytes, std::string_view name) {
  Builder builder;
  bool ok = false;
  try {
    ok = nlohmann::json::sax_parse(bytes.begin(), bytes.end(), &builder);
  } catch (const std::exception& e) {
    builder.error = absl::StrCat("is not JSON: ", e.what());
  }
  if (!ok) {
    return absl::InvalidArgumentError(absl::StrCat(std::string(name), " ", builder.error));
  }
  return std::move(builder.root);
}

JsonReader::JsonReader(const Json& object, std::string_view where)
    : object_(object), where_(where) {
  if (object.Object() == nullptr) {
    status_ = absl::InvalidArgumentError(absl::StrCat(where_, " is not a JSON object"));
  }
}

void JsonReader::Fail(std::string_view key, std::string_view problem) {
  if (!status_.ok()) return;
  status_ = absl::InvalidArgumentError(
      absl::StrCat(where_, ": ", std::string(key), " ", std::string(problem)));
}

const Json* JsonReader::Find(std::string_view key) const {
  const Json* member = object_.Find(key);
  return member == nullptr || member->IsNull() ? nullptr : member;
}

std::int64_t JsonReader::Int(std::string_view key, std::int64_t fallback, std::int64_t min,
                             std::int64_t max) {
  const Json* member = Find(key);
  if (member == nullptr) return fallback;
  const std::int64_t* v = member->Int();
  std::int64_t whole = 0;
  if (const double* d = member->Double();
      d != nullptr && std::abs(*d) < 1e15 && std::floor(*d) == *d) {
    whole = static_cast<std::int64_t>(*d);  // 4.0 and 1e6 are how some tools write integers
    v = &whole;
  }
  if (v == nullptr) {
    Fail(key, "is not an integer");
    return fallback;
  }
  if (*v < min || *v > max) {
    Fail(key, absl::StrCat(*v, " is not in [", min, ", ", max, "]"));
    return fallback;
  }
  return *v;
}

double JsonReader::Number(std::string_view key, double fallback, double min, double max) {
  const Json* member = Find(key);
  if (member == nullptr) return fallback;
  double v = 0;
  if (member->Int() != nullptr) {
    v = static_cast<double>(*member->Int());
  } else if (member->Double() != nullptr) {
    v = *member->Double();
  } else {
    Fail(key, "is not a number");
    return fallback;
  }
  if (!(v >= min && v <= max)) {
    Fail(key, absl::StrCat(v, " is not in [", min, ", ", max, "]"));
    return fallback;
  }
  return v;
}

bool JsonReader::Bool(std::string_view key, bool fallback) {
  const Json* member = Find(key);
  if (member == nullptr) return fallback;
  if (member->Bool() == nullptr) {
    Fail(key, "is not true or false");
    return fallback;
  }
  return *member->Bool();
}

std::string JsonReader::String(std::string_view key, std::string_view fallback) {
  const Json* member = Find(key);
  if (member == nullptr) return std::string(fallback);
  if (member->String() == nullptr) {
    Fail(key, "is not a string");
    return std::string(fallback);
  }
  return *member->String();
}

std::vector<std::int64_t> JsonReader::Ints(std::string_view key, std::int64_t max) {
  const Json* member = Find(key);
  if (member == nullptr) return {};
  std::vector<std::int64_t> ids;
  const auto add = [&](const Json& item) {
    if (item.Int() == nullptr || *item.Int() < 0 || *item.Int() > max) {
      Fail(key, absl::StrCat("is not made of integers in [0, ", max, "]"));
      return;
    }
    ids.push_back(*item.Int());
  };
  if (member->Array() == nullptr) {
    add(*member);
  } else {
    for (const Json& item : *member->Array()) add(item);
  }
  return ids;
}

}  // namespace citeseek::inference
