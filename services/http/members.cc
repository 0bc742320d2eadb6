#include "services/http/members.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "services/http/error.h"

namespace citeseek::http {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxToldBytes = 60;

// How deep brackets are nested; of what is no JSON, anything.
int Depth(std::string_view text) {
  int depth = 0, deepest = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') quoted = !quoted;
    if (quoted) {
      if (c == '\\') ++i;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

std::string Told(std::string_view text) {
  if (text.size() <= kMaxToldBytes) return std::string(text);
  std::size_t cut = kMaxToldBytes;
  while (cut > 0 && (text[cut] & '\xC0') == '\x80') --cut;
  return std::string(text.substr(0, cut)) + "...";
}

absl::Status ParseObject(std::string_view text, Json* to) {
  if (Depth(text) > kMaxDepth) {
    return absl::InvalidArgumentError(
        absl::StrCat("body is nested deeper than the limit of ", kMaxDepth));
  }
  try {
    *to = Json::parse(text);
    if (to->is_object()) return absl::OkStatus();
    return absl::InvalidArgumentError("body is not a JSON object");
  } catch (const Json::parse_error& error) {
    return absl::InvalidArgumentError(
        text.empty()
            ? "body is empty, not a JSON object"
            : absl::StrCat("body is not JSON at byte ", error.byte > 0 ? error.byte - 1 : 0));
  } catch (const Json::exception&) {  // a number that no double holds
    return absl::InvalidArgumentError("body holds a number that is out of range");
  }
}

void Members::Fail(std::string_view name, const std::string& what) {
  if (!status_.ok()) return;
  const std::string param = prefix_ + std::string(name);
  status_ = absl::InvalidArgumentError(absl::StrCat(param, " ", what));
  status_.SetPayload(kParamPayload, absl::Cord(param));
}

const Json* Members::Get(std::string_view name) const {
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

const Json* Members::Object(std::string_view name) {
  const Json* member = Get(name);
  if (member == nullptr || member->is_object()) return member;
  Fail(name, "is not an object");
  return nullptr;
}

bool Members::Text(std::string_view name, std::string& to) {
  const Json* member = Get(name);
  if (member == nullptr) return false;
  if (member->is_string()) {
    to = member->get_ref<const std::string&>();
  } else {
    Fail(name, "is not a text");
  }
  return member->is_string();
}

void Members::RequiredText(std::string_view name, std::string& to) {
  if (!Text(name, to)) Fail(name, "is missing");
}

void Members::Flag(std::string_view name, bool& to) {
  const Json* member = Get(name);
  if (member == nullptr) return;
  if (!member->is_boolean()) return Fail(name, "is not true or false");
  to = member->get<bool>();
}

bool Members::ReadWhole(std::string_view name, std::int64_t low, std::int64_t high,
                        std::int64_t& to) {
  const Json* member = Get(name);
  if (member == nullptr) return false;
  const double value = member->is_number() ? member->get<double>() : 0.5;
  if (value != std::floor(value)) return Fail(name, "is not a whole number"), false;
  if (value < static_cast<double>(low) || value > static_cast<double>(high)) {
    Fail(name, absl::StrCat(member->dump(), " is not in [", low, ", ", high, "]"));
    return false;
  }
  to = static_cast<std::int64_t>(value);
  return true;
}

bool Members::Number(std::string_view name, double low, double high, double& to) {
  const Json* member = Get(name);
  if (member == nullptr) return false;
  if (!member->is_number()) return Fail(name, "is not a number"), false;
  const auto value = member->get<double>();
  if (value < low || value > high) {
    Fail(name, absl::StrCat(member->dump(), " is not in [", low, ", ", high, "]"));
    return false;
  }
  to = value;
  return true;
}

void Members::Texts(std::string_view name, std::vector<std::string>& to) {
  const Json* member = Get(name);
  if (member == nullptr) return;
  if (member->is_string()) return to.push_back(member->get<std::string>());
  if (!member->is_array()) return Fail(name, "is neither a text nor a list of texts");
  for (const Json& item : *member) {
    if (!item.is_string()) return Fail(name, "is neither a text nor a list of texts");
    to.push_back(item.get<std::string>());
  }
}

void Members::Filters(std::vector<retrieval::Filter>& to) {
  const Json* filters = Get("filters");
  if (filters == nullptr) return;
  if (filters->is_object()) {
    for (const auto& [field, value] : filters->items()) {
      if (!value.is_string()) return Fail("filters." + Told(field), "is not a text");
      to.push_back({field, value.get<std::string>()});
    }
    return;
  }
  if (!filters->is_array()) return Fail("filters", "is not an object of texts");
  for (const Json& filter : *filters) {
    if (!filter.is_object()) return Fail("filters", "holds what is no object");
    retrieval::Filter read;
    Members members(filter, absl::StrCat(prefix_, "filters[", to.size(), "]."));
    members.RequiredText("field", read.field);
    members.RequiredText("value", read.value);
    if (!members.status().ok()) return Take(members.status());
    to.push_back(std::move(read));
  }
}

}  // namespace citeseek::http
